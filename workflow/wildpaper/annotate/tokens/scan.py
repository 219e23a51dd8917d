"""The compiled part of the token counter: cut texts into units, count each unit once.

Everything here runs in machine code without the interpreter lock. In all functions
`vocabulary` is a `token_vocabulary.Vocabulary`, `memo` a `token_counter.Memo` and `data`
the UTF-8 bytes of many texts. The text at hand begins at byte `begin`; the space that
SentencePiece puts in front of it is the byte before that, whatever `data` holds there.

All compiled functions stay in this file: Numba's cache notices no edit to another one.
"""
# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs, no-warn-return-any

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

UNIT_BYTES = 24
"""Units up to this length go into the memo, packed into three words."""

UNITS, ROOM, FULL = 0, 1, 2
"""Places in ``memo.state``: units held, units it may hold, whether one found no room."""

_SHORT = 64  # up to this many characters, searching for the next merge beats a heap
_SPACE = 0x20
_MARKER = 0x2581
_DEAD = -8  # a symbol swallowed by its left neighbour; -1…-4 are characters without a piece
_NO_MERGE = 0x7FFFFFFFFFFFFFFF
_LOW_32 = 0xFFFFFFFF
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xC2B2AE3D27D4EB4F)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; keep the machine code on disk where that is possible.

    Numba writes to ``NUMBA_CACHE_DIR``, else beside the module, else to the user's cache
    folder, and raises where it may write to none of them.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@_compiled
def _slot(key, mask):
    """Return where in a table of ``mask + 1`` rows the search for a key begins."""
    mixed = key * _MIX
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(mask))


@_compiled
def find_key(keys, key):
    """Return the row of `key` in an open-addressing table, or -1 - (free row) without it."""
    mask = keys.size - 1
    row = _slot(key, mask)
    while keys[row] != key:
        if keys[row] == 0:
            return -1 - row
        row = (row + 1) & mask
    return row


@_compiled
def fill_keys(keys, values):
    """Enter distinct non-zero `values` into an empty table; return the row of each."""
    rows = np.empty(values.size, np.int64)
    for i in range(values.size):
        rows[i] = -1 - find_key(keys, values[i])
        keys[rows[i]] = values[i]
    return rows


@_compiled
def _decode(data, i, end):
    """Return code point and length of a character beyond ASCII; the marker is a space."""
    lead = np.int64(data[i])
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if i + size > end:
        return lead, 1  # cut short: not valid UTF-8, which the caller refuses
    code = lead & (0x7F >> size)
    for k in range(i + 1, i + size):
        code = code << 6 | np.int64(data[k]) & 0x3F
    return (_SPACE if code == _MARKER else code), size


@_compiled
def _merge(left, right, keys, values):
    """Return ``rank << 32 | piece`` of the merge of two symbols, or `_NO_MERGE`."""
    if left < 0 or right < 0:
        return np.int64(_NO_MERGE)
    row = find_key(keys, (np.uint64(left) << np.uint64(32) | np.uint64(right)) + np.uint64(1))
    return values[row] if row >= 0 else np.int64(_NO_MERGE)


@_compiled
def _merge_short(symbols, n, merges, keys, values):
    """Merge ``symbols[:n]`` in place; return how many merges there were."""
    n_before = n
    for i in range(n - 1):
        merges[i] = _merge(symbols[i], symbols[i + 1], keys, values)
    while n > 1:
        best = 0
        for i in range(1, n - 1):
            if merges[i] < merges[best]:
                best = i
        if merges[best] == _NO_MERGE:
            break
        symbols[best] = merges[best] & _LOW_32
        n -= 1
        for i in range(best + 1, n):
            symbols[i] = symbols[i + 1]
            merges[i - 1] = merges[i]
        if best > 0:
            merges[best - 1] = _merge(symbols[best - 1], symbols[best], keys, values)
        if best < n - 1:
            merges[best] = _merge(symbols[best], symbols[best + 1], keys, values)
    return n_before - n


@_compiled
def _merge_long(symbols, keys, values):
    """Merge `symbols` in place; return how many merges there were.

    The heap holds ``rank << 32 | place``: the strongest merge first, of equal ones the
    leftmost. An entry whose neighbours have changed since is passed over.
    """
    n = symbols.size
    before, after = np.arange(-1, n - 1).astype(np.int32), np.arange(1, n + 1).astype(np.int32)
    heap = [np.int64(0) for _ in range(0)]
    for i in range(n - 1):
        merge = _merge(symbols[i], symbols[i + 1], keys, values)
        if merge != _NO_MERGE:
            heap.append(merge & ~_LOW_32 | i)
    heapq.heapify(heap)
    done = 0
    while heap:
        entry = heapq.heappop(heap)
        left = entry & _LOW_32
        right = after[left]
        if right >= n:
            continue
        merge = _merge(symbols[left], symbols[right], keys, values)
        if merge >> 32 != entry >> 32:
            continue
        symbols[left], symbols[right] = merge & _LOW_32, _DEAD
        after[left] = after[right]
        if after[left] < n:
            before[after[left]] = left
        done += 1
        for i in (np.int64(before[left]), left):
            if i >= 0 and after[i] < n:
                merge = _merge(symbols[i], symbols[after[i]], keys, values)
                if merge != _NO_MERGE:
                    heapq.heappush(heap, merge & ~_LOW_32 | i)
    return done


