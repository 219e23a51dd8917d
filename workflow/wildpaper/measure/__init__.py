"""Measure: small tidy tables, one per paper artifact, with confidence intervals."""
