"""What the token scan knows of a tokenizer, derived from its pieces and merges alone."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildpaper.annotate.tokens import scan
from wildpaper.errors import WildpaperError

MARKER = "\u2581"
"""What SentencePiece writes for a space."""

_N_CODE_POINTS = 0x110000


class Vocabulary(NamedTuple):
    """Pieces and merges in the form in which compiled code reads them.

    Attributes
    ----------
    characters : ndarray of int32, shape (0x110000,)
        Piece id of each code point; where it has none, minus its length in UTF-8.
    ascii_joins : ndarray of bool, shape (128 * 128,)
        Whether a merge makes a piece that holds the two ASCII characters side by side,
        at ``128 * a + b``; the space stands for the marker.
    join_keys : ndarray of uint64, power of two
        Open-addressing set of the other pairs of characters, ``(a << 21 | b) + 1``.
    merge_keys : ndarray of uint64, power of two
        Open-addressing table of merges, ``(left << 32 | right) + 1``.
    merge_values : ndarray of int64
        ``rank << 32 | id`` of each merge: the lowest goes first and makes that piece.
    """

    characters: NDArray[np.int32]
    ascii_joins: NDArray[np.bool_]
    join_keys: NDArray[np.uint64]
    merge_keys: NDArray[np.uint64]
    merge_values: NDArray[np.int64]


def load_vocabulary(tokenizer: Path) -> Vocabulary:
    """Read a ``tokenizer.json`` as `wildpaper.acquire.tokenizer` writes it.

    Parameters
    ----------
    tokenizer : Path
        Byte-pair encoding with byte fallback and SentencePiece's space marker.

    Returns
    -------
    Vocabulary

    Raises
    ------
    WildpaperError
        If the file is absent, damaged, or of another kind.

    Notes
    -----
    Merges that make the same piece get the same rank, that of the first of them:
    SentencePiece ranks by the piece made and takes the leftmost of equals.
    """
    try:
        model: dict[str, Any] = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]
        ids: dict[str, int] = model["vocab"]
        merges = [tuple(merge.split(" ")) for merge in model["merges"]]
        pairs = np.array([(ids[left], ids[right]) for left, right in merges], np.uint64)
        pieces = [left + right for left, right in merges]
        results = np.array([ids[piece] for piece in pieces], np.int64)
        bytes_known = all(f"<0x{byte:02X}>" in ids for byte in range(256))
        if not (model["byte_fallback"] and bytes_known and MARKER in ids) or " " in ids:
            raise ValueError("it lacks the byte pieces or the space marker of SentencePiece")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise WildpaperError(
            f"Cannot read the tokenizer: {error}",
            where=str(tokenizer),
            hint="Delete the file; the workflow writes it anew from data/sources.yaml.",
        ) from error
    ranks: dict[str, int] = {}
    for rank, piece in enumerate(pieces):
        ranks.setdefault(piece, rank)
    merge_keys, rows = _table((pairs[:, 0] << np.uint64(32) | pairs[:, 1]) + np.uint64(1))
    merge_values = np.zeros(merge_keys.size, np.int64)
    merge_values[rows] = np.array([ranks[piece] for piece in pieces]) << 32 | results
    ascii_joins, join_keys = _joins(set(pieces))
    return Vocabulary(_characters(ids), ascii_joins, join_keys, merge_keys, merge_values)


def _table(values: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return an open-addressing table of distinct `values` and the row of each."""
    keys = np.zeros(1 << int(2 * values.size + 1).bit_length(), np.uint64)
    return keys, scan.fill_keys(keys, values)


def _characters(ids: dict[str, int]) -> NDArray[np.int32]:
    """Return the piece of every code point, or minus the bytes that it falls back to."""
    characters = np.full(_N_CODE_POINTS, -4, np.int32)
    characters[:0x10000] = -3
    characters[:0x800] = -2
    characters[:0x80] = -1
    for piece, i in ids.items():
        if len(piece) == 1:
            characters[ord(piece)] = i
    characters[ord(" ")] = ids[MARKER]
    return characters


def _joins(pieces: set[str]) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Return which pairs of adjacent characters occur inside `pieces`.

    No merge can reach across a pair that does not, so the tokens on its two sides are
    those of two separate texts.
    """
    ascii_joins = np.zeros(128 * 128, np.bool_)
    others: set[int] = set()
    for piece in pieces:
        for a, b in pairwise(ord(character) for character in piece.replace(MARKER, " ")):
            if a < 128 and b < 128:
                ascii_joins[a << 7 | b] = True
            else:
                others.add((a << 21 | b) + 1)
    return ascii_joins, _table(np.array(sorted(others), np.uint64))[0]
