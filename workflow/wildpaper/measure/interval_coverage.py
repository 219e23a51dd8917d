"""How often the 95 % intervals of this project hold the true value, on simulated samples."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wildpaper.acquire.simulation.targets import read_targets
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import (
    Interval,
    effective_wilson,
    percentile,
    share_intervals,
    studentised,
)
from wildpaper.measure.coverage_draws import Group, Study
from wildpaper.measure.replicates import replicate_ratios

ARTIFACT = "interval-coverage"
ROUTE = "simulated"
"""Only a simulation knows the true values."""

HEAVY = 3.0
"""A mean is heavy-tailed if the standard deviation of its units is more than so many means."""
LEVEL = 0.95
POOLED = {
    "pooled": ("mean", "share"),
    "means": ("mean",),
    "shares": ("share",),
    "deviations": ("deviation",),
}
"""{row: kinds of values that it pools}; `heavy-tailed` and `other-means` part the means."""
COLUMNS = {
    "coverage": "percent of intervals that hold the true value",
    "percentile-coverage": "percent of percentile intervals that hold the true value",
    "width-ratio": "times the width of the percentile interval, median",
    "variation": "coefficient of variation",
}


@dataclass
class Trials:
    """What became of the intervals of one value, or of the values of one table.

    Attributes
    ----------
    kind : str
    variation : float
        True coefficient of variation of the units of a mean, else NaN.
    pooled : bool
        Whether they count in the pooled rows.
    held, held_percentile, n : dict
        {sample: how many intervals hold the true value, of how many}.
    ratios : list of float
        Widths in widths of the percentile interval, where that has any.
    """

    kind: str
    variation: float
    pooled: bool
    held: dict[int, int] = field(default_factory=dict)
    held_percentile: dict[int, int] = field(default_factory=dict)
    n: dict[int, int] = field(default_factory=dict)
    ratios: list[float] = field(default_factory=list)

    def add(self, sample: int, truth: float, used: Interval, plain: Interval) -> None:
        """Add the two intervals of one value in one sample."""
        for counts, (low, high) in ((self.held, used), (self.held_percentile, plain)):
            counts[sample] = counts.get(sample, 0) + (low <= truth <= high)
        self.n[sample] = self.n.get(sample, 0) + 1
        if plain[1] > plain[0]:
            self.ratios.append((used[1] - used[0]) / (plain[1] - plain[0]))


def measure_interval_coverage(
    published: Path,
    table: Path,
    n_seeds: int,
    n_conversations: int,
    n_replicates: int,
    seed: int,
) -> None:
    """Draw samples whose true values are known, and count the intervals that hold them.

    Parameters
    ----------
    published : Path
        ``data/published.yaml``, whose marginals the simulated study has.
    table : Path
        The long table to write, numbers of our own: a row a mean, a row a table of shares,
        a row a standard deviation (none is printed elsewhere: this says why), and pooled
        rows. Columns: see `COLUMNS`; coverages have 95 % intervals of their own, over samples.
    n_seeds : int
        Samples.
    n_conversations : int
        Conversations of WildChat, and of each comparison set, in a sample.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.

    Notes
    -----
    Rows `...-people` have persons for clusters instead of addresses, which is what a release
    tells apart.
    """
    study = Study(read_targets(published))
    found = run_trials(study, n_seeds, n_conversations, n_replicates, seed)
    settings = {
        "samples": (n_seeds, "samples"),
        "conversations": (n_conversations, "conversations"),
        "replicates": (n_replicates, "replicates"),
        "level": (100 * LEVEL, "percent"),
        "heavy-variation": (HEAVY, COLUMNS["variation"]),
    }
    cells = [_cell("study", name, value, unit) for name, (value, unit) in settings.items()]
    for row, trials in (*pool(found).items(), *found.items()):
        cells += _cells(row, trials, n_replicates, seed)
    write_long_table(table, cells)


def run_trials(
    study: Study,
    n_seeds: int,
    n_conversations: int,
    n_replicates: int,
    seed: int,
    level: float = LEVEL,
) -> dict[str, Trials]:
    """Return {row: trials}: a row a mean or deviation, a row a table of shares."""
    found: dict[str, Trials] = {}
    for sample in range(n_seeds):
        for group in study.draw(n_conversations, seed * n_seeds + sample):
            name = f"{ARTIFACT}.{sample}.{group.kind}.{group.name}"
            used, plain = intervals_of(group, n_replicates, seed, name, level)
            truths = np.sqrt(group.truths) if group.kind == "deviation" else group.truths
            for i, row in enumerate(_rows(group)):
                own = found.setdefault(
                    row, Trials(group.kind, float(group.variations[i]), group.pooled)
                )
                mine, theirs = used[i], plain[i]
                if mine is not None and theirs is not None:
                    own.add(sample, float(truths[i]), mine, theirs)
    return found


def intervals_of(
    group: Group, n_replicates: int, seed: int, name: str, level: float
) -> tuple[list[Interval | None], list[Interval | None]]:
    """Return intervals by the method of this project, and those of the percentiles."""
    drawn = replicate_ratios(group.numerators, group.denominators, n_replicates, seed, name)
    if group.kind == "share":
        used = effective_wilson(drawn, group.denominators, level)
    else:
        used = studentised(drawn, level)
    plain = percentile(drawn, level)
    if group.kind == "deviation":
        return [*map(_root, used)], [*map(_root, plain)]
    return used, plain


def _root(interval: Interval | None) -> Interval | None:
    """Return the interval of a deviation, given that of its square."""
    return interval and (math.sqrt(max(interval[0], 0.0)), math.sqrt(interval[1]))


def _rows(group: Group) -> Iterator[str]:
    for value in group.values:
        if group.kind == "share":
            yield group.name
        else:
            yield f"{group.name}-{value}" + ("-std" if group.kind == "deviation" else "")


def pool(found: dict[str, Trials]) -> dict[str, Trials]:
    """Return the rows that pool others: see `POOLED`."""
    pooled = {
        row: _join([one for one in found.values() if one.kind in kinds and _counts(one)])
        for row, kinds in POOLED.items()
    }
    means = [one for one in found.values() if one.kind == "mean"]
    pooled["heavy-tailed"] = _join([one for one in means if one.variation > HEAVY])
    pooled["other-means"] = _join([one for one in means if one.variation <= HEAVY])
    return pooled


def _counts(one: Trials) -> bool:
    return one.pooled or one.kind == "deviation"


def _join(parts: list[Trials]) -> Trials:
    joined = Trials(parts[0].kind if parts else "", float("nan"), True)
    for one in parts:
        for mine, theirs in (
            (joined.held, one.held),
            (joined.held_percentile, one.held_percentile),
            (joined.n, one.n),
        ):
            for sample, count in theirs.items():
                mine[sample] = mine.get(sample, 0) + count
        joined.ratios += one.ratios
    return joined


def _cells(row: str, trials: Trials, n_replicates: int, seed: int) -> Iterator[Cell]:
    n = np.array([trials.n[sample] for sample in sorted(trials.n)], np.int64)
    total = int(n.sum())
    for column, held in (
        ("coverage", trials.held),
        ("percentile-coverage", trials.held_percentile),
    ):
        counts = np.array([held[sample] for sample in sorted(trials.n)], np.int64)
        value = 100 * int(counts.sum()) / total if total else None
        (interval,) = share_intervals(
            counts[:, None], n[:, None], n_replicates, seed, f"{ARTIFACT}.{row}.{column}"
        )
        low, high = (100 * interval[0], 100 * interval[1]) if interval else (None, None)
        yield _cell(row, column, value, COLUMNS[column], total, low, high)
    if trials.ratios:
        ratio = float(np.median(trials.ratios))
        yield _cell(row, "width-ratio", ratio, COLUMNS["width-ratio"], len(trials.ratios))
    if not np.isnan(trials.variation):
        yield _cell(row, "variation", trials.variation, COLUMNS["variation"])


def _cell(
    row: str,
    column: str,
    value: float | None,
    unit: str,
    n: int | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Cell:
    claim = f"own.{ARTIFACT}.{row}.{column}"
    return Cell(row, column, value, low, high, n, unit, claim, ROUTE)
