"""Small text classifiers, trained on simulated labels."""
