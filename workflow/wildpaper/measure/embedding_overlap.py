"""How much the first prompts of two data sets overlap, in numbers; the paper shows a picture only.

Equally many prompts of both are looked at. Mixing is the share of their nearest neighbours
that belong to the other set, as a multiple of what random labels give: 0 where the sets lie
apart, 1 where nothing tells them apart (Schilling, 1986, "Multivariate two-sample tests based
on nearest neighbors"). Coverage is the share of one set's prompts that have one of the other
set within a radius: the median distance of a prompt of WildChat to the nearest other one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wildpaper.annotate.sample_order import sample_ranks
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.embeddings import WILDCHAT, Embedded, read_embeddings
from wildpaper.measure.overlap_neighbours import (
    Counts,
    Floats,
    cosine_distance,
    count_others,
    n_passes,
    nearest_squared,
    on_grid,
)
from wildpaper.measure.streams import generator
from wildpaper.progress import Progress

RANDOM = ("random-mean", "random-low", "random-high")
"""Suffixes of what random labels give: mean, and ends of the range that holds 95 % of them."""

_MIXING_UNIT = "1 = as with random labels"
_PERCENT = "percent of prompts"


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is found for WildChat and another data set.

    Attributes
    ----------
    n_prompts, n_neighbours : int
        Of each set; k, lower than asked for where there are few prompts.
    radius : float
        Cosine distance.
    mixing : ndarray of float64, shape (1 + n_permutations,)
        Of the true labels, then of random ones.
    mixing_of : (float, float)
        Over the prompts of the other set alone, and of WildChat's alone.
    covered, covers : ndarray of float64, shape (1 + n_permutations,)
        Percent of the other set's prompts that WildChat covers, and the other way round.
    n_distinct : int
        Distinct vectors of each set, at most `n_prompts`.
    distinct_mixing : float
        Mixing over those alone.
    """

    n_prompts: int
    n_neighbours: int
    radius: float
    mixing: Floats
    mixing_of: tuple[float, float]
    covered: Floats
    covers: Floats
    n_distinct: int
    distinct_mixing: float | None


def measure_overlap(
    reports: list[Path],
    embeddings: list[Path],
    table: Path,
    notes: Path,
    neighbours: int,
    permutations: int,
    seed: int,
) -> None:
    """Measure mixing and coverage of WildChat and each other data set.

    Parameters
    ----------
    reports, embeddings : list of Path
        See `wildpaper.measure.embeddings.read_embeddings`.
    table, notes : Path
        The long table, a row a data set; a JSON object {claim id: explanation}.
    neighbours : int
        Nearest neighbours (k).
    permutations : int
        Random labellings that the values are compared with; 0: none.
    seed : int
        Seed of the run, which orders the prompts and shuffles the labels.
    """
    sets = {one.dataset: one for one in read_embeddings(reports, embeddings)}
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    wildchat = sets.pop(WILDCHAT, None)
    for other in sets.values() if wildchat else ():
        assert wildchat is not None  # noqa: S101 - narrows the type
        route = "simulated" if wildchat.simulated or other.simulated else "computed"
        found = compare(wildchat, other, neighbours, permutations, seed)
        own = _cells(other.dataset, found, route)
        note = _explain(found, neighbours)
        explained |= {cell.claim: note for cell in own if note}
        cells += own
    write_long_table(table, cells)
    write_json(notes, explained)


def compare(
    wildchat: Embedded, other: Embedded, n_neighbours: int, n_permutations: int, seed: int
) -> Overlap | int:
    """Compare two data sets; below two prompts return how many there are.

    Parameters
    ----------
    wildchat, other : Embedded
        Of both the first n in the seeded order, n being the size of the smaller one.
    n_neighbours, n_permutations, seed
        See `measure_overlap`.
    """
    both = [_ordered(one, seed) for one in (other, wildchat)]
    n = min(map(len, both))
    if n < 2:
        return n
    k = min(n_neighbours, n - 1)
    points = np.concatenate([part[:n] for part in both])
    radius = float(np.median(nearest_squared(points[n:])))
    labels = _labels(n, n_permutations, seed, other.dataset)
    progress = Progress(
        f"wildchat and {other.dataset}: overlap", 2 * n * n_passes(labels.shape[1]), "prompts"
    )
    counts = count_others(points, labels, k, radius, progress.advance)
    mixing_of = _mixing(counts.mixed, n, k)
    distinct = [_distinct(part) for part in both]
    n_distinct = min(n, *map(len, distinct))
    same = all(len(_distinct(part[:n])) == n for part in both)
    alone = float(mixing_of[:, 0].mean()) if same else _distinct_mixing(distinct, n_distinct, k)
    return Overlap(
        n, k, cosine_distance(radius), mixing_of.mean(axis=0),
        (float(mixing_of[0, 0]), float(mixing_of[1, 0])),
        100 * counts.covered[0] / n, 100 * counts.covered[1] / n, n_distinct, alone,
    )  # fmt: skip


