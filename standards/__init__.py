"""Curves and numbers that published documents fix, one home for each."""
