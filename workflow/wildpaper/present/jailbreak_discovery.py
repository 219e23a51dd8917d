"""The prompts that users share: a line a cluster, by users, and by flag rate."""

from pathlib import Path

from wildpaper.annotate.jailbreaks.patterns import read_families
from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.jailbreak_discovery import BY_FLAG_RATE, MOST_LISTED
from wildpaper.present.tabular import GREY, copy_cells, interval, labels_of, line, tabular
from wildpaper.tex import escape, number

_HEADINGS = (
    "users", "messages", "months", "length", r"flagged, \%", r"95\,\% interval",
    r"family (\%)",
)  # fmt: skip
_TYPES = "lrrrrrrl"
_MOST_BY_RATE = 10
_DIGITS = 1


def render_discovery(
    measured: Path,
    acquired: list[Path],
    patterns: Path,
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write the table as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.toxicity.jailbreak_discovery`.
    patterns : Path
        ``data/jailbreaks.yaml``, which names the families.
    acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells = copy_cells(measured, csv)
    label = labels_of(titles, acquired)["wildchat"]
    write_text(tex, discovery_tabular(cells, label, read_families(patterns)))


def discovery_tabular(cells: list[Cell], label: str, names: dict[str, str]) -> str:
    """Return the LaTeX tabular: the list by users, and below it that by flag rate.

    The second is left out where it could only repeat the first.

    Parameters
    ----------
    cells : list of Cell
    label : str
        Name of the data set, as LaTeX.
    names : dict
        {family: its name}.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    clusters = found["all", "clusters"].value
    head = [line("", _HEADINGS)]
    if not clusters:
        return tabular(_TYPES, head, [[_across(f"{label}: no prompt that so many share")]], "")
    lists = [_block(f"{label}, by number of users", "", MOST_LISTED, found, names)]
    if isinstance(clusters, int) and clusters > MOST_LISTED:
        title = f"{label}, by flag rate"
        lists.append(_block(title, BY_FLAG_RATE, _MOST_BY_RATE, found, names))
    note = f"{number(clusters)} prompts in all; length: characters of the median message"
    return tabular(_TYPES, head, lists, note)


def _across(text: str) -> str:
    return rf"\multicolumn{{{len(_TYPES)}}}{{@{{}}l}}{{\itshape {text}}}"


def _block(
    title: str, begins: str, most: int, found: dict[tuple[str, str], Cell], names: dict[str, str]
) -> list[str]:
    lines = [_across(title)]
    for i in range(1, most + 1):
        row = f"{begins}{i}"
        if (row, "users") in found:
            own = {column: cell for (at, column), cell in found.items() if at == row}
            lines.append(line(str(i), _parts(own, names)))
    return lines


def _parts(own: dict[str, Cell], names: dict[str, str]) -> list[str]:
    counts = [number(own[c].value) for c in ("users", "messages", "months", "characters")]
    ends = interval(own["flagged"], _DIGITS)
    name = names.get(str(own["family"].value))
    named = f"{escape(name)} ({number(own['named'].value, 0)})" if name else "--"
    rate = number(own["flagged"].value, _DIGITS)
    return [*counts, rate, GREY + ends if ends else "", named]
