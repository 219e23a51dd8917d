"""Publish: one HTML page of everything that a run made, and of what it did not."""
