"""Mixing and coverage of first prompts as a table: a row a data set compared with WildChat."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.present.tabular import GREY, copy_cells, labels_of, line, tabular
from wildpaper.tex import number

_GROUPS = (
    r"& & \multicolumn{3}{c}{Mixing} & \multicolumn{2}{c}{Covered by WildChat} "
    r"& \multicolumn{2}{c}{Covers WildChat}"
)
_RULES = r"\cmidrule(lr){3-5}\cmidrule(lr){6-7}\cmidrule(l){8-9}" + "\n"
_HEADINGS = ("Prompts", "all", "random", "distinct", r"\%", "random", r"\%", "random")

Found = dict[str, Cell]


def render_overlap(
    measured: Path, acquired: list[Path], csv: Path, tex: Path, titles: dict[str, str]
) -> None:
    """Write the overlap as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.embedding_overlap`.
    acquired : list of Path
        ``acquired.json`` of each data set.
    csv, tex : Path
        To write.
    titles : dict
        {data set: title}.
    """
    cells = copy_cells(measured, csv)
    write_text(tex, overlap_tabular(cells, labels_of(titles, acquired)))


def overlap_tabular(cells: list[Cell], labels: dict[str, str]) -> str:
    """Return the LaTeX tabular: mixing with two decimals, coverage in percent with one.

    Beside each value stands the range that holds 95 % of the values of random labels.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.embedding_overlap`.
    labels : dict
        {data set: its name as LaTeX}.
    """
    rows: dict[str, Found] = {}
    for cell in cells:
        rows.setdefault(cell.row, {})[cell.column] = cell
    lines = [_line(labels[row], found) for row, found in rows.items()]
    head = [_GROUPS, _RULES + line("Data set", _HEADINGS)]
    return tabular("l" + "r" * len(_HEADINGS), head, [lines], _note(rows))


def _line(label: str, found: Found) -> str:
    parts = [number(found["prompts"].value), _value(found, "mixing", 2), _range(found, "mixing", 2)]
    parts.append(_value(found, "mixing-distinct", 2))
    for column in ("covered", "covers"):
        parts += [_value(found, column, 1), _range(found, column, 1)]
    return line(label, parts)


def _value(found: Found, column: str, digits: int) -> str:
    return number(found[column].value if column in found else None, digits)


def _range(found: Found, column: str, digits: int) -> str:
    """Return what random labels give, in grey; empty if none were drawn."""
    ends = [found.get(f"{column}-random-{end}") for end in ("low", "high")]
    values = [number(cell.value, digits) for cell in ends if cell]
    return GREY + "--".join(values) if values else ""


def _note(rows: dict[str, Found]) -> str:
    """Return how many neighbours and permutations there were."""
    neighbours = {
        str(found["neighbours"].value) for found in rows.values() if "neighbours" in found
    }
    drawn = {str(found["mixing-p"].n) for found in rows.values() if "mixing-p" in found}
    parts = [f"{' or '.join(sorted(neighbours))} nearest neighbours"] if neighbours else []
    if drawn:
        parts.append(rf"random: 95\,\% of {drawn.pop()} permutations of the labels")
    return "; ".join(parts)
