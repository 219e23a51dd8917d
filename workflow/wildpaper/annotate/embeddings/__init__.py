"""Embeddings of first prompts."""
