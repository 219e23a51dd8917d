"""Publish: claims ledger, paper and manifest."""
