"""Table 10: pairs of models, comparisons beside games, above the published rows."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.mtbench.pairs import OUTCOMES, PUBLISHED_PAIRS
from wildpaper.present.mtbench_scores import PUBLISHED_TITLES, known_rows
from wildpaper.present.tabular import (
    FAINT,
    GREY,
    Printed,
    as_printed,
    dagger_note,
    interval,
    line,
    read_inputs,
    tabular,
)
from wildpaper.tex import escape, number

_HEADINGS = ("wins", "ties", "losses", "win rate", "bias")
_DIGITS = 2
_KINDS = (
    (r"\quad comparisons", (*OUTCOMES, "", "position-bias")),
    (r"\quad games, both orders", (*(f"games-{o}" for o in OUTCOMES), "win-rate", "")),
)
"""A line a unit: the columns of its cells, empty where it has none."""


def render_pairs(
    measured: Path, published: Path, csv: Path, tex: Path, titles: dict[str, str]
) -> None:
    """Write Table 10 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, csv, tex, titles
        See `wildpaper.present.mtbench_scores.render_scores`.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, pairs_tabular(cells, printed, titles))


def pairs_tabular(cells: list[Cell], printed: Printed, titles: dict[str, str]) -> str:
    """Return the LaTeX tabular: pairs of the run in both units, then the published ones."""
    found = known_rows(cells)
    groups = [_lines(_title(row, titles), own) for row, own in found.items()]
    claims = {
        f"{a}-vs-{b}": [printed.get(f"table-10.{a}-vs-{b}.{outcome}") for outcome in OUTCOMES]
        for a, b in PUBLISHED_PAIRS
    }
    theirs = [
        line(
            _title(row, PUBLISHED_TITLES),
            [*(as_printed(c, _DIGITS) for c in own), "", ""],
            FAINT,
        )
        for row, own in claims.items()
        if any(own)
    ]
    if theirs:
        heading = r"\multicolumn{6}{@{}l}{\itshape Published, percent of comparisons}"
        groups.append([heading, *theirs])
    note = dagger_note(claim for own in claims.values() for claim in own)
    return tabular("lrrrrr", [line("Pair", _HEADINGS)], groups, note)


def _title(row: str, titles: dict[str, str]) -> str:
    first, _, second = row.partition("-vs-")
    return escape(f"{titles.get(first, first)} against {titles.get(second, second)}")


def _lines(title: str, own: dict[str, Cell]) -> list[str]:
    """Return a line a unit, each with the intervals below it."""
    lines = [rf"\multicolumn{{6}}{{@{{}}l}}{{{title}}}"]
    for label, columns in _KINDS:
        row = [own.get(column) for column in columns]
        lines.append(line(label, (number(c.value, _DIGITS) if c else "" for c in row)))
        intervals = [interval(cell, 1) for cell in row]
        if any(intervals):
            lines.append(line(r"\qquad 95\,\% interval", intervals, GREY))
    return lines
