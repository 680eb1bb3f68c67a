"""Scores of tone-mapped pictures, and classical operators to compare with."""
