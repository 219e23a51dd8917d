"""Search for many byte strings at once in time that does not depend on how many there are.

A window slides over the data. Its last 16 bytes (6 for short needles) are looked up in a
table with a few million places, nearly all of them empty; the few that are not are compared.
"""
# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs, no-warn-return-any

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

SHORTEST = 6
"""Bytes that a needle must have."""

_LONG = 16
_TABLE_BITS = 22
_BATCH = 1 << 16
_WORD = (1 << 64) - 1
_MIX, _MIX_2 = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F

Words = npt.NDArray[np.uint64]


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; keep the machine code on disk where that is possible."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@_compiled
def _holds(keys, key):
    low, high = 0, keys.size
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < keys.size and keys[low] == key


@_compiled
def _scan(data, begin, short_table, short_keys, long_table, long_keys, places, found):
    """Fill `places` with ends of windows that may be needles; return how many, and where to go on.

    `found` is the key at each place. Short windows are told by a place below zero.
    """
    eight, shift = np.uint64(8), np.uint64(64 - 22)
    mask, carry = np.uint64(0xFFFFFFFFFFFF), np.uint64(56)
    mix, mix_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
    low, high, n = np.uint64(0), np.uint64(0), 0
    for i in range(max(0, begin - 16), data.size):
        high = (high << eight) | (low >> carry)
        low = (low << eight) | np.uint64(data[i])
        if i < begin:
            continue
        if i >= 5:
            key = low & mask
            if short_table[np.int64((key * mix) >> shift)] and _holds(short_keys, key):
                places[n], found[n] = -i - 1, key
                n += 1
        if i >= 15:
            key = (low * mix) ^ (high * mix_2)
            if long_table[np.int64(key >> shift)] and _holds(long_keys, key):
                places[n], found[n] = i, key
                n += 1
        if n >= places.size - 1:
            return n, i + 1
    return n, data.size


class Searcher:
    """Finds which of many needles stand in data.

    Parameters
    ----------
    needles : sequence of bytes
        Each of at least `SHORTEST` bytes.
    """

    def __init__(self, needles: Sequence[bytes]) -> None:
        if any(len(needle) < SHORTEST for needle in needles):
            raise ValueError(f"a needle has fewer than {SHORTEST} bytes")
        self._needles = list(needles)
        self._short: dict[int, list[int]] = defaultdict(list)
        self._long: dict[int, list[int]] = defaultdict(list)
        for index, needle in enumerate(self._needles):
            if len(needle) < _LONG:
                self._short[int.from_bytes(needle[-SHORTEST:], "big")].append(index)
            else:
                self._long[_long_key(needle[-_LONG:])].append(index)
        self._tables = (
            *_table(self._short, lambda key: (key * _MIX & _WORD) >> (64 - _TABLE_BITS)),
            *_table(self._long, lambda key: key >> (64 - _TABLE_BITS)),
        )

    def find(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield (needle, first byte) of each place where a needle stands, by their ends."""
        if not self._needles:
            return
        array = np.frombuffer(data, np.uint8)
        places, found = np.empty(_BATCH, np.int64), np.empty(_BATCH, np.uint64)
        at = 0
        while at < len(data):
            n, at = _scan(array, at, *self._tables, places, found)
            for place, key in zip(places[:n].tolist(), found[:n].tolist(), strict=True):
                listed = self._short[key] if place < 0 else self._long[key]
                end = -place if place < 0 else place + 1
                for index in listed:
                    needle = self._needles[index]
                    if data.endswith(needle, 0, end):
                        yield index, end - len(needle)


def _long_key(window: bytes) -> int:
    high, low = int.from_bytes(window[:8], "big"), int.from_bytes(window[8:], "big")
    return ((low * _MIX) ^ (high * _MIX_2)) & _WORD


def _table(
    keys: dict[int, list[int]], place: Callable[[int], int]
) -> tuple[npt.NDArray[np.bool_], Words]:
    """Return which places of the table are taken, and the keys in order."""
    taken = np.zeros(1 << _TABLE_BITS, np.bool_)
    for key in keys:
        taken[place(key)] = True
    return taken, np.array(sorted(keys), np.uint64)
