"""Annotate: labels beside the text, never in it."""
