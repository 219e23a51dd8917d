"""MinHash signatures of texts, and the pairs of texts that these say may be alike."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from wildpaper.annotate.near_duplicates.shingles import Hashes, combine
from wildpaper.progress import Progress

Ints = npt.NDArray[np.int64]

_RECALL = 0.995
_STANDARD_ERRORS = 3
_ROUNDS = 3
_SMALL_BUCKET = 16
_BLOCK_PAIRS = 1 << 15


def rows_per_band(threshold: float, n_permutations: int) -> int:
    """Return the longest band with which pairs at the threshold are found 995 times in 1,000.

    Two texts of similarity s agree in all rows of one of ``n_permutations // rows`` bands with
    probability ``1 - (1 - s**rows)**bands``.
    """
    for rows in range(n_permutations, 1, -1):
        if 1 - (1 - threshold**rows) ** (n_permutations // rows) >= _RECALL:
            return rows
    return 1


def doubtful_estimates(threshold: float, n_permutations: int) -> tuple[float, float]:
    """Return the estimates between which a pair may or may not reach the threshold.

    They are three standard errors below and above; an estimate has at most that of a share of
    `n_permutations` independent draws.
    """
    error = math.sqrt(threshold * (1 - threshold) / n_permutations)
    return threshold - _STANDARD_ERRORS * error, threshold + _STANDARD_ERRORS * error


class Signatures:
    """MinHash signatures of many texts, on disk.

    Parameters
    ----------
    folder : Path
        Scratch: 4 bytes a permutation and 8 a band for each text.
    n_texts : int
        Texts are known by their numbers from 0.
    threshold : float
        Jaccard similarity that counts as alike.
    n_permutations, seed : int
        Of the signatures.

    Notes
    -----
    The signatures are rensa's R-MinHash (Dahlgaard et al. 2017, "Fast similarity sketching");
    places in which two agree estimate the similarity without bias.
    """

    def __init__(
        self, folder: Path, n_texts: int, threshold: float, n_permutations: int, seed: int
    ) -> None:
        self._n_permutations, self._seed = n_permutations, seed
        self._n_rows = rows_per_band(threshold, n_permutations)
        self._n_bands = n_permutations // self._n_rows
        self._lowest, surely = doubtful_estimates(threshold, n_permutations)
        self._surely = min(surely, 1.0)
        self._signatures = np.memmap(
            folder / "signatures", np.uint32, "w+", shape=(max(n_texts, 1), n_permutations)
        )
        self._bands = np.memmap(
            folder / "bands", np.uint64, "w+", shape=(self._n_bands, max(n_texts, 1))
        )
        self._there = np.zeros(n_texts, np.bool_)

    def add(self, texts: Ints, hashes: Hashes, offsets: npt.NDArray[np.uint64]) -> None:
        """Sign texts, given as `hash_shingles` returns them; those without shingles are left out.

        Parameters
        ----------
        texts : ndarray of int64, shape (n,)
            Their numbers.
        hashes, offsets : ndarray of uint64
        """
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            hashes, offsets, self._n_permutations, self._seed
        )
        signed = np.array(matrix.to_rows(), np.uint32)
        used = signed[:, : self._n_bands * self._n_rows]
        banded = used.reshape(len(texts), self._n_bands, self._n_rows)
        self._signatures[texts] = signed
        self._bands[:, texts] = combine([banded[:, :, i] for i in range(self._n_rows)]).T
        self._there[texts] = np.diff(offsets) > 0

    def candidates(self, dataset: str) -> Ints:
        """Return pairs that share a band and whose estimate says that they may be alike.

        In each band all texts of a bucket are compared if it holds 16 or less. In a larger one
        the first is compared with the others; those that are surely like it go with it, and
        the rest is treated likewise, three times in all. So the pairs grow with the number of
        texts, however large a bucket is.

        Parameters
        ----------
        dataset : str
            Named in the progress lines.

        Returns
        -------
        ndarray of int64, shape (n_pairs, 2)
            Sorted, each once, the lower number first.
        """
        texts = np.flatnonzero(self._there)
        codes = np.zeros(0, np.int64)
        progress = Progress(f"{dataset}: texts that may be alike", self._n_bands, "bands")
        for band in self._bands:
            keys = np.asarray(band)[texts]
            order = np.argsort(keys, kind="stable")
            found = self._in_buckets(texts[order], keys[order])
            codes = np.union1d(codes, found)
            progress.advance(1)
        return np.stack(np.divmod(codes, max(len(self._there), 1)), axis=1)

    def _in_buckets(self, texts: Ints, buckets: Hashes) -> Ints:
        """Return the pairs of one band as ``lower * n_texts + higher``; texts stand by bucket."""
        _, places, sizes = np.unique(buckets, return_inverse=True, return_counts=True)
        large = sizes[places] > _SMALL_BUCKET
        return np.concatenate(
            [
                *self._all_pairs(texts[~large], buckets[~large]),
                *self._with_leaders(texts[large], buckets[large]),
            ]
        )

    def _all_pairs(self, texts: Ints, buckets: Hashes) -> list[Ints]:
        found = [np.zeros(0, np.int64)]
        for step in range(1, _SMALL_BUCKET):
            same = buckets[step:] == buckets[:-step]
            if not same.any():
                break
            first, second = texts[:-step][same], texts[step:][same]
            near = self._estimates(first, second) >= self._lowest
            found.append(first[near] * len(self._there) + second[near])
        return found

    def _with_leaders(self, texts: Ints, buckets: Hashes) -> list[Ints]:
        found = [np.zeros(0, np.int64)]
        for _ in range(_ROUNDS):
            starts = np.concatenate([[True], buckets[1:] != buckets[:-1]])[: len(buckets)]
            leaders = texts[starts][np.cumsum(starts) - 1][~starts]
            texts, buckets = texts[~starts], buckets[~starts]
            if not len(texts):
                break
            alike = self._estimates(leaders, texts)
            near = alike >= self._lowest
            found.append(leaders[near] * len(self._there) + texts[near])
            rest = alike < self._surely
            texts, buckets = texts[rest], buckets[rest]
        return found

    def _estimates(self, first: Ints, second: Ints) -> npt.NDArray[np.float64]:
        estimates = np.empty(len(first))
        for start in range(0, len(first), _BLOCK_PAIRS):
            part = slice(start, start + _BLOCK_PAIRS)
            same = self._signatures[first[part]] == self._signatures[second[part]]
            estimates[part] = same.mean(axis=1)
        return estimates
