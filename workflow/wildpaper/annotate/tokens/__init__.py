"""Llama-2 tokens, counted exactly."""
