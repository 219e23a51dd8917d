"""User messages that are almost the same."""
