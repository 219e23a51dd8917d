"""Recorded and computed scores side by side: a line a group of messages."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.recorded_scores import (
    AGREEMENT,
    ARTIFACT,
    GROUPS,
    KAPPA,
    LARGEST,
    MEAN,
    SPEARMAN,
    TRUNCATED,
)
from wildpaper.present.tabular import GREY, copy_cells, interval, labels_of, line, tabular
from wildpaper.tex import blank, number

NAMES = {
    "all": "all messages",
    "unredacted": r"\quad unredacted",
    "redacted": r"\quad redacted",
}
_HEADINGS = (
    "$n$", r"same side, \%", r"95\,\% interval", r"$\kappa$", r"$\rho$", "mean diff.",
    "largest", r"cut, \%",
)  # fmt: skip
_NOTHING = "no data set of this run has both recorded and computed scores"


def render_recorded_scores(
    measured: Path, acquired: list[Path], csv: Path, tex: Path, titles: dict[str, str]
) -> None:
    """Write the comparison as CSV (long form, unrounded) and as a LaTeX tabular.

    Where there is nothing to compare, the tabular is a labelled blank.

    Parameters
    ----------
    measured, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells = copy_cells(measured, csv)
    if not any(cell.column.endswith(AGREEMENT) and cell.value is not None for cell in cells):
        write_text(tex, blank(ARTIFACT, _NOTHING))
        return
    write_text(tex, recorded_scores_tabular(cells, labels_of(titles, acquired)))


def recorded_scores_tabular(cells: list[Cell], labels: dict[str, str]) -> str:
    """Return the LaTeX tabular; `labels` are the names of the data sets, as LaTeX."""
    found = {(cell.row, cell.column): cell for cell in cells}
    groups = []
    for dataset in dict.fromkeys(cell.row for cell in cells):
        title = rf"\multicolumn{{{1 + len(_HEADINGS)}}}{{@{{}}l}}{{{labels[dataset]}}}"
        own = [group for group in GROUPS if (dataset, f"{group}.{AGREEMENT}") in found]
        groups.append([title, *(_line(dataset, group, found) for group in own)])
    head = line("", _HEADINGS)
    return tabular("l" + "r" * len(_HEADINGS), [head], groups, "")


def _line(dataset: str, group: str, found: dict[tuple[str, str], Cell]) -> str:
    own = {
        name: found[dataset, f"{group}.{name}"]
        for name in (AGREEMENT, KAPPA, SPEARMAN, MEAN, LARGEST, TRUNCATED)
    }
    ends = interval(own[AGREEMENT], 2)
    parts = [
        number(own[AGREEMENT].n),
        number(own[AGREEMENT].value, 2),
        GREY + ends if ends else "",
        number(own[KAPPA].value, 3),
        number(own[SPEARMAN].value, 3),
        _small(own[MEAN].value),
        _small(own[LARGEST].value),
        number(own[TRUNCATED].value, 2),
    ]
    return line(rf"\quad {NAMES[group]}", parts)


def _small(value: float | str | None) -> str:
    """Return a difference with four digits; what is smaller in powers of ten."""
    if not isinstance(value, float) or value == 0 or abs(value) >= 5e-5:
        return number(value, 4)
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return rf"${mantissa}\times10^{{{int(exponent)}}}$"
