"""The table on contamination: questions by how far the training data cover them."""

from collections.abc import Mapping
from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.contamination import SEARCHED, TURNS
from wildpaper.present.tabular import GREY, INTERVAL, copy_cells, interval, line, tabular
from wildpaper.tex import number

_HEAD = ("Questions", "Too short", r"Any, \%", r"Clean, \%", r"Dirty, \%", r"Covered, \%")
_SHARES = ("any", "clean", "dirty", "covered")
_DIGITS = 1

Row = Mapping[str, Cell]


def render_contamination(measured: Path, csv: Path, tex: Path) -> None:
    """Write the table as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.contamination`.
    csv, tex : Path
        To write.
    """
    write_text(tex, contamination_tabular(copy_cells(measured, csv)))


def contamination_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular: a group a length of n-grams, a line a turn, then intervals."""
    rows: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.row, {})[cell.column] = cell
    groups: dict[str, list[str]] = {}
    for name, own in rows.items():
        length, _, turn = name.partition("-")
        if turn in TURNS:
            groups.setdefault(length, []).extend(_lines(f"{length} tokens, {turn} turn", own))
    searched = rows.get(SEARCHED, {}).get("tokens")
    note = f"{number(searched.value)} training tokens were searched." if searched else ""
    return tabular("lrrrrrr", [line("Run of", _HEAD)], list(groups.values()), note)


def _lines(label: str, own: Row) -> list[str]:
    """Return the line of values and, where there are any, the line of intervals."""
    shares = [own[column] for column in _SHARES]
    counts = [number(own["turns"].value), _too_short(own)]
    lines = [line(label, [*counts, *(number(cell.value, _DIGITS) for cell in shares)])]
    ends = [interval(cell, _DIGITS) for cell in shares]
    return [*lines, line(INTERVAL, ["", "", *ends], GREY)] if any(ends) else lines


def _too_short(own: Row) -> str:
    """Return how many turns were too short and, if any, how many of these were found whole."""
    n, n_found = number(own["too-short"].value), number(own["too-short-found"].value)
    return f"{n} ({n_found} found)" if own["too-short"].value else n
