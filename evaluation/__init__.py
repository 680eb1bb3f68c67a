"""Scores of many pictures and methods, their tables and the report."""
