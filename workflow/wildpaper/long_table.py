"""The long form in which a table of the paper travels: one line a value, unrounded."""

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import write_text

COLUMNS = ("row", "column", "value", "ci_low", "ci_high", "n", "unit", "claim", "route")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table.

    Attributes
    ----------
    row, column : str
        Where it stands in the paper's table, as slugs.
    value : int, float, str or None
        Unrounded; None where the data cannot give it.
    ci_low, ci_high : float or None
        95 % interval, where one is computed.
    n : int or None
        How many units `value` is taken over.
    unit, claim, route : str
        Unit in words, id of the claim that it answers (or empty), where it came from.
    """

    row: str
    column: str
    value: int | float | str | None
    ci_low: float | None
    ci_high: float | None
    n: int | None
    unit: str
    claim: str
    route: str


def write_long_table(path: Path, cells: list[Cell]) -> None:
    """Write cells as CSV; floats in their shortest exact form, None as an empty field."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in cells:
        values = (getattr(cell, name) for name in COLUMNS)
        writer.writerow(["" if value is None else _text(value) for value in values])
    write_text(path, buffer.getvalue())


def _text(value: float | str) -> str:
    return str(value)


def read_long_table(path: Path) -> list[Cell]:
    """Read what `write_long_table` wrote.

    Raises
    ------
    WildpaperError
        If the columns are not those of a long table; names the file.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise WildpaperError(
                f"Not a long table: its columns are {reader.fieldnames}",
                where=str(path),
                hint=f"Expected {', '.join(COLUMNS)}.",
            )
        return [
            Cell(
                row=line["row"],
                column=line["column"],
                value=_value(line["value"]),
                ci_low=_float(line["ci_low"]),
                ci_high=_float(line["ci_high"]),
                n=int(line["n"]) if line["n"] else None,
                unit=line["unit"],
                claim=line["claim"],
                route=line["route"],
            )
            for line in reader
        ]


def _float(text: str) -> float | None:
    return float(text) if text else None


def _value(text: str) -> int | float | str | None:
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
