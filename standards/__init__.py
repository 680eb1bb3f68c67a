"""Curves, numbers and filters that published documents fix, one home for each."""
