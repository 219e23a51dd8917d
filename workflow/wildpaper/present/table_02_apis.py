"""Table 2 in the paper's layout: a column a model."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.table_02_apis import MODELS, OTHER
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
_FAMILIES = {"4-": "GPT-4", "3.5-turbo-": "GPT-3.5-Turbo"}


def render_apis(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 2 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, apis_tabular(cells, printed, labels_of(titles, acquired)["wildchat"]))


def apis_tabular(cells: list[Cell], printed: Printed, label: str) -> str:
    """Return the LaTeX tabular; models beyond the paper's are taken together, if there are any.

    `label` is the name of the data set, as LaTeX.
    """
    found = {cell.row: cell for cell in cells}
    columns = list(MODELS.values())
    if OTHER in found and found[OTHER].value:
        columns.append(OTHER)
    claims = [printed.get(f"table-02.{column}") for column in columns]
    lines = three_lines(label, [found.get(column) for column in columns], claims, _DIGITS)
    return tabular("l" + "r" * len(columns), _head(columns), [lines], dagger_note(claims))


def _head(columns: list[str]) -> list[str]:
    """Return two lines: the families of models, and the versions below them."""
    families, rules, start = [], "", 2
    for prefix, title in _FAMILIES.items():
        n = sum(column.startswith(prefix) for column in columns)
        families.append(rf"\multicolumn{{{n}}}{{c}}{{{title}}}")
        rules += rf"\cmidrule(lr){{{start}-{start + n - 1}}}"
        start += n
    versions = [column.partition("turbo-")[2] or column.removeprefix("4-") for column in columns]
    return [line("", families), rules + line("", versions)]
