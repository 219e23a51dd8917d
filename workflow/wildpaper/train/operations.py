"""Operations of a training for each parameter and token, attention left out."""

DENSE = 6
"""Forward and backward pass."""
FROZEN = 4
"""The same where weights have no gradients (LoRA)."""
RECOMPUTED = 2
"""What recomputing activations adds."""
