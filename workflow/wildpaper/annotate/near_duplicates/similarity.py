"""Exact similarity of texts whose signatures say that they may be alike."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from wildpaper.annotate.near_duplicates.shingles import Hashes
from wildpaper.progress import Progress

Ints = npt.NDArray[np.int64]


class ShingleSets:
    """Sets of shingles on disk, 4 bytes a shingle; a context manager.

    Parameters
    ----------
    path : Path
        Scratch file.
    n_texts : int
        Texts are known by their numbers from 0.
    """

    def __init__(self, path: Path, n_texts: int) -> None:
        self._path = path
        self._file = path.open("wb")
        self._starts = np.zeros(n_texts, np.int64)
        self._sizes = np.zeros(n_texts, np.int64)
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, texts: Ints, hashes: Hashes, offsets: npt.NDArray[np.uint64]) -> None:
        """Store texts, given as `hash_shingles` returns them, by half of each hash."""
        halves = (hashes >> np.uint64(32)).astype(np.uint32)
        for text, start, end in zip(texts, offsets[:-1], offsets[1:], strict=True):
            shingles = np.unique(halves[int(start) : int(end)])
            shingles.tofile(self._file)
            self._starts[text], self._sizes[text] = self._end, len(shingles)
            self._end += len(shingles)

    def alike(self, pairs: Ints, threshold: float, dataset: str) -> npt.NDArray[np.bool_]:
        """Say of each pair whether its Jaccard similarity reaches the threshold.

        Parameters
        ----------
        pairs : ndarray of int64, shape (n_pairs, 2)
        threshold : float
        dataset : str
            Named in the progress lines.

        Notes
        -----
        Exact up to shingles of equal half hash, one in four thousand million.
        """
        self._file.flush()
        sizes = np.sort(self._sizes[pairs], axis=1)
        within = sizes[:, 0] >= threshold * sizes[:, 1] * (1 - 1e-9)
        found = np.zeros(len(pairs), np.bool_)
        progress = Progress(f"{dataset}: pairs compared", int(within.sum()), "pairs")
        if not within.any():
            return found
        stored = np.memmap(self._path, np.uint32, "r")
        for i in np.flatnonzero(within):
            first, second = (self._shingles(stored, text) for text in pairs[i])
            n_shared = len(np.intersect1d(first, second, assume_unique=True))
            found[i] = n_shared / (len(first) + len(second) - n_shared) >= threshold
            progress.advance(1)
        return found

    def _shingles(self, stored: npt.NDArray[np.uint32], text: np.int64) -> npt.NDArray[np.uint32]:
        start = self._starts[text]
        return stored[start : start + self._sizes[text]]
