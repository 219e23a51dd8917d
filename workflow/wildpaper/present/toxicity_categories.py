"""Tables by category of toxicity: a row a data set, whatever the shares are of."""

from collections.abc import Mapping

from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.category_shares import UNITS
from wildpaper.present.table_07_toxicity_datasets import ORDER
from wildpaper.present.tabular import (
    Printed,
    dagger_note,
    line,
    tabular,
    three_lines,
)
from wildpaper.tex import number

_DIGITS = 2


def categories_tabular(
    cells: list[Cell],
    printed: Printed,
    labels: Mapping[str, str],
    headings: Mapping[str, str],
    prefix: str,
) -> str:
    """Return the LaTeX tabular: the configured shares, then those of other units, in percent.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.category_shares.category_cells`.
    printed : mapping
        {claim id: published claim}.
    labels : mapping
        {data set: its name as LaTeX}.
    headings : mapping
        {category: heading}.
    prefix : str
        Of the published claims.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    claims = {
        (row, name): printed.get(f"{prefix}.{row}.{name}") for row in ORDER for name in headings
    }
    configured = _configured(cells, headings)
    groups = []
    for row in ORDER:
        theirs = [claims[row, name] for name in headings]
        own = [found.get((row, name)) for name in headings]
        if not any(own) and not any(theirs):
            continue
        lines = three_lines(labels[row], own, theirs, _DIGITS)
        others = [_other(row, units, found, headings) for units in UNITS if units != configured]
        at = len(lines) - bool(any(theirs))
        groups.append([*lines[:at], *filter(None, others), *lines[at:]])
    words = UNITS[configured].replace("percent", r"\%")
    head = line(f"Data set, {words}", headings.values())
    return tabular("l" + "r" * len(headings), [head], groups, dagger_note(claims.values()))


def _configured(cells: list[Cell], headings: Mapping[str, str]) -> str:
    """Return what the shares are of that stand in the columns named by a category alone."""
    units = {words: name for name, words in UNITS.items()}
    return next((units[cell.unit] for cell in cells if cell.column in headings), next(iter(UNITS)))


def _other(
    row: str, units: str, found: Mapping[tuple[str, str], Cell], headings: Mapping[str, str]
) -> str:
    """Return the line of shares of other units; empty if no value is known."""
    values = [found.get((row, f"{name}.{units}")) for name in headings]
    if not any(cell and cell.value is not None for cell in values):
        return ""
    label = rf"\quad {UNITS[units].removeprefix('percent ')}"
    return line(label, [number(cell.value if cell else None, _DIGITS) for cell in values])
