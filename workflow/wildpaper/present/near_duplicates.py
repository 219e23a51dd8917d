"""The table on near-duplicates: what is repeated, and Table 1 with and without it."""

from collections.abc import Mapping
from pathlib import Path

from wildpaper.config import DATASETS
from wildpaper.files import write_text
from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.near_duplicates import WITHOUT
from wildpaper.present.tabular import (
    GREY,
    INTERVAL,
    copy_cells,
    interval,
    labels_of,
    line,
    tabular,
)
from wildpaper.tex import number

_HEADINGS = ("Clusters", r"In clusters, \%", r"Repeated, \%", "Largest", "Turns")
_LENGTHS = ("User tokens", "Chatbot tokens")
_TYPES = r"lrrrrrr@{\,}lr@{\,}l"
"""A length has two columns, the mean and, with its sign, the deviation."""
_REMAINING = r"\quad without repeated"
_DIGITS = 2

Row = Mapping[str, Cell]


def render_near_duplicates(
    measured: Path,
    datasets_measured: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write the table as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, datasets_measured : Path
        Long tables of `wildpaper.measure.near_duplicates` and of Table 1.
    acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells = copy_cells(measured, csv)
    everything = read_long_table(datasets_measured)
    write_text(tex, near_duplicates_tabular(cells, everything, labels_of(titles, acquired)))


def near_duplicates_tabular(
    cells: list[Cell], everything: list[Cell], labels: dict[str, str]
) -> str:
    """Return the LaTeX tabular: three lines a data set, the last without repeated conversations.

    Parameters
    ----------
    cells, everything : list of Cell
        Of near-duplicates; of Table 1.
    labels : dict
        Names of the data sets, as LaTeX.
    """
    groups = []
    for name in DATASETS:
        own, table_01 = (
            {c.column: c for c in part if c.row == name} for part in (cells, everything)
        )
        if own:
            groups.append(_lines_of(labels[name], own, table_01))
    lengths = [rf"\multicolumn{{2}}{{c}}{{{title}}}" for title in _LENGTHS]
    return tabular(_TYPES, [line("Data set", [*_HEADINGS, *lengths])], groups, "")


def _lines_of(label: str, own: Row, table_01: Row) -> list[str]:
    share = own["messages-in-clusters"]
    repetition = [
        number(own["clusters"].value),
        number(share.value, _DIGITS),
        number(own["conversations-repeated"].value, _DIGITS),
        number(own["largest-cluster"].value),
    ]
    lines = [line(label, [*repetition, *_statistics(table_01, "")])]
    if ends := interval(share, _DIGITS):
        lines.append(line(GREY + INTERVAL, ["", GREY + ends, *[""] * 7]))
    return [*lines, line(_REMAINING, [*[""] * 4, *_statistics(own, WITHOUT)])]


def _statistics(row: Row, suffix: str) -> list[str]:
    """Return turns, and of either role mean and deviation of tokens, as LaTeX."""
    columns = ["turns-per-conversation"]
    columns += [f"{role}-tokens-{part}" for role in ("user", "chatbot") for part in ("mean", "std")]
    parts = []
    for column in columns:
        cell = row.get(f"{column}{suffix}")
        value = None if cell is None else cell.value
        sign = r"$\pm$ " if column.endswith("std") else ""
        parts.append("" if sign and value is None else sign + number(value, _DIGITS))
    return parts
