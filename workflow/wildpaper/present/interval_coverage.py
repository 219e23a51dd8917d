"""What intervals truly cover, as a table: those printed, beside those of plain percentiles."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.interval_coverage import HEAVY
from wildpaper.present.tabular import GREY, copy_cells, interval, line, tabular
from wildpaper.tex import escape, number

_HELD = "Percent that hold the true value"
_NOTE = (
    r"small: 95\,\% intervals over samples; "
    "width: median, in widths of the percentile interval"
)
_HEADINGS = ("Variation", r"\multicolumn{2}{c}{Ours}", r"\multicolumn{2}{c}{Percentiles}", "Width")
_N_COLUMNS = 7
_DATASETS = {
    "wildchat": "WildChat",
    "lmsys_chat_1m": "LMSYS-Chat-1M",
    "sharegpt": "ShareGPT",
    "dolly": "Dolly",
    "alpaca": "Alpaca",
}
_VALUES = {
    "turns": "turns",
    "user-tokens": "user messages",
    "chatbot-tokens": "chatbot messages",
    "short-user-tokens": "short user messages",
    "short-chatbot-tokens": "short chatbot messages",
}
SHARES = {
    "table-02": "Table 2, models",
    "table-03": "Table 3, countries",
    "table-05": "Table 5, languages",
    "table-06": "Table 6, flagged messages",
    "figure-02a": "Figure 2a, turns",
    "table-03-people": "Table 3, persons known",
    "table-05-people": "Table 5, persons known",
}
_STD = "-std"

Found = dict[tuple[str, str], Cell]


def render_interval_coverage(measured: Path, csv: Path, tex: Path) -> None:
    """Write the coverage of intervals as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.interval_coverage`.
    csv, tex : Path
        To write.
    """
    write_text(tex, coverage_tabular(copy_cells(measured, csv)))


def coverage_tabular(cells: list[Cell]) -> str:
    """Return the LaTeX tabular: heavy-tailed means by name, tables of shares, deviations, all."""
    found = {(cell.row, cell.column): cell for cell in cells}
    heavy = [
        cell.row
        for cell in cells
        if cell.column == "variation" and isinstance(cell.value, float) and cell.value > HEAVY
    ]
    means = [_line(title_of(row), row, found) for row in heavy]
    means += [_line("Heavy-tailed, together", "heavy-tailed", found)] if heavy else []
    means.append(_line("All other means", "other-means", found))
    shares = [_line(title, row, found) for row, title in SHARES.items()]
    deviations = [_line(title_of(row), row + _STD, found) for row in heavy]
    deviations.append(_line("All, other ones too", "deviations", found))
    pooled = [
        _line(title, row, found)
        for row, title in (
            ("means", "All means"),
            ("shares", "All shares"),
            ("pooled", "All means and shares"),
        )
    ]
    groups = [
        [_heading("Means"), *means],
        [_heading("Shares"), *shares],
        [_heading("Standard deviations (no interval is printed)"), *deviations],
        [_heading("Together"), *pooled],
    ]
    above = rf" & & \multicolumn{{4}}{{c}}{{{_HELD}}} &"
    head = [above, rf"\cmidrule(lr){{3-6}} {line('', _HEADINGS)}"]
    return tabular("l" + "r" * (_N_COLUMNS - 1), head, groups, _NOTE)


def title_of(row: str) -> str:
    """Return the name of a mean in words, as LaTeX."""
    dataset, _, value = row.partition("-")
    return escape(f"{_DATASETS.get(dataset, dataset)}, {_VALUES.get(value, value)}")


def _heading(title: str) -> str:
    return rf"\multicolumn{{{_N_COLUMNS}}}{{@{{}}l}}{{{title}}}"


def _line(title: str, row: str, found: Found) -> str:
    variation, ratio = (found.get((row, name)) for name in ("variation", "width-ratio"))
    parts = [number(variation.value, 1) if variation else ""]
    for column in ("coverage", "percentile-coverage"):
        cell = found[row, column]
        ends = interval(cell, 1)
        parts += [number(cell.value, 1), GREY + ends if ends else ""]
    parts.append(number(ratio.value, 2) if ratio else "")
    return line(rf"\quad {title}", parts)
