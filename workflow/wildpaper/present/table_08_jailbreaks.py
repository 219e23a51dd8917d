"""Table 8: a line a family of jailbreak prompts, each value above the published one."""

from pathlib import Path

from wildpaper.annotate.jailbreaks.patterns import read_families
from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.present.tabular import (
    FAINT,
    GREY,
    PUBLISHED,
    Printed,
    as_printed,
    interval,
    labels_of,
    line,
    read_inputs,
    tabular,
)
from wildpaper.tex import escape, number

_PERCENT = r"95\,\% interval"
_HEADINGS = ("occurrences", "users", "success", _PERCENT, "of users", _PERCENT)
_DIGITS = 2


def render_jailbreaks(
    measured: Path,
    published: Path,
    acquired: list[Path],
    patterns: Path,
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 8 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    patterns : Path
        ``data/jailbreaks.yaml``, which names the families.
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    label = labels_of(titles, acquired)["wildchat"]
    write_text(tex, jailbreaks_tabular(cells, printed, label, read_families(patterns)))


def jailbreaks_tabular(
    cells: list[Cell], printed: Printed, label: str, names: dict[str, str]
) -> str:
    """Return the LaTeX tabular.

    Success is shown over occurrences, as in the paper, and over users: of how many a reply
    was flagged at all.

    Parameters
    ----------
    cells : list of Cell
    printed : mapping
        {claim id: published claim}.
    label : str
        Name of the data set, as LaTeX.
    names : dict
        {family: its name}.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    groups = [_lines(family, name, found, printed) for family, name in names.items()]
    return tabular("lrrrrrr", [line(label, _HEADINGS)], groups, "")


def _lines(
    family: str, name: str, found: dict[tuple[str, str], Cell], printed: Printed
) -> list[str]:
    values = [number(found[family, column].value) for column in ("occurrences", "users")]
    for column in ("success", "user-success"):
        ends = interval(found[family, column], _DIGITS)
        values += [number(found[family, column].value, _DIGITS), GREY + ends if ends else ""]
    theirs = [
        as_printed(printed.get(f"table-08.{family}.{column}"), digits)
        for column, digits in (("occurrences", 0), ("users", 0), ("success", _DIGITS))
    ]
    return [line(escape(name), values), line(PUBLISHED, [*theirs, "", "", ""], FAINT)]
