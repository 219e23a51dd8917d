"""Table 3, upright: a line a country, so that intervals have room."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.table_03_countries import COUNTRIES, OTHER, UNKNOWN
from wildpaper.present.tabular import (
    FAINT,
    GREY,
    Printed,
    as_printed,
    dagger_note,
    interval,
    labels_of,
    line,
    read_inputs,
    tabular,
)
from wildpaper.tex import escape, number

_DIGITS = 2
_HEADINGS = ("obtained", r"95\,\% interval", "published")
_REST = {"all others": OTHER, "unknown": UNKNOWN}


def render_countries(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 3 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, countries_tabular(cells, printed, labels_of(titles, acquired)["wildchat"]))


def countries_tabular(cells: list[Cell], printed: Printed, label: str) -> str:
    """Return the LaTeX tabular: the paper's countries, all others together, and the unknown.

    `label` is the name of the data set, as LaTeX.
    """
    found = {cell.row: cell for cell in cells}
    claims = [printed.get(f"table-03.{slug}") for slug in COUNTRIES.values()]
    upper = [
        _line(name, found.get(slug), as_printed(claim, _DIGITS))
        for (name, slug), claim in zip(COUNTRIES.items(), claims, strict=True)
    ]
    lower = [_line(name, found.get(slug), "") for name, slug in _REST.items()]
    return tabular("lrrr", [line(label, _HEADINGS)], [upper, lower], dagger_note(claims))


def _line(name: str, cell: Cell | None, published: str) -> str:
    value = number(cell.value, _DIGITS) if cell else "--"
    ends = interval(cell, _DIGITS)
    faint = [GREY + ends if ends else "", FAINT + published if published else ""]
    return line(escape(name), [value, *faint])
