"""The privacy report as a table: a line a kind, then why English names were missed."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.privacy import KINDS
from wildpaper.present.tabular import GREY, copy_cells, interval, line, tabular
from wildpaper.tex import number

TITLES = {
    "PERSON": "Name",
    "EMAIL_ADDRESS": "E-mail address",
    "PHONE_NUMBER": "Telephone number",
    "CREDIT_CARD": "Card number",
    "URL": "Profile link",
    "SECRET": "Key or password",
}
MISSES = {
    "missed-other-language": "message taken for another language",
    "missed-not-found": "not found by the model",
    "missed-other-type": "found as something else",
    "missed-other-borders": "found longer or shorter",
    "missed-refused": "found, refused by a rule",
}
_HEADINGS = ("Reach", "Recall", r"95\,\% interval", "Precision", r"95\,\% interval", "Left")
_DIGITS = 1
_NAMED_ROW = "person-english"


def render_privacy(measured: Path, csv: Path, tex: Path) -> None:
    """Write the privacy report as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.privacy`.
    csv, tex : Path
        To write.
    """
    cells = copy_cells(measured, csv)
    write_text(tex, privacy_tabular(cells))


def privacy_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular: recall and precision in percent, counts of items."""
    found = {(cell.row, cell.column): cell for cell in cells}
    kinds = [_kind_line(TITLES[kind], slug, found) for kind, slug in KINDS.items()]
    missed = [
        line(rf"\quad {title}", (number(cell.value), *[""] * 5))
        for column, title in MISSES.items()
        if (cell := found.get((_NAMED_ROW, column))) and cell.value
    ]
    groups = [kinds]
    if missed:
        heading = rf"\multicolumn{{{len(_HEADINGS) + 1}}}{{@{{}}l}}{{English names missed}}"
        groups.append([heading, *missed])
    return tabular("lrrrrrr", [line("", _HEADINGS)], groups, "")


def _kind_line(title: str, slug: str, found: dict[tuple[str, str], Cell]) -> str:
    recall, precision = found[slug, "recall"], found[slug, "precision"]
    parts = [number(found[slug, "planted"].value)]
    for cell in (recall, precision):
        ends = interval(cell, _DIGITS)
        parts += [number(cell.value, _DIGITS), GREY + ends if ends else ""]
    return line(title, [*parts, number(found[slug, "left"].value)])
