"""Tables of a run, laid out for a page: a column a quantity, each value with its interval."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.long_table import Cell, read_long_table
from wildpaper.publish.claims_md import format_published, format_value
from wildpaper.publish.report.claims import show

_MOST_COLUMNS = 9
_LEAST_FILLED = 0.3


@dataclass(frozen=True, slots=True)
class Shown:
    """One value of a table as text; `claim` is the id of a published one that it answers."""

    value: str
    interval: str
    n: str
    unit: str
    claim: str
    published: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A column or row: its name, and the unit of all its values if they share one."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings of its columns, and rows with theirs; None where there is no value."""

    headings: list[Heading]
    rows: list[tuple[Heading, list[Shown | None]]]


def read_grid(path: Path, claims: dict[str, dict[str, Any]]) -> Grid | None:
    """Lay out a long table; None if it has no values.

    One with many columns and fewer rows is turned, so that it fits a page; one of which most
    fields would be empty has a value a row.

    Parameters
    ----------
    path : Path
        A long table.
    claims : dict
        {id: claim} of claims.json; published values stand beside those obtained.
    """
    cells = [cell for cell in read_long_table(path) if cell.value is not None]
    if not cells:
        return None
    rows = list(dict.fromkeys(cell.row for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    if len(cells) < _LEAST_FILLED * len(rows) * len(columns):
        return Grid([Heading("value")], [_alone(cell, claims) for cell in cells])
    at = {(cell.row, cell.column): cell for cell in cells}
    units = {name: {cell.unit for cell in cells if cell.column == name} for name in columns}
    down = [Heading(row) for row in rows]
    across = [_heading(name, units[name]) for name in columns]
    found = {
        key: _shown(cell, claims, own_unit=len(units[cell.column]) > 1) for key, cell in at.items()
    }
    if _MOST_COLUMNS < len(columns) > len(rows):
        turned = [[found.get((row, column)) for row in rows] for column in columns]
        return Grid(down, list(zip(across, turned, strict=True)))
    laid = [[found.get((row, column)) for column in columns] for row in rows]
    return Grid(across, list(zip(down, laid, strict=True)))


def _heading(name: str, units: set[str]) -> Heading:
    return Heading(name.replace("-", " "), next(iter(units)) if len(units) == 1 else "")


def _alone(cell: Cell, claims: dict[str, dict[str, Any]]) -> tuple[Heading, list[Shown | None]]:
    """Return a row of one value, named by its row and column."""
    name = f"{cell.row}: {cell.column.replace('-', ' ')}"
    return Heading(name), [_shown(cell, claims, own_unit=True)]


def _shown(cell: Cell, claims: dict[str, dict[str, Any]], *, own_unit: bool) -> Shown:
    claim = claims.get(cell.claim, {})
    tolerance = claim.get("tolerance")
    both = cell.ci_low is not None and cell.ci_high is not None
    ends = [format_value(end, tolerance) for end in (cell.ci_low, cell.ci_high)]
    published = claim.get("kind") == "published"
    return Shown(
        value=show(cell.value, format_value(cell.value, tolerance)),
        interval=f"{ends[0]} to {ends[1]}" if both else "",
        n="" if cell.n is None else f"{cell.n:,}",
        unit=cell.unit if own_unit else "",
        claim=cell.claim if published else "",
        published=show(claim["published"], format_published(claim)) if published else "",
    )
