"""What the project asks of the operating system: files, locks, processes, devices."""
