"""Independent streams of random numbers, one for each thing that is drawn by itself."""

import bisect
import random
from collections.abc import Iterable

BLOCK, USER, CONVERSATION, LABELLED, PROMPT = range(5)
"""What a stream belongs to."""


def stream(seed: int, kind: int, index: int, part: int = 0) -> random.Random:
    """Return the stream of one block, user, conversation or message.

    The same four numbers give the same stream, whatever else was drawn before.
    """
    return random.Random((((seed << 4) | kind) << 96) | (index << 40) | part)  # noqa: S311


class Choice:
    """Values with weights, to draw from quickly."""

    def __init__(self, weights: Iterable[tuple[str, float]]) -> None:
        self.values: list[str] = []
        self._sums: list[float] = []
        total = 0.0
        for value, weight in weights:
            total += weight
            self.values.append(value)
            self._sums.append(total)

    def draw(self, rng: random.Random) -> str:
        """Return one value by its weight."""
        return self.at(rng.random())

    def at(self, share: float) -> str:
        """Return the value that lies at a share of the whole weight, 0 <= share < 1."""
        return self.values[bisect.bisect_right(self._sums, share * self._sums[-1])]


def stochastic_round(rng: random.Random, value: float) -> int:
    """Return a neighbouring integer of `value`, whose mean is `value`."""
    whole = int(value)
    return whole + (rng.random() < value - whole)
