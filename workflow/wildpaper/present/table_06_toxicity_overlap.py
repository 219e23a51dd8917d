"""Table 6 in the paper's layout: a row a role, a column a classifier."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.judged import JUDGED, ROLES
from wildpaper.present.tabular import (
    Printed,
    dagger_note,
    labels_of,
    line,
    read_inputs,
    tabular,
    three_lines,
)

_DIGITS = 2
_HEADINGS = {
    "detoxify": "Detoxify",
    "moderation": "OpenAI Moderation",
    "either": "either",
    "both": "both",
}


def render_toxicity_overlap(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 6 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    label = labels_of(titles, acquired)["wildchat"]
    write_text(tex, toxicity_overlap_tabular(cells, printed, label))


def toxicity_overlap_tabular(cells: list[Cell], printed: Printed, label: str) -> str:
    """Return the LaTeX tabular; `label` is the name of the data set, as LaTeX."""
    found = {(cell.row, cell.column): cell for cell in cells}
    claims = {
        (role, name): printed.get(f"table-06.{role}.{name}") for role in ROLES for name in JUDGED
    }
    groups = [
        three_lines(
            role.capitalize(),
            [found.get((role, name)) for name in JUDGED],
            [claims[role, name] for name in JUDGED],
            _DIGITS,
        )
        for role in ROLES
    ]
    head = line(label, [_HEADINGS[name] for name in JUDGED])
    return tabular("l" + "r" * len(JUDGED), [head], groups, dagger_note(claims.values()))
