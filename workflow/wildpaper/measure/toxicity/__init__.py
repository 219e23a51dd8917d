"""Section 4: toxicity and jailbreaks."""
