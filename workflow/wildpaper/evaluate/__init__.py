"""Evaluate: what the models do on held-out conversations."""
