"""Redaction by kind and language: what was found of what was to be found, and intervals."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.privacy import KINDS
from wildpaper.measure.privacy_languages import OTHERS
from wildpaper.present.tabular import GREY, copy_cells, interval, line, tabular
from wildpaper.tex import escape, number

SIDES = {
    "recall": "Hidden, of the items within reach",
    "precision": "Planted, of the items hidden",
}
TITLES = {
    "PERSON": "Names",
    "EMAIL_ADDRESS": "E-mail",
    "PHONE_NUMBER": "Telephone",
    "CREDIT_CARD": "Cards",
    "URL": "Profiles",
    "SECRET": "Keys",
}


def render_privacy_languages(measured: Path, csv: Path, tex: Path) -> None:
    """Write redaction by kind and language as CSV (long form, unrounded) and as LaTeX.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.privacy_languages`.
    csv, tex : Path
        To write.
    """
    cells = copy_cells(measured, csv)
    write_text(tex, languages_tabular(cells))


def languages_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular: counts, and below them intervals in percent."""
    found = {(cell.row, cell.column): cell for cell in cells}
    rows = list(dict.fromkeys(cell.row for cell in cells))
    groups = []
    for side, title in SIDES.items():
        lines = [rf"\multicolumn{{{len(KINDS) + 1}}}{{@{{}}l}}{{{title}}}"]
        for row in rows:
            own = [found.get((row, f"{slug}.{side}")) for slug in KINDS.values()]
            if any(own):
                lines += _lines(row, own)
        groups.append(lines)
    head = [line("", [TITLES[kind] for kind in KINDS])]
    return tabular("l" + "r" * len(KINDS), head, groups, "")


def _lines(row: str, cells: list[Cell | None]) -> list[str]:
    title = "other languages" if row == OTHERS else escape(row)
    counts = [_count(cell) if cell else "" for cell in cells]
    ends = [GREY + interval(cell, 1) if cell else "" for cell in cells]
    return [line(rf"\quad {title}", counts), line("", ends)]


def _count(cell: Cell) -> str:
    n = cell.n or 0
    return f"{number(round(float(cell.value or 0) * n / 100))} of {number(n)}"
