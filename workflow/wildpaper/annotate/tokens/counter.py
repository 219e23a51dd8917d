"""Exact Llama-2 token counts, fast enough for a million conversations.

A merge of the byte-pair encoding only ever makes a piece of the vocabulary. Where two
characters stand side by side in no such piece, no merge can reach across, and a text
may be cut there: its count is the sum over its parts. The parts ("units", mostly words)
recur, so each is encoded once and remembered. What is counted is what SentencePiece
counts: without ``<s>`` in front, ``</s>`` behind, or special tokens inside.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wildpaper.annotate.tokens import scan
from wildpaper.annotate.tokens.vocabulary import Vocabulary, load_vocabulary
from wildpaper.errors import WildpaperError

_FIRST_UNITS = 1 << 15
_GROWTH = 4


class Memo(NamedTuple):
    """Units seen, with their token counts, as compiled code reads them.

    Attributes
    ----------
    rows : ndarray of uint64, shape (power of two, 4)
        Open-addressing table, at most half full: the unit itself, as three words, and
        ``length << 32 | tokens``, 0 in a free row.
    state : ndarray of int64, shape (3,)
        Units held, units it may hold, and whether a unit found no room.
    """

    rows: NDArray[np.uint64]
    state: NDArray[np.int64]


class TokenCounter:
    """Count Llama-2 tokens of Arrow strings.

    Parameters
    ----------
    tokenizer : Path
        A ``tokenizer.json`` as `wildpaper.acquire.tokenizer` writes it.
    memo_max_units : int
        How many units the memo may hold, each at 64 bytes of memory, rounded up to a
        power of two: 128 MiB for two million.

    Raises
    ------
    WildpaperError
        If the tokenizer cannot be used or `memo_max_units` is below 1.

    Notes
    -----
    The memo starts small and grows by a factor of four up to its bound. When it is full
    it is emptied and fills anew with what the texts at hand contain; counts do not
    depend on it. Units of more than 24 bytes are encoded each time. A counter serves
    one thread at a time.
    """

    def __init__(self, tokenizer: Path, memo_max_units: int = 2_000_000) -> None:
        if memo_max_units < 1:
            raise WildpaperError(
                f"The memo of token counts must hold at least 1 unit, not {memo_max_units}",
                where="memo_max_units",
                hint="Set it to a positive number; 2000000 takes 128 MiB.",
            )
        self.vocabulary: Vocabulary = load_vocabulary(tokenizer)
        self._max_units = memo_max_units
        self._memo = _new_memo(min(_FIRST_UNITS, memo_max_units))

    @property
    def memo_units(self) -> int:
        """Units in the memo now."""
        return int(self._memo.state[scan.UNITS])

    @property
    def memo_bytes(self) -> int:
        """Bytes of memory that the memo occupies now."""
        return self._memo.rows.nbytes

    def count(self, texts: pa.Array | pa.ChunkedArray, first_row: int = 0) -> NDArray[np.int32]:
        """Count the tokens of each text.

        Parameters
        ----------
        texts : pyarrow.Array or pyarrow.ChunkedArray, shape (n,)
            Of type string or large_string, without nulls, sliced or not. Read in
            place: beside the counts, memory is needed only for a very long unit, up to
            about 40 times its size.
        first_row : int
            Row of the first text in its file, for error messages.

        Returns
        -------
        ndarray of int32, shape (n,)
            Tokens per text; 0 for an empty one.

        Raises
        ------
        WildpaperError
            If `texts` is of another type, holds a null, or is not valid UTF-8.
        """
        chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
        counts = np.zeros(len(texts), np.int32)
        done = 0
        for chunk in chunks:
            self._count_chunk(chunk, counts[done : done + len(chunk)], first_row + done)
            done += len(chunk)
        return counts

    def _count_chunk(self, texts: pa.Array, counts: NDArray[np.int32], first: int) -> None:
        """Fill `counts`; `first` is the row of the first text, for messages."""
        _check(texts, first)
        if not len(texts):
            return
        _, offset_buffer, data_buffer = texts.buffers()
        wide = pa.types.is_large_string(texts.type)
        offsets = np.frombuffer(offset_buffer, np.int64 if wide else np.int32)
        offsets = offsets[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
        data = np.frombuffer(data_buffer if data_buffer else b"\0", np.uint8)
        done = 0
        while done < len(counts):
            done = scan.count_texts(data, offsets, done, counts, self.vocabulary, self._memo)
            if self._memo.state[scan.FULL]:
                self._make_room()

    def _make_room(self) -> None:
        """Enlarge the memo, or empty it where it has reached its bound."""
        rows, (units, room, _) = self._memo
        if room < self._max_units:
            self._memo = _new_memo(min(_GROWTH * int(room), self._max_units))
            scan.move_units(rows, self._memo.rows)
            self._memo.state[scan.UNITS] = units
        else:
            rows.fill(0)
            self._memo.state[:] = 0, room, 0


def _new_memo(max_units: int) -> Memo:
    """Return an empty memo, never more than half full."""
    rows = np.zeros((2 << (max_units - 1).bit_length(), 4), np.uint64)
    return Memo(rows, np.array([0, max_units, 0], np.int64))


def _check(texts: pa.Array, first: int) -> None:
    """Refuse what cannot be counted."""
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        raise WildpaperError(
            f"Tokens are counted of strings, not of {texts.type}",
            hint="Cast the column to string.",
        )
    if texts.null_count:
        row = first + int(np.flatnonzero(texts.is_null().to_numpy(zero_copy_only=False))[0])
        raise WildpaperError(
            f"{texts.null_count} texts are null; a message without text is an empty string",
            where=f"row {row}",
            hint="Replace nulls, or drop the rows, where the data set is read.",
        )
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise WildpaperError(
            f"The texts are not valid UTF-8: {error}",
            where=f"rows {first} to {first + len(texts) - 1}",
            hint="Decode the source file again, replacing what cannot be decoded.",
        ) from error
