"""Labels that a release records."""
