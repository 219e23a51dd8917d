"""Prompts that try to disable safeguards."""
