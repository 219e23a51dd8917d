"""Judges of MT-bench: what is to be judged, by whom, and what became of it."""