def _ordered(one: Embedded, seed: int) -> Floats:
    """Return the vectors in the seeded order, on the grid."""
    ranks = sample_ranks(seed, one.dataset, one.conversation_ids)
    return on_grid(one.vectors[np.lexsort((one.conversation_ids, ranks))])


def _labels(n: int, n_permutations: int, seed: int, name: str) -> npt.NDArray[np.bool_]:
    """Return the true labels, then random ones; the second half is WildChat's."""
    shuffles = generator(seed, f"embedding-overlap.{name}")
    labels = np.zeros((2 * n, 1 + n_permutations), np.bool_)
    labels[n:, 0] = True
    for column in range(1, 1 + n_permutations):
        labels[shuffles.permutation(2 * n)[:n], column] = True
    return labels


def _mixing(mixed: Floats, n: int, k: int) -> Floats:
    """Return the share of neighbours of the other label, divided by the one at random."""
    return mixed / (n * k) / (n / (2 * n - 1))


def _distinct(points: Floats) -> Floats:
    """Return the points without repetitions of earlier ones."""
    first = {point.tobytes(): row for row, point in reversed(list(enumerate(points)))}
    return points[sorted(first.values())]


def _distinct_mixing(both: list[Floats], n: int, k: int) -> float | None:
    if n < 2:
        return None
    points = np.concatenate([part[:n] for part in both])
    k = min(k, n - 1)
    counts: Counts = count_others(points, _labels(n, 0, 0, ""), k, 0.0)
    return float(_mixing(counts.mixed, n, k).mean())


def _cells(dataset: str, found: Overlap | int, route: str) -> list[Cell]:
    def cell(column: str, value: float | None, n: int, unit: str) -> Cell:
        claim = f"own.embedding-overlap.{dataset}.{column}"
        return Cell(dataset, column, value, None, None, n, unit, claim, route)

    if isinstance(found, int):
        return [cell("prompts", found, found, "prompts of each set")]
    n, m = found.n_prompts, len(found.mixing) - 1
    cells = [
        cell("prompts", n, 2 * n, "prompts of each set"),
        cell("neighbours", found.n_neighbours, 2 * n, "nearest neighbours"),
        cell("radius", found.radius, n, "cosine distance"),
    ]
    for column, values, unit in (
        ("mixing", found.mixing, _MIXING_UNIT),
        ("covered", found.covered, _PERCENT),
        ("covers", found.covers, _PERCENT),
    ):
        cells.append(cell(column, float(values[0]), 2 * n if column == "mixing" else n, unit))
        if m:
            chance = (values[1:].mean(), *np.quantile(values[1:], [0.025, 0.975]))
            cells += [
                cell(f"{column}-{suffix}", float(value), m, unit)
                for suffix, value in zip(RANDOM, chance, strict=True)
            ]
    if m:
        n_below = int((found.mixing[1:] <= found.mixing[0]).sum())
        cells.append(cell("mixing-p", (n_below + 1) / (m + 1), m, "p-value, one-sided"))
    of_other, of_wildchat = found.mixing_of
    return [
        *cells,
        cell("mixing-of-wildchat", of_wildchat, n, _MIXING_UNIT),
        cell("mixing-of-other", of_other, n, _MIXING_UNIT),
        cell("distinct", found.n_distinct, 2 * found.n_distinct, "distinct prompts of each set"),
        cell("mixing-distinct", found.distinct_mixing, 2 * found.n_distinct, _MIXING_UNIT),
    ]


def _explain(found: Overlap | int, n_neighbours: int) -> str:
    """Return what is peculiar about the values of a data set; mostly empty."""
    if isinstance(found, int):
        return "fewer than two prompts of each set: nothing to compare"
    if found.n_neighbours < n_neighbours:
        return f"{found.n_neighbours} nearest neighbours only, as there are few prompts"
    return ""
