"""The trained operator: from an HDR picture to the displayed one."""
