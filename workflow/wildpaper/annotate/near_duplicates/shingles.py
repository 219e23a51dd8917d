"""Texts as sets of hashed character shingles."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_PIECE_CHARACTERS = 1_000_000


def normalise(text: str) -> str:
    """Return a text in lower case, each run of white space a single space, none at its ends."""
    return " ".join(text.lower().split())


def mix(values: Hashes) -> Hashes:
    """Return values scattered over 64 bits, one to one (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


def combine(values: Sequence[npt.NDArray[np.unsignedinteger]]) -> Hashes:
    """Return one hash a place of equally long arrays, of their values in order."""
    combined = np.zeros(values[0].shape, np.uint64)
    for value in values:
        combined = combined * _BASE + value + np.uint64(1)
    return mix(combined)


def hash_shingles(texts: list[str], n_characters: int) -> tuple[Hashes, npt.NDArray[np.uint64]]:
    """Hash all runs of `n_characters` characters (code points) of normalised texts.

    Parameters
    ----------
    texts : list of str
    n_characters : int
        From 1 on.

    Returns
    -------
    hashes : ndarray of uint64, shape (n_shingles,)
        Text after text; a shingle that occurs twice is there twice.
    offsets : ndarray of uint64, shape (n_texts + 1,)
        Text i has ``hashes[offsets[i]:offsets[i + 1]]``; none if it is shorter than a shingle.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    counts = np.maximum(lengths - n_characters + 1, 0)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    if not offsets[-1]:
        return np.zeros(0, np.uint64), offsets
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    n_windows = len(points) - n_characters + 1
    hashes = combine([points[i : i + n_windows] for i in range(n_characters)])
    ends = np.repeat(np.cumsum(lengths), lengths)[:n_windows]
    return hashes[np.arange(n_characters, len(points) + 1) <= ends], offsets


def in_pieces(texts: list[str]) -> Iterator[slice]:
    """Cut a list of texts so that no part but a single text is over a million characters."""
    first = n = 0
    for i, text in enumerate(texts):
        if n and n + len(text) > _PIECE_CHARACTERS:
            yield slice(first, i)
            first, n = i, 0
        n += len(text)
    if texts:
        yield slice(first, len(texts))
