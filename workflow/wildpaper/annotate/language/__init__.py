"""Languages of messages."""
