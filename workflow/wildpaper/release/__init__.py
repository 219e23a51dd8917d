"""Turn raw interaction logs into an anonymised release in the published schema."""
