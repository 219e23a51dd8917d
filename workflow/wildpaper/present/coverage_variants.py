"""Table of the ways to state the loss of the coverage matrix."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.coverage.losses import VARIANTS
from wildpaper.measure.coverage.variants import GUESS
from wildpaper.present.tabular import GREY, INTERVAL, copy_cells, interval, line, tabular
from wildpaper.tex import number

_LABELS = {
    "tokens-with-end": "Per token, with the end",
    "tokens": "Per token",
    "bits-per-character": "Bits per character",
    "length-matched": "Per token, one length",
}
_COLUMNS = {
    "smallest": ("Smallest", 2),
    "largest": ("Largest", 2),
    "above-uniform": ("Above a guess", 0),
    "diagonal-lowest": ("Diagonal lowest", 0),
    "spearman": (r"Spearman", 2),
    "kendall": (r"Kendall", 2),
}


def render_coverage_variants(measured: Path, csv: Path, tex: Path) -> None:
    """Write the table as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.coverage.variants`.
    csv, tex : Path
        To write.
    """
    write_text(tex, variants_tabular(copy_cells(measured, csv)))


def variants_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular: a line a variant; intervals of the agreement below it."""
    found = {(cell.row, cell.column): cell for cell in cells}
    groups = []
    for variant in VARIANTS:
        own = [found.get((variant, column)) for column in _COLUMNS]
        digits = [decimals for _, decimals in _COLUMNS.values()]
        parts = [_value(cell, decimals) for cell, decimals in zip(own, digits, strict=True)]
        lines = [line(_LABELS[variant], parts)]
        intervals = [interval(cell, 2) for cell in own]
        if any(intervals):
            lines.append(line(INTERVAL, intervals, GREY))
        groups.append(lines)
    head = line("Loss", [title for title, _ in _COLUMNS.values()])
    guess = found.get((GUESS, "nats"))
    note = "Guess: uniform over the vocabulary"
    if guess:
        note += f" ({number(guess.value, 2)} nats per token)"
    note += ". Rank agreement: with the published matrix."
    return tabular("lrrrrrr", [head], groups, note)


def _value(cell: Cell | None, digits: int) -> str:
    if cell is None:
        return "--"
    if cell.column in ("above-uniform", "diagonal-lowest"):
        return f"{number(cell.value)} of {number(cell.n)}"
    return number(cell.value, digits)
