"""MT-bench in numbers: grades, pairs, categories, and how far a judge can be led astray."""
