"""Prepare pictures for the network: normalize them, split them into layers."""
