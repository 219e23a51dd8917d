"""Which hashes have been seen: exact, sixteen bytes each and little more."""

import numpy as np
from numpy.typing import NDArray

_RECENT = 50_000


class SeenHashes:
    """A set of hashes of 16 bytes that grows in bounded steps.

    The most recent stand in a set of Python; the others in sorted arrays, of which two of
    like size become one.
    """

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._sorted: list[NDArray[np.bytes_]] = []
        self._n_sorted = 0

    def __len__(self) -> int:
        return self._n_sorted + len(self._recent)

    def add(self, digest: bytes) -> bool:
        """Add a hash; say whether it is new."""
        if digest in self._recent or any(_holds(part, digest) for part in self._sorted):
            return False
        self._recent.add(digest)
        if len(self._recent) >= _RECENT:
            self._settle()
        return True

    def _settle(self) -> None:
        part = np.sort(np.array(list(self._recent), "S16"))
        self._n_sorted += len(part)
        self._recent = set()
        while self._sorted and len(self._sorted[-1]) <= len(part):
            part = np.sort(np.concatenate([self._sorted.pop(), part]))
        self._sorted.append(part)


def _holds(part: NDArray[np.bytes_], digest: bytes) -> bool:
    place = int(np.searchsorted(part, np.array(digest, "S16")))
    return place < len(part) and bool(part[place] == np.array(digest, "S16"))
