"""Near-duplicates among user messages, and Table 1 without conversations that begin alike."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.lengths import sum_dataset
from wildpaper.measure.shards import OpenedDataset, each_dataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.table_01_datasets import dataset_cells

WITHOUT = "-without-near-duplicates"
"""What the columns of Table 1 over the remaining conversations end in."""

_ID = "near-duplicates"
_LABEL = "near_duplicate"
_IN_CLUSTERS = """
SELECT cluster, 'in' AS name, count(*) FILTER (duplicate_cluster IS NOT NULL) AS n
FROM messages WHERE role = 'user' GROUP BY cluster
"""
_ALL = """
SELECT cluster, 'in' AS name, count(*) AS n FROM messages WHERE role = 'user' GROUP BY cluster
"""
_CLUSTERS = "SELECT count(DISTINCT duplicate_cluster) FROM messages"
_LARGEST = """
SELECT coalesce(max(n), 0) FROM (
    SELECT count(*) AS n FROM messages
    WHERE duplicate_cluster IS NOT NULL GROUP BY duplicate_cluster
)
"""
_REPEATED = """
CREATE TEMPORARY TABLE repeated AS
WITH firsts AS (
    SELECT m.conversation_id, m.duplicate_cluster
    FROM messages m JOIN (
        SELECT conversation_id, min(position) AS position
        FROM messages WHERE role = 'user' GROUP BY conversation_id
    ) f ON m.conversation_id = f.conversation_id AND m.position = f.position
    WHERE m.duplicate_cluster IS NOT NULL
)
SELECT conversation_id FROM firsts ANTI JOIN (
    SELECT min(conversation_id) AS conversation_id FROM firsts GROUP BY duplicate_cluster
) earliest USING (conversation_id)
"""
_IS_REPEATED = "conversation_id IN (SELECT conversation_id FROM repeated)"


def measure_near_duplicates(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    tokens: list[Path],
    languages: list[Path],
    near_duplicates: list[Path],
    table: Path,
    notes: Path,
    deviation: str,
    minimum_prompts: int,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure how much of each data set repeats itself, and Table 1 without the repetition.

    A conversation is repeated if its first user message is a near-duplicate of the first user
    message of an earlier conversation (one of a lower number). Table 1 is measured once more
    over those that are not.

    Parameters
    ----------
    reports, conversations, messages, tokens, languages, near_duplicates : list of Path
        See `each_dataset`.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    deviation, minimum_prompts
        See `wildpaper.measure.table_01_datasets.measure_datasets`.
    n_replicates, seed : int
        See `ratio_intervals`.

    Notes
    -----
    The interval of the share of messages in clusters draws users (or conversations) and takes
    the clusters as they are: a larger sample of the same users' prompts would have more.
    """
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    labels = {"tokens": tokens, "language": languages, _LABEL: near_duplicates}
    for opened in each_dataset(reports, conversations, messages, labels, columns=()):
        found = list(_repetition(opened, n_replicates, seed))
        explained |= _explain(opened, found)
        opened.leave_out(_IS_REPEATED)
        left = dataset_cells(opened, sum_dataset(opened), {}, deviation, minimum_prompts)
        cells += found + [_without(cell) for cell in left]
    write_long_table(table, cells)
    write_json(notes, explained)


def _repetition(opened: OpenedDataset, n_replicates: int, seed: int) -> Iterator[Cell]:
    """Yield what the clusters of one data set tell; leave its repeated conversations in a table."""
    name, route = opened.dataset, opened.route(_LABEL)
    in_clusters, total = opened.counts(_IN_CLUSTERS, ["in"]), opened.counts(_ALL, ["in"])
    (share,) = shares_of(in_clusters, total, n_replicates, seed, f"{_ID}.{name}")
    opened.connection.execute(_REPEATED)
    repeated = Share(
        opened.one("SELECT count(*) FROM repeated"),
        opened.one("SELECT count(*) FROM conversations"),
        None,
    )
    for column, value, unit in (
        ("clusters", opened.one(_CLUSTERS), "clusters"),
        ("largest-cluster", opened.one(_LARGEST), "messages"),
    ):
        claim = _claim(name, column)
        yield Cell(name, column, value, None, None, share.total, unit, claim, route)
    for column, part, unit in (
        ("messages-in-clusters", share, "percent of user messages"),
        ("conversations-repeated", repeated, "percent of conversations"),
    ):
        yield part.cell(name, column, unit, _claim(name, column), route)


def _without(cell: Cell) -> Cell:
    """Return a value of Table 1 as one over the conversations that are left."""
    column = f"{cell.column}{WITHOUT}"
    return replace(cell, column=column, claim=_claim(cell.row, column))


def _claim(dataset: str, column: str) -> str:
    return f"own.{_ID}.{dataset}.{column}"


def _explain(opened: OpenedDataset, cells: list[Cell]) -> dict[str, str]:
    notes = {}
    for cell in cells:
        if cell.value is None:
            what = "user messages" if "messages" in cell.column else "conversations"
            notes[cell.claim] = f"{opened.title}: no {what}"
    return notes
