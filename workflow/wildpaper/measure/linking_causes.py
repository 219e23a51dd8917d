"""What linking makes of true conversations, by what happened to them."""

from pathlib import Path

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table

ARTIFACT = "linking-causes"
ROUTE = "simulated"
"""Only a simulation knows the true conversations."""

TOTAL = "total"
COLUMNS = {
    "n": "n",
    "recovered": "recovered",
    "split": "split",
    "cut-short": "cut_short",
    "mixed": "mixed",
    "discarded": "discarded",
    "extra": "n_extra",
}
"""Columns, with their keys in ``linking-truth.json``; its schema says what they mean."""


def measure_linking(assessment: Path, table: Path, notes: Path) -> None:
    """Write counts of true conversations by cause and outcome, as numbers of our own.

    Parameters
    ----------
    assessment : Path
        ``linking-truth.json`` of the release stage.
    table, notes : Path
        To write: the long table, a row a cause and one for the total; an empty JSON object.
    """
    found = read_json(assessment)
    rows = {**found["causes"], TOTAL: found["total"]}
    write_long_table(
        table,
        [
            _cell(cause, column, counts[key], counts["n"])
            for cause, counts in rows.items()
            for column, key in COLUMNS.items()
        ],
    )
    write_json(notes, {})


def _cell(cause: str, column: str, value: int, n: int) -> Cell:
    unit = "further conversations" if column == "extra" else "true conversations"
    base = None if column in ("n", "extra") else n
    claim = f"own.{ARTIFACT}.{cause}.{column}"
    return Cell(cause, column, value, None, None, base, unit, claim, ROUTE)
