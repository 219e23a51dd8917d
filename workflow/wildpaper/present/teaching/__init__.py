"""What the notebooks need beside tables and figures: small results, exercises, variations."""
