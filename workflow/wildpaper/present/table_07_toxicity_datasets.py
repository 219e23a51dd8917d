"""Table 7: a part a role, a row a data set, a column a classifier."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.judged import ROLES
from wildpaper.measure.toxicity.table_07_toxicity_datasets import UNITS
from wildpaper.present.tabular import (
    Printed,
    dagger_note,
    labels_of,
    line,
    read_inputs,
    tabular,
    three_lines,
)

ORDER = ("alpaca", "dolly", "open_assistant", "sharegpt", "lmsys_chat_1m", "wildchat")
"""The rows in the order of the paper."""

_DIGITS = 2
_HEADINGS = {
    "moderation": "OpenAI Moderation",
    "detoxify": "Detoxify",
    "either": "either",
    "both": "both",
}


def render_toxicity_datasets(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 7 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, toxicity_datasets_tabular(cells, printed, labels_of(titles, acquired)))


def toxicity_datasets_tabular(cells: list[Cell], printed: Printed, labels: dict[str, str]) -> str:
    """Return the LaTeX tabular; published values stand below the moderation labels'.

    `labels` are the names of the data sets, as LaTeX.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    claims = {(role, row): printed.get(f"table-07.{row}.{role}") for role in ROLES for row in ORDER}
    groups = []
    for role in ROLES:
        heading = rf"\multicolumn{{{1 + len(UNITS)}}}{{@{{}}l}}{{\textit{{{role.capitalize()}}}}}"
        for row in ORDER:
            lines = three_lines(
                labels[row],
                [found.get((row, f"{role}.{judgment}")) for judgment in UNITS],
                [claims[role, row], *[None] * (len(UNITS) - 1)],
                _DIGITS,
            )
            groups.append(lines if row != ORDER[0] else [heading, *lines])
    head = line("Data set", [_HEADINGS[judgment] for judgment in UNITS])
    return tabular("l" + "r" * len(UNITS), [head], groups, dagger_note(claims.values()))
