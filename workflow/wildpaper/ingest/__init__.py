"""Ingest: native formats in, one canonical schema out, in shards, with a quarantine."""
