"""Simulation: raw interaction logs and comparison sets of our own, with planted truth."""
