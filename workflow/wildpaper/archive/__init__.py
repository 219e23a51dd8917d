"""Archives of finished runs: packed with checksums, verified, restored, tried by recomputing."""
