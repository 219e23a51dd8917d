"""Figure 2a: conversations by number of turns."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import ratio_intervals
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import shares_of

LONGEST_SHOWN = 10
MORE = f"more-than-{LONGEST_SHOWN}"
QUANTILES = (50, 75, 90, 95, 99, 100)
_UNIT = "percent of conversations"
_OWN = "own.figure-02a-turns"


def measure_turns(
    report: Path,
    conversations: list[Path],
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the distribution of the number of turns of WildChat's conversations.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations : list of Path
        Its shards.
    table, notes : Path
        The long table: what the text says of the mean and the tail; shares by number of
        turns; quantiles (the least number of turns that so many percent of the
        conversations do not exceed). A JSON object {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    with open_dataset(report, conversations) as opened:
        columns = opened.connection.execute(
            "SELECT cluster, n_turns FROM conversations ORDER BY conversation_id"
        ).fetchnumpy()
        cluster, n_turns = (np.asarray(columns[k], np.int64) for k in ("cluster", "n_turns"))
        cells = _text_cells(opened, cluster, n_turns, n_replicates, seed)
        cells += _bar_cells(opened, cluster, n_turns, n_replicates, seed)
        cells += _quantile_cells(n_turns, opened.route())
        note = "" if len(n_turns) else f"{opened.title}: no conversations"
    write_long_table(table, cells)
    write_json(notes, {c.claim: note for c in cells if note and c.claim.startswith("turns.")})


def _sums(
    cluster: npt.NDArray[np.int64], values: npt.NDArray[np.int64], n_clusters: int
) -> npt.NDArray[np.int64]:
    """Return sums of values by cluster, shape (n_clusters,)."""
    sums = np.zeros(n_clusters, np.int64)
    np.add.at(sums, cluster, values)
    return sums


def _text_cells(
    opened: OpenedDataset,
    cluster: npt.NDArray[np.int64],
    n_turns: npt.NDArray[np.int64],
    n_replicates: int,
    seed: int,
) -> list[Cell]:
    n, route, size = len(n_turns), opened.route(), opened.n_clusters
    turns = _sums(cluster, n_turns, size)[:, None]
    ones = _sums(cluster, np.ones_like(n_turns), size)[:, None]
    (interval,) = ratio_intervals(turns, ones, n_replicates, seed, "figure-02a.mean")
    low, high = interval or (None, None)
    mean = int(n_turns.sum()) / n if n else None
    unit = "turns per conversation"
    cells = [Cell("turns", "mean", mean, low, high, n, unit, "turns.mean-text", route)]
    over = [n_turns > 1, n_turns > LONGEST_SHOWN]
    counts = np.stack([_sums(cluster, part.astype(np.int64), size) for part in over], axis=1)
    names = ("multi-turn-share", "more-than-10-share")
    shares = shares_of(counts, ones, n_replicates, seed, "figure-02a.tail")
    cells += [
        share.cell("turns", name, _UNIT, f"turns.{name}", route)
        for name, share in zip(names, shares, strict=True)
    ]
    return cells


def _bar_cells(
    opened: OpenedDataset,
    cluster: npt.NDArray[np.int64],
    n_turns: npt.NDArray[np.int64],
    n_replicates: int,
    seed: int,
) -> list[Cell]:
    """Return the shares of conversations by turns; 0 has a line only if it occurs."""
    size = opened.n_clusters
    names = [str(n) for n in range(LONGEST_SHOWN + 1)] + [MORE]
    capped = np.minimum(n_turns, LONGEST_SHOWN + 1)
    counts = np.zeros((size, len(names)), np.int64)
    np.add.at(counts, (cluster, capped), 1)
    totals = counts.sum(axis=1, keepdims=True)
    shares = shares_of(counts, totals, n_replicates, seed, "figure-02a")
    return [
        share.cell(name, "percent", _UNIT, f"{_OWN}.{name}-turns", opened.route())
        for name, share in zip(names, shares, strict=True)
        if name != "0" or share.n
    ]


def _quantile_cells(n_turns: npt.NDArray[np.int64], route: str) -> list[Cell]:
    """Return quantiles: the inverse of the distribution function, hence whole turns."""
    n, ordered = len(n_turns), np.sort(n_turns)
    cells = []
    for percent in QUANTILES:
        value = int(ordered[-(-percent * n // 100) - 1]) if n else None
        name = f"quantile-{percent}"
        cells.append(Cell("turns", name, value, None, None, n, "turns", f"{_OWN}.{name}", route))
    return cells
