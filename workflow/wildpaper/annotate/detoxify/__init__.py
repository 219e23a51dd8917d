"""Toxicity scores by Detoxify."""
