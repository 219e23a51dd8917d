"""Table of the likelihood stand-in judge."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.present.tabular import copy_cells
from wildpaper.tex import escape, number

_MEANS = (
    ("nll", "nats per token"),
    ("nll-with-end", "with end tokens"),
    ("bits-per-character", "bits per character"),
)
_OUTCOMES = (("win", "wins"), ("tie", "ties"), ("loss", "losses"))
_GREY = r"\color{wpgrey}\footnotesize "


def render_likelihood_judge(measured: Path, csv: Path, tex: Path, titles: dict[str, str]) -> None:
    """Write the table as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of the measure stage.
    csv, tex : Path
        To write.
    titles : dict
        {model: title}.
    """
    cells = copy_cells(measured, csv)
    write_text(tex, judge_tabular(cells, titles))


def judge_tabular(cells: list[Cell], titles: dict[str, str]) -> str:
    """Return the LaTeX tabular: the mean surprise of each model, then pairs of models."""
    rows: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.row, {})[cell.column] = cell
    models = {name: own for name, own in rows.items() if "nll" in own}
    pairs = {name: own for name, own in rows.items() if "win" in own}
    lines = [r"\begin{tabular}{@{}lrrr@{}}", r"\toprule"]
    lines.append(" & ".join(["Model", *(title for _, title in _MEANS)]) + r" \\")
    lines.append(r"\midrule")
    for name, own in models.items():
        lines += _row(escape(titles.get(name, name)), own, _MEANS, 2)
    if pairs:
        lines += [r"\midrule"]
        lines += [" & ".join(["Pair", *(title for _, title in _OUTCOMES)]) + r" \\", r"\midrule"]
    for name, own in pairs.items():
        first, _, second = name.partition("-vs-")
        label = f"{titles.get(first, first)} against {titles.get(second, second)}"
        lines.append(rf"\multicolumn{{4}}{{@{{}}l}}{{{escape(label)}}} \\")
        lines += _row(r"\quad percent of conversations", own, _OUTCOMES, 1)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _row(
    label: str, own: dict[str, Cell], columns: tuple[tuple[str, str], ...], decimals: int
) -> list[str]:
    """Return the line of values and, where there are any, the line of intervals."""
    cells = [own[column] for column, _ in columns]
    values = [number(cell.value, decimals) for cell in cells]
    lines = [" & ".join([label, *values]) + r" \\"]
    if any(cell.ci_low is not None for cell in cells):
        intervals = [
            f"{_GREY}{number(cell.ci_low, decimals)} to {number(cell.ci_high, decimals)}"
            for cell in cells
        ]
        lines.append(" & ".join([rf"{_GREY}\quad 95\,\% interval", *intervals]) + r" \\")
    return lines