@_compiled
def _encode(data, begin, start, end, vocabulary, symbols, merges):
    """Count the tokens of one unit; `symbols` and `merges` are room to work in."""
    if end - start > symbols.size:
        symbols = np.empty(end - start, np.int32)
    n, tokens, i = 0, 0, start
    while i < end:
        code, size = np.int64(_SPACE), 1
        if i >= begin:
            code = np.int64(data[i])
            if code >= 0x80:
                code, size = _decode(data, i, end)
        symbols[n] = vocabulary.characters[code]
        tokens += max(1, -symbols[n])
        n += 1
        i += size
    keys, values = vocabulary.merge_keys, vocabulary.merge_values
    if n <= _SHORT:
        return tokens - _merge_short(symbols, n, merges, keys, values)
    return tokens - _merge_long(symbols[:n], keys, values)


@_compiled
def _find_unit(rows, a, b, c, length):
    """Return the row of a unit of `length` bytes, or the free row where it belongs."""
    mask = rows.shape[0] - 1
    row = _slot(a ^ (b * _MIX_2) ^ ((c ^ length) * _MIX), mask)
    while rows[row, 3] != 0:
        same = rows[row, 0] == a and rows[row, 1] == b and rows[row, 2] == c
        if same and rows[row, 3] >> np.uint64(32) == length:
            break
        row = (row + 1) & mask
    return row


@_compiled
def _remember(memo, row, a, b, c, length, tokens):
    """Enter a unit into its free row, if it is short enough and the memo has room."""
    if length > UNIT_BYTES:
        return
    if memo.state[UNITS] >= memo.state[ROOM]:
        memo.state[FULL] = 1
        return
    memo.state[UNITS] += 1
    memo.rows[row, 0], memo.rows[row, 1], memo.rows[row, 2] = a, b, c
    memo.rows[row, 3] = length << np.uint64(32) | np.uint64(tokens)


@_compiled
def _shift_in(a, b, c, byte):
    """Append a byte to the last 24 bytes of a unit."""
    eight, carry = np.uint64(8), np.uint64(56)
    return a << eight | np.uint64(byte), b << eight | a >> carry, c << eight | b >> carry


@_compiled
def _joins(a, b, vocabulary):
    """Say whether some piece holds the characters `a` and `b` side by side."""
    if (a | b) < 0x80:
        return vocabulary.ascii_joins[a << 7 | b]
    if vocabulary.characters[a] < 0 or vocabulary.characters[b] < 0:
        return False
    return find_key(vocabulary.join_keys, np.uint64(a << 21 | b) + np.uint64(1)) >= 0


@_compiled
def _count_text(data, begin, end, vocabulary, memo, symbols, merges):
    """Count the tokens of the text in ``data[begin:end]``, which is not empty."""
    rows, zero = memo.rows, np.uint64(0)
    a, b, c = np.uint64(_SPACE), zero, zero
    tokens, start, i = 0, begin - 1, begin
    before, one_character = np.int64(_SPACE), True
    while start < end:
        code, size, joined = np.int64(0), 0, False
        if i < end:
            code, size = np.int64(data[i]), 1
            if code >= 0x80:
                code, size = _decode(data, i, end)
            joined = _joins(before, code, vocabulary)
        if joined:
            one_character = False
        else:
            if one_character:
                tokens += max(1, -vocabulary.characters[before])
            else:
                length = np.uint64(i - start)
                row = _find_unit(rows, a, b, c, length)
                known = np.int64(rows[row, 3]) & _LOW_32
                if known == 0:
                    known = _encode(data, begin, start, i, vocabulary, symbols, merges)
                    _remember(memo, row, a, b, c, length, known)
                tokens += known
            start, one_character = i, True
            a, b, c = zero, zero, zero
        for k in range(i, i + size):
            a, b, c = _shift_in(a, b, c, data[k])
        before = code
        i += size
    return tokens


@_compiled
def count_texts(data, offsets, first, counts, vocabulary, memo):
    """Count texts from number `first` on, until all are done or `memo` is full.

    Parameters
    ----------
    data : ndarray of uint8
        UTF-8 bytes of all texts.
    offsets : ndarray of int64, shape (n + 1,)
        Text i is ``data[offsets[i]:offsets[i + 1]]``.
    first : int
        The first text not yet counted.
    counts : ndarray of int32, shape (n,)
        Zeros; filled with the tokens of each text.

    Returns
    -------
    int
        The first text not yet counted; n when all are.
    """
    symbols, merges = np.empty(_SHORT, np.int32), np.empty(_SHORT, np.int64)
    for i in range(first, counts.size):
        begin, end = offsets[i], offsets[i + 1]
        if begin < end:
            counts[i] = _count_text(data, begin, end, vocabulary, memo, symbols, merges)
        if memo.state[FULL]:
            return i + 1
    return counts.size


@_compiled
def move_units(rows, new_rows):
    """Enter all units of `rows` into the empty `new_rows`."""
    for i in range(rows.shape[0]):
        if rows[i, 3] != 0:
            length = rows[i, 3] >> np.uint64(32)
            row = _find_unit(new_rows, rows[i, 0], rows[i, 1], rows[i, 2], length)
            new_rows[row] = rows[i]
