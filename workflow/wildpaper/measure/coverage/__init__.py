"""The coverage matrix (Figure 3) in numbers."""
