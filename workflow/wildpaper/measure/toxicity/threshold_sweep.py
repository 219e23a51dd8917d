"""Share of messages whose toxicity exceeds a threshold, for thresholds from 0.01 to 0.99."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.toxicity.judged import ROLES, each_judged, explain_judgments

ARTIFACT = "threshold-sweep"
THRESHOLDS = tuple(i / 100 for i in range(1, 100))
CLAIMED = (0.01, 0.05, 0.1, 0.3, 0.5)
"""Thresholds whose shares are numbers of our own; the others stand in the table only."""

UNIT = "percent of messages"
_CELLS = 1 << 24
# How many of the thresholds a score exceeds. It is in single precision, so that its
# hundredfold is exact in double precision.
_EXCEEDED = """
SELECT cluster, n_exceeded, count(*) AS n FROM (
    SELECT cluster, CASE
        WHEN empty THEN 0
        ELSE greatest(ceil(toxicity::DOUBLE * 100)::BIGINT - 1, 0) END AS n_exceeded
    FROM messages WHERE has_detoxify AND role = '{role}'
) GROUP BY ALL
"""

Integers = npt.NDArray[np.int64]


def measure_threshold_sweep(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    table: Path,
    notes: Path,
    scored: list[str],
    n_replicates: int,
    seed: int,
) -> None:
    """Measure for each threshold which share of the scored messages exceeds it.

    A message without text exceeds none.

    Parameters
    ----------
    reports, conversations, messages : list of Path
        See `wildpaper.measure.shards.each_dataset`.
    detoxify : list of Path
        Scores of those data sets that have them.
    table, notes : Path
        The long table, with a row ``<data set> <role>`` and a column ``<threshold>``; a
        JSON object {claim id: explanation}.
    scored : list of str
        The data sets that have scores, in the order of `reports`; the others have no rows.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`. All thresholds of a row have the
        same draws: its line and its band rise or fall together.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    inputs = (reports, conversations, messages, detoxify)
    for opened in each_judged(*inputs, [], scored, [], CLAIMED[0]):
        if "detoxify" not in opened.routes:
            continue
        why = explain_judgments(opened, "detoxify")
        for role in ROLES:
            found = _cells(opened, role, n_replicates, seed)
            cells += found
            none = "" if found[0].n else f"{opened.title}: no {role} messages with a score"
            if why or none:
                explained |= {cell.claim: why or none for cell in found if cell.claim}
    write_long_table(table, cells)
    write_json(notes, explained)


def _cells(opened: OpenedDataset, role: str, n_replicates: int, seed: int) -> list[Cell]:
    name, route = f"{ARTIFACT}.{opened.dataset}.{role}", opened.route("detoxify")
    shares = _shares(opened, ROLES[role], n_replicates, seed, name)
    return [
        share.cell(
            f"{opened.dataset} {role}", str(threshold), UNIT,
            f"own.{name}.{threshold}" if threshold in CLAIMED else "", route,
        )
        for threshold, share in zip(THRESHOLDS, shares, strict=True)
    ]  # fmt: skip


def _shares(
    opened: OpenedDataset, role: str, n_replicates: int, seed: int, name: str
) -> list[Share]:
    """Return a share a threshold; some thresholds at a time, lest all clusters fill the memory."""
    listed = opened.connection.execute(_EXCEEDED.format(role=role)).fetchnumpy()
    cluster, exceeded, n = (
        np.asarray(listed[key], np.int64) for key in ("cluster", "n_exceeded", "n")
    )
    n_clusters = opened.n_clusters
    totals = np.zeros(n_clusters, np.int64)
    np.add.at(totals, cluster, n)
    width = max(1, _CELLS // max(n_clusters, 1))
    shares: list[Share] = []
    for first in range(0, len(THRESHOLDS), width):
        n_columns = min(width, len(THRESHOLDS) - first)
        counts = count_exceeding(cluster, exceeded, n, first, (n_clusters, n_columns))
        shares += shares_of(counts, totals[:, None], n_replicates, seed, name)
    return shares


def count_exceeding(
    cluster: Integers, exceeded: Integers, n: Integers, first: int, shape: tuple[int, int]
) -> Integers:
    """Return how many messages of each cluster exceed each of some thresholds.

    Parameters
    ----------
    cluster, exceeded, n : ndarray of int64, shape (n_groups,)
        `n` messages of a cluster that exceed as many of the thresholds, from the lowest.
    first : int
        Index of the first threshold that is asked for.
    shape : tuple of int
        Number of clusters, number of thresholds.

    Returns
    -------
    ndarray of int64, shape `shape`
    """
    counts = np.zeros(shape, np.int64)
    last = np.minimum(exceeded - first, shape[1]) - 1
    any_of_them = last >= 0
    np.add.at(counts, (cluster[any_of_them], last[any_of_them]), n[any_of_them])
    counts[:, ::-1].cumsum(axis=1, out=counts[:, ::-1])
    return counts
