"""Nearest neighbours of two sets of vectors, counted by label, exactly and block by block.

Vectors are rounded to a grid (2^-25) and kept as whole numbers; so all sums of products are
exact in 64-bit floats: results do not depend on the number of cores, equal vectors have
distance 0, and ties are ties.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

SCALE = 2.0**25
_BLOCK_POINTS = 512
_LABELLINGS_AT_ONCE = 256

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counts:
    """What each labelling finds; the first index is the label of the points, 0 or 1.

    Attributes
    ----------
    mixed : ndarray of float64, shape (2, n_labellings)
        Sum over the points of a label of how many of their k nearest neighbours have the
        other one. Of neighbours that are equally far some count in part, so that it is k.
    covered : ndarray of int64, shape (2, n_labellings)
        Points of a label that have one of the other label within the radius.
    """

    mixed: Floats
    covered: npt.NDArray[np.int64]


def on_grid(vectors: npt.NDArray[np.float32]) -> Floats:
    """Return vectors of length 1 as whole numbers of 2^-25."""
    return np.rint(vectors.astype(np.float64) * SCALE)


def cosine_distance(squared: float) -> float:
    """Return the cosine distance of two points of the grid, given their squared distance."""
    return squared / (2 * SCALE * SCALE)


def nearest_squared(points: Floats) -> Floats:
    """Return the squared distance of each point to its nearest other one, shape (n,)."""
    found = np.empty(len(points))
    for rows, squared in _blocks(points):
        found[rows] = squared.min(axis=1)
    return found


def count_others(
    points: Floats,
    labels: Labels,
    n_neighbours: int,
    radius_squared: float,
    advance: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Count neighbours of the other label, for many labellings of the same points.

    Parameters
    ----------
    points : ndarray of float64, shape (n, width)
        On the grid.
    labels : ndarray of bool, shape (n, n_labellings)
    n_neighbours : int
        k, below n; a point is not its own neighbour.
    radius_squared : float
        On the grid; distances up to it are within.
    advance : callable
        Told the number of points after each block.
    """
    parts = [
        _count(
            points, labels[:, i : i + _LABELLINGS_AT_ONCE], n_neighbours, radius_squared, advance
        )
        for i in range(0, labels.shape[1], _LABELLINGS_AT_ONCE)
    ]
    return Counts(
        np.concatenate([part.mixed for part in parts], axis=1),
        np.concatenate([part.covered for part in parts], axis=1),
    )


def n_passes(n_labellings: int) -> int:
    """Return how often `count_others` goes through all points."""
    return -(-n_labellings // _LABELLINGS_AT_ONCE)


def _count(
    points: Floats,
    labels: Labels,
    n_neighbours: int,
    radius_squared: float,
    advance: Callable[[int], None],
) -> Counts:
    exact, short = labels.astype(np.float64), labels.astype(np.float32)
    mixed = np.zeros((2, labels.shape[1]))
    covered = np.zeros((2, labels.shape[1]), np.int64)
    for rows, squared in _blocks(points):
        own = labels[rows]
        of_one = _neighbours(squared, n_neighbours) @ exact
        others = np.where(own, n_neighbours - of_one, of_one)
        within = (squared <= radius_squared).astype(np.float32)
        near_ones = within @ short  # whole numbers below 2^24: exact
        near_zeros = within.sum(axis=1, keepdims=True) - near_ones
        near_other = np.where(own, near_zeros, near_ones) > 0
        for label in (0, 1):
            chosen = own == bool(label)
            mixed[label] += (others * chosen).sum(axis=0)
            covered[label] += (near_other & chosen).sum(axis=0)
        advance(len(own))
    return Counts(mixed, covered)


def _neighbours(squared: Floats, n_neighbours: int) -> csr_array:
    """Return the weights of neighbours, which sum to k in each row.

    Points nearer than the k-th weigh 1; those as far as the k-th share what is left.
    """
    last = np.partition(squared, n_neighbours - 1, axis=1)[:, n_neighbours - 1, None]
    row, column = np.nonzero(squared <= last)
    is_nearer = squared[row, column] < last[row, 0]
    n_nearer = np.bincount(row[is_nearer], minlength=len(squared))
    n_tied = np.bincount(row[~is_nearer], minlength=len(squared))
    shares = (n_neighbours - n_nearer) / n_tied
    weights = np.where(is_nearer, 1.0, shares[row])
    return csr_array((weights, (row, column)), shape=squared.shape)


def _blocks(points: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield some rows at a time and their squared distances to all points, infinite to itself."""
    lengths = np.einsum("ij,ij->i", points, points)
    for start in range(0, len(points), _BLOCK_POINTS):
        rows = slice(start, min(start + _BLOCK_POINTS, len(points)))
        squared = points[rows] @ points.T
        squared *= -2
        squared += lengths[rows, None]
        squared += lengths
        block = np.arange(rows.stop - rows.start)
        squared[block, start + block] = np.inf
        yield rows, squared
