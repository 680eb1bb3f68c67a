"""Training and test records: what they hold, how they are written and read."""
