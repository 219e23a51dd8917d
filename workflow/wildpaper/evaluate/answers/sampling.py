"""Sampling whose every draw belongs to one answer, whatever else is in its batch."""

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor

_SEED_BYTES = 8
_SMALLEST = 1e-38
"""Of what is drawn, so that its logarithm is finite."""


def draw_seed(stream: str, step: int) -> int:
    """Return the seed of one draw: any text names a stream, steps count from 0."""
    digest = hashlib.sha256(f"{stream}\0{step}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES], "big") >> 1  # torch takes 63 bits


class GumbelNoise(LogitsProcessor):  # type: ignore[misc]
    """Turn choosing the highest score into sampling at a temperature.

    Parameters
    ----------
    streams : sequence of str
        The stream of random numbers of each row.
    temperatures : sequence of float
        Of each row; 0 leaves its scores as they are.
    n_before : int
        Tokens that were drawn for each row before the first call.

    Notes
    -----
    The index of the highest of ``logit / T + g``, with g drawn from the standard Gumbel
    distribution for each token, is distributed as ``softmax(logits / T)``. What is drawn for a
    token depends on stream and step alone: neither other rows nor an interruption touch it.
    Nothing is cut off the distribution, neither by rank (top-k) nor by mass (top-p).
    Source: E. J. Gumbel, "Statistical Theory of Extreme Values" (1954); C. J. Maddison et al.,
    "A* Sampling" (2014).
    """

    def __init__(
        self, streams: Sequence[str], temperatures: Sequence[float], n_before: int = 0
    ) -> None:
        self._rows = list(zip(streams, temperatures, strict=True))
        self._n_before = n_before
        self._width = -1

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> Any:
        """Return scores with noise.

        Parameters
        ----------
        input_ids : Tensor, shape (n_rows, n_tokens)
            All tokens so far.
        scores : Tensor, shape (n_rows, n_vocabulary)
            Logits.
        """
        if self._width < 0:
            self._width = input_ids.shape[1]
        step = self._n_before + input_ids.shape[1] - self._width
        noisy = scores.float().clone()
        generator = torch.Generator(device=scores.device)
        for i, (stream, temperature) in enumerate(self._rows):
            if temperature > 0:
                generator.manual_seed(draw_seed(stream, step))
                drawn = torch.empty_like(noisy[i]).exponential_(generator=generator)
                noisy[i].div_(temperature).sub_(drawn.clamp_(min=_SMALLEST).log_())
        return noisy
