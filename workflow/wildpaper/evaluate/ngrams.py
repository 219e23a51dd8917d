"""Look for many n-grams of tokens in a stream of examples: hashes first, then the tokens."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_FACTOR = 0x9E3779B97F4A7C15
"""Odd, with bits that look random: products of small token ids reach the high bits."""
_FILTER_BITS = 20
_TOKEN_BYTES = 4
_PIECE = 1 << 15
"""Tokens at a time: what is computed of them stays within the cache of a core."""


def rolling_hashes(tokens: Tokens, lengths: Iterable[int]) -> dict[int, Hashes]:
    """Return a hash of each n-gram, for several n at once.

    Parameters
    ----------
    tokens : ndarray of int32, shape (n_tokens,)
    lengths : iterable of int
        Of the n-grams, from 1 on.

    Returns
    -------
    dict
        {n: ndarray of uint64, shape (max(n_tokens - n + 1, 0),)}: the polynomial of the tokens
        in `_FACTOR`, modulo 2 to the 64th. The hash of n-grams of 13 tokens is made of those of
        8, 4 and 1, so that all lengths together take a few passes.
    """
    wanted = sorted(set(lengths))
    power = 1
    powers = {1: tokens.astype(np.uint64)}
    while 2 * power <= wanted[-1]:
        powers[2 * power] = _joined(powers[power], powers[power], power, power)
        power *= 2
    found = {}
    for length in wanted:
        done, hashes = 0, powers[1]
        for power in sorted(powers, reverse=True):
            if length & power:
                hashes = _joined(hashes, powers[power], done, power) if done else powers[power]
                done += power
        found[length] = hashes
    return found


def _joined(front: Hashes, back: Hashes, n_front: int, n_back: int) -> Hashes:
    """Return the hashes of n-grams of `n_front` tokens and the `n_back` that follow them."""
    n = max(len(back) - n_front, 0)
    hashes = front[:n] * np.uint64(pow(_FACTOR, n_back, 1 << 64))
    hashes += back[n_front:]
    return hashes


class NgramSearch:
    """N-grams, and which of them have been met.

    Parameters
    ----------
    ngrams : iterable of ndarray of int32
        Of one length or several. All tokens are searched for the beginnings of n-grams, as
        long as the shortest of them; longer ones are looked for only where these stand.
    """

    def __init__(self, ngrams: Iterable[Tokens]) -> None:
        self._wanted = {ngram.astype(np.int32).tobytes() for ngram in ngrams}
        self._met: set[bytes] = set()
        n_bytes = {len(ngram) for ngram in self._wanted}
        self._lengths = [n // _TOKEN_BYTES for n in sorted(n_bytes)]
        self.n_first, self.n_last = self._lengths[0], self._lengths[-1]
        starts = {ngram[: min(n_bytes)] for ngram in self._wanted}
        flat = np.frombuffer(b"".join(starts), np.int32)
        hashes = rolling_hashes(flat, [self.n_first])[self.n_first]
        self._hashes = np.unique(hashes[:: self.n_first])
        self._may_be = np.zeros(1 << _FILTER_BITS, np.bool_)
        self._may_be[_slots(self._hashes)] = True

    def met(self, ngram: Tokens) -> bool:
        """Say whether an n-gram has been met."""
        return ngram.astype(np.int32).tobytes() in self._met

    def look(self, tokens: Tokens, hashes: Hashes, ends: Integers) -> None:
        """Look for the n-grams among tokens.

        Parameters
        ----------
        tokens : ndarray of int32, shape (n_tokens,)
        hashes : ndarray of uint64
            Of runs of `n_first` tokens in them; see `rolling_hashes`.
        ends : ndarray of int64
            Where examples end in `tokens`, rising; the last of them may end beyond. An n-gram
            that goes on in the next example is none.
        """
        at = np.flatnonzero(self._may_be[_slots(hashes)])
        nearest = np.searchsorted(self._hashes[:-1], hashes[at])
        at = at[self._hashes[nearest] == hashes[at]]
        room = ends[np.searchsorted(ends, at, side="right")] - at
        for start, n_left in zip(at.tolist(), room.tolist(), strict=True):
            for length in self._lengths:
                ngram = tokens[start : start + length].tobytes()
                if length <= n_left and ngram in self._wanted:
                    self._met.add(ngram)


def _slots(hashes: Hashes) -> Integers:
    """Return the places of hashes in the filter."""
    return (hashes >> np.uint64(64 - _FILTER_BITS)).view(np.int64)


def look_in_examples(searches: Sequence[NgramSearch], input_ids: Tokens, ends: Integers) -> None:
    """Look for n-grams in examples that stand end to end.

    Parameters
    ----------
    searches : sequence of NgramSearch
    input_ids : ndarray of int32, shape (n_tokens,)
    ends : ndarray of int64, shape (n_examples,)
        Where each example ends.
    """
    reach = max(search.n_last for search in searches) - 1
    for start in range(0, len(input_ids), _PIECE):
        piece = input_ids[start : start + _PIECE + reach]
        hashes = rolling_hashes(piece, [search.n_first for search in searches])
        for search in searches:
            search.look(piece, hashes[search.n_first][:_PIECE], ends - start)
