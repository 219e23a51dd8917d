"""Table of what leads a judge astray."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.present.tabular import copy_cells, interval, line, tabular
from wildpaper.tex import number

_ROWS = (
    ("length", "correlation", "Length of an answer and its grade, rank correlation", 2),
    ("repeated", "change", "Judged again: mean change of the grade", 2),
    ("repeated", "changed", r"\quad grades that changed, \%", 1),
    ("padded", "change", "Answer lengthened by empty sentences: mean change", 2),
    ("quoted-verdict", "change", "Answer that holds a verdict: mean change", 2),
    ("quoted-verdict", "no-grade", r"\quad judgments without a grade", 0),
    ("instructed", "change", "Answer with an instruction to the judge: mean change", 2),
    ("instructed", "no-grade", r"\quad judgments without a grade", 0),
    ("swapped", "consistent", r"Order of two answers swapped: games that agree, \%", 1),
    ("swapped", "position-bias", r"\quad bias to the first shown, points of \%", 1),
)


def render_robustness(measured: Path, csv: Path, tex: Path) -> None:
    """Write the table as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.mtbench.robustness`.
    csv, tex : Path
        To write.
    """
    write_text(tex, robustness_tabular(copy_cells(measured, csv)))


def robustness_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular; what the judgments do not tell is said so."""
    found = {(cell.row, cell.column): cell for cell in cells}
    groups: dict[str, list[str]] = {}
    for row, column, title, digits in _ROWS:
        cell = found.get((row, column))
        if cell is None and title.startswith(r"\quad"):
            continue
        parts = ["--", "", "not judged"]
        if cell is not None:
            parts = [number(cell.value, digits), interval(cell, digits, " to "), number(cell.n)]
        groups.setdefault(row, []).append(line(title, parts))
    head = [line("What was changed", ("effect", r"95\,\% interval", "$n$"))]
    return tabular("lrrr", head, list(groups.values()), "")
