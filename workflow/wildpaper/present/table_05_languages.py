"""Table 5 in the paper's layout: a row a data set, a column a language."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.table_05_languages import LANGUAGES, OTHER, PUBLISHED
from wildpaper.present.tabular import (
    Printed,
    dagger_note,
    labels_of,
    line,
    read_inputs,
    tabular,
    three_lines,
)

_DIGITS = 2


def render_languages(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 5 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, languages_tabular(cells, printed, labels_of(titles, acquired)))


def languages_tabular(cells: list[Cell], printed: Printed, labels: dict[str, str]) -> str:
    """Return the LaTeX tabular: the paper's data sets, then those that it does not have.

    `labels` are the names of the data sets, as LaTeX.
    """
    names = [*map(str.lower, LANGUAGES), OTHER]
    rows = dict.fromkeys([*PUBLISHED, *(cell.row for cell in cells)])
    found = {(cell.row, cell.column): cell for cell in cells}
    claims = {(row, name): printed.get(f"table-05.{row}.{name}") for row in rows for name in names}
    groups = [
        three_lines(
            labels[row],
            [found.get((row, name)) for name in names],
            [claims[row, name] for name in names],
            _DIGITS,
        )
        for row in rows
    ]
    head = line("Data set", [*LANGUAGES, OTHER])
    return tabular("l" + "r" * len(names), [head], groups, dagger_note(claims.values()))
