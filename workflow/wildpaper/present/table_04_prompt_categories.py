"""Table 4, upright: a line a category, with what the share depends on beside it."""

from collections.abc import Mapping
from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.table_04_prompt_categories import CATEGORIES, N_PARTS, OTHER
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

_DIGITS = 1
_HEADINGS = ("obtained", r"95\,\% interval", "published", "fifths", "confident")

Found = Mapping[tuple[str, str], Cell]


def render_prompt_categories(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 4 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    label = labels_of(titles, acquired)["wildchat"]
    write_text(tex, prompt_categories_tabular(cells, printed, label))


def prompt_categories_tabular(cells: list[Cell], printed: Printed, label: str) -> str:
    """Return the LaTeX tabular: the paper's categories, then all others together.

    `label` is the name of the data set, as LaTeX.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    claims = {slug: printed.get(f"table-04.{slug}") for slug in CATEGORIES}
    upper = [_line(slug, found, as_printed(claim, _DIGITS)) for slug, claim in claims.items()]
    notes = [_sampled(found), dagger_note(claims.values())]
    return tabular(
        "lrrrrr",
        [line(label, _HEADINGS)],
        [upper, [_line(OTHER, found, "")]],
        "; ".join(note for note in notes if note),
    )


def _line(slug: str, found: Found, published: str) -> str:
    share, lowest, highest, confident = (
        found.get((slug, column))
        for column in ("percent", "lowest-fifth", "highest-fifth", "confident")
    )
    title = slug.replace("-", " ").capitalize()
    ends = interval(share, _DIGITS)
    fifths = ""
    if lowest and highest:
        fifths = f"{number(lowest.value, _DIGITS)}--{number(highest.value, _DIGITS)}"
    parts = [number(share.value if share else None, _DIGITS)]
    parts += [GREY + ends if ends else "", FAINT + published if published else "", fifths]
    parts.append(number(confident.value if confident else None, _DIGITS))
    return line(escape(title), parts)


def _sampled(found: Found) -> str:
    """Return how many prompts the columns are taken over, as LaTeX."""
    sizes = {column: cell.value for (row, column), cell in found.items() if row == "sample"}
    n = int(sizes.get("prompts") or 0)
    if not n:
        return ""
    about = "about " if n % N_PARTS else ""
    return (
        f"{number(n)} of {number(sizes['english-first-prompts'])} first prompts in English, "
        f"{number(sizes['confident'])} of them confident; fifths of {about}{number(n // N_PARTS)}"
    )
