"""The table on the agreement of Detoxify and the moderation labels, by data set and role."""

from collections.abc import Mapping
from pathlib import Path

from wildpaper.config import DATASETS
from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.classifier_agreement import (
    ARTIFACT,
    CONFUSION,
    EQUAL_KAPPA,
    EQUAL_THRESHOLD,
    KAPPA,
    NEGATIVE,
    POSITIVE,
)
from wildpaper.measure.toxicity.judged import ROLES
from wildpaper.present.tabular import GREY, copy_cells, interval, labels_of, line, tabular
from wildpaper.tex import blank, number

_GROUPS = {
    r"flagged by, \%": {
        "both": ("both", 2),
        "only-detoxify": ("only D.", 2),
        "only-moderation": ("only M.", 2),
    },
    r"agreement, \%": {POSITIVE: ("flags", 1), NEGATIVE: ("none", 1)},
    "": {KAPPA: (r"$\kappa$", 2)},
    "equal shares": {EQUAL_THRESHOLD: ("above", 3), EQUAL_KAPPA: (r"$\kappa$", 2)},
}
"""{heading: {column: (its own heading, digits after the point)}}.

What neither flags is in the CSV only."""

_COLUMNS = {name: spec for columns in _GROUPS.values() for name, spec in columns.items()}
_NOTHING = "no message of this run has both labels"


def render_classifier_agreement(
    measured: Path, acquired: list[Path], csv: Path, tex: Path, titles: dict[str, str]
) -> None:
    """Write the agreement of the classifiers as CSV (long form, unrounded) and as a tabular.

    Where no message has both labels, the tabular is a labelled blank.

    Parameters
    ----------
    measured, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells = copy_cells(measured, csv)
    if not any(cell.n for cell in cells):
        write_text(tex, blank(ARTIFACT, _NOTHING))
        return
    write_text(tex, classifier_agreement_tabular(cells, labels_of(titles, acquired)))


def classifier_agreement_tabular(cells: list[Cell], labels: Mapping[str, str]) -> str:
    """Return the LaTeX tabular: for each data set a line a role with its intervals below.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.classifier_agreement`.
    labels : mapping
        {data set: its name as LaTeX}.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    groups = []
    for name in DATASETS:
        rows = {role: f"{name} {role}" for role in ROLES}
        lines = [
            text
            for role, row in rows.items()
            if (row, CONFUSION[0]) in found and found[row, CONFUSION[0]].n
            for text in _lines(role, {c: found[row, c] for c in _COLUMNS})
        ]
        if lines:
            title = rf"\multicolumn{{{len(_COLUMNS) + 2}}}{{@{{}}l}}{{{labels[name]}}}"
            groups.append([title, *lines])
    above = [rf"\multicolumn{{{len(part)}}}{{c}}{{{title}}}" for title, part in _GROUPS.items()]
    rules, first = [], 3
    for title, part in _GROUPS.items():
        if title:
            rules.append(rf"\cmidrule(lr){{{first}-{first + len(part) - 1}}}")
        first += len(part)
    own = "".join(rules) + line("", ["$n$", *(heading for heading, _ in _COLUMNS.values())])
    return tabular("l" + "r" * (len(_COLUMNS) + 1), [line("", ["", *above]), own], groups, "")


def _lines(role: str, row: Mapping[str, Cell]) -> list[str]:
    n = number(row[CONFUSION[0]].n)
    values = [number(row[name].value, digits) for name, (_, digits) in _COLUMNS.items()]
    ends = [interval(row[name], digits) for name, (_, digits) in _COLUMNS.items()]
    lines = [line(rf"\quad {role}", [n, *values])]
    if any(ends):
        lines.append(line("", ["", *ends], GREY))
    return lines
