"""Distinct texts, scored once each however often they are there."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from wildpaper.annotate.detoxify.engine import Engine, Scores
from wildpaper.progress import Progress

TEXTS_AT_ONCE = 4_096
"""Texts that are held until they are scored together."""


class DistinctTexts:
    """The distinct texts seen so far: their digests and scores, and those not yet scored.

    Parameters
    ----------
    engine : Engine
        Scores them.
    progress : Progress
        Told of each text: of a repeated one when it is seen, of others when they are scored.

    Notes
    -----
    Of a text that was scored, 16 bytes of digest, the scores and the flag are remembered.
    """

    def __init__(self, engine: Engine, progress: Progress) -> None:
        self._engine, self._progress = engine, progress
        self._seen: dict[bytes, int] = {}
        self._waiting: list[str] = []
        self._parts = [engine.score([])]

    def place_of(self, text: str) -> int:
        """Return the number of a text among the distinct ones."""
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest in self._seen:
            self._progress.advance(1)
            return self._seen[digest]
        place = self._seen[digest] = len(self._seen)
        self._waiting.append(text)
        if len(self._waiting) == TEXTS_AT_ONCE:
            self.score_waiting()
        return place

    def score_waiting(self) -> None:
        """Score the texts that are held."""
        if self._waiting:
            self._parts.append(self._engine.score(self._waiting, self._progress.advance))
            self._waiting = []

    def scored(self) -> tuple[Scores, NDArray[np.bool_]]:
        """Return scores, shape (n_distinct, n_heads), and truncation, shape (n_distinct,)."""
        self.score_waiting()
        scores, truncated = zip(*self._parts, strict=True)
        return np.concatenate(scores), np.concatenate(truncated)
