"""Table 8: a line a family of jailbreak prompts, each value above the published one."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.table_08_jailbreaks import FAMILIES
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
from wildpaper.tex import number

NAMES = dict(
    zip(
        FAMILIES,
        ("Narotica", "Do Anything Now", "NsfwGPT", "EroticaChan", "4chan user", "AlphaBreak",
         "JailMommy"),
        strict=True,
    )
)  # fmt: skip
_HEADINGS = ("occurrences", "users", "success", r"95\,\% interval")
_DIGITS = 2


def render_jailbreaks(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 8 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, jailbreaks_tabular(cells, printed, labels_of(titles, acquired)["wildchat"]))


def jailbreaks_tabular(cells: list[Cell], printed: Printed, label: str) -> str:
    """Return the LaTeX tabular; `label` is the name of the data set, as LaTeX."""
    found = {(cell.row, cell.column): cell for cell in cells}
    groups = [_lines(family, found, printed) for family in FAMILIES]
    return tabular("lrrrr", [line(label, _HEADINGS)], groups, "")


def _lines(family: str, found: dict[tuple[str, str], Cell], printed: Printed) -> list[str]:
    success = found[family, "success"]
    values = [
        number(found[family, "occurrences"].value),
        number(found[family, "users"].value),
        number(success.value, _DIGITS),
        GREY + interval(success, _DIGITS) if success.ci_low is not None else "",
    ]
    theirs = [
        as_printed(printed.get(f"table-08.{family}.{column}"), digits)
        for column, digits in (("occurrences", 0), ("users", 0), ("success", _DIGITS))
    ]
    return [line(NAMES[family], values), line(PUBLISHED, [*theirs, ""], FAINT)]
