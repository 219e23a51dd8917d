"""Acquire: bring raw files in, checked, and never leave half a file."""
