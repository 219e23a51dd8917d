"""What linking makes of true conversations: a line for each cause worth one."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.linking_causes import COLUMNS, TOTAL
from wildpaper.present.tabular import copy_cells, line, tabular
from wildpaper.tex import escape, number

PLAIN = "plain"
_HEADINGS = {
    "n": "True",
    "recovered": "Recovered",
    "split": "Split",
    "cut-short": "Cut short",
    "mixed": "Mixed",
    "discarded": "Discarded",
    "extra": "Extra",
}
_SPARED = ("mixed",)
"""Columns that are left out where they hold nothing."""

NAMES = {
    "address-changed": "Address changed on the way",
    "same-time": "Two calls at the same time",
    "same-opening-own": "Same first message as another of the user",
    "same-opening-other": "Same first message as another user",
    "retry": "Call failed and was repeated",
    "first-edited": "First message edited",
    "first-regenerated": "First reply generated anew",
    "first-regenerated-continued": "First reply generated anew, then went on",
    "first-logged-twice": "First call logged twice",
    "later-edited": "Later message edited after going on",
    "later-regenerated": "Later reply generated anew",
    "later-regenerated-continued": "Later reply generated anew, then went on",
    "model-changed": "Model changed on the way",
    "first-missing": "First call not logged",
    "middle-missing": "Call in the middle not logged",
    "across-start": "Began before the collection did",
    "before-start": "Ended before the collection began",
}
"""Causes that have a line of their own, whatever linking makes of them, in this order."""

Counts = dict[str, int]


def render_linking(measured: Path, csv: Path, tex: Path) -> None:
    """Write the table of linking as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.linking_causes`.
    csv, tex : Path
        To write.
    """
    cells = copy_cells(measured, csv)
    write_text(tex, linking_tabular(cells))


def linking_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular; causes without a name that make no difference share a line."""
    rows: dict[str, Counts] = {}
    for cell in cells:
        rows.setdefault(cell.row, {})[cell.column] = int(cell.value or 0)
    total = rows.pop(TOTAL)
    plain = rows.pop(PLAIN, dict.fromkeys(COLUMNS, 0))
    own = [cause for cause in NAMES if cause in rows]
    own += [cause for cause in rows if cause not in NAMES and _is_changed(rows[cause])]
    others = [counts for cause, counts in rows.items() if cause not in own]
    columns = [name for name in COLUMNS if name not in _SPARED or total[name]]
    lines = [_line("Nothing special", plain, columns)]
    lines += [_line(title_of(cause), rows[cause], columns) for cause in own]
    if others:
        summed = {name: sum(counts[name] for counts in others) for name in COLUMNS}
        lines.append(_line("All else", summed, columns))
    head = [line("What happened", (_HEADINGS[name] for name in columns))]
    return tabular("l" + "r" * len(columns), head, [lines, [_line("Total", total, columns)]], "")


def title_of(cause: str) -> str:
    """Return the name of a cause in words, as LaTeX."""
    return escape(NAMES.get(cause, cause.replace("-", " ").capitalize()))


def _is_changed(counts: Counts) -> bool:
    return counts["recovered"] < counts["n"] or counts["extra"] > 0


def _line(title: str, counts: Counts, columns: list[str]) -> str:
    return line(title, (number(counts[name]) for name in columns))
