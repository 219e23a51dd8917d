"""Publish: the way from a number to everything behind it."""
