r"""What the LaTeX tables share: a value, its interval and the published value, in three lines.

The tables stand in ``paper/``, whose style defines the colour ``wpgrey``.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.publish.published import PublishedClaim, load_published
from wildpaper.releases import Release, read_releases
from wildpaper.tex import escape, number

GREY = r"\color{wpgrey}\footnotesize "
FAINT = r"\color{wpgrey}"
INTERVAL = r"\quad 95\,\% interval"
PUBLISHED = r"\quad published"
DAGGER = r"\rlap{\textsuperscript{\textdagger}}"
_UNSEEN = r"\textsuperscript{\textdagger} recalled, not seen in print"

Printed = Mapping[str, PublishedClaim]


def read_inputs(measured: Path, published: Path, csv: Path) -> tuple[list[Cell], Printed]:
    """Return the cells of a table and {claim id: published claim}; copy the cells to `csv`."""
    cells = copy_cells(measured, csv)
    claims, _ = load_published(published)
    return cells, {claim.id: claim for claim in claims}


def copy_cells(measured: Path, csv: Path) -> list[Cell]:
    """Copy a long table to `csv`, and return its cells."""
    cells = read_long_table(measured)
    write_long_table(csv, cells)
    return cells


def labels_of(titles: dict[str, str], acquired: list[Path]) -> dict[str, str]:
    """Return {data set: its name as LaTeX, marked if the run's release is not the paper's}."""
    releases = read_releases(acquired)
    return {name: label_of(title, releases.get(name)) for name, title in titles.items()}


def label_of(title: str, release: Release | None) -> str:
    """Return the name of a data set as LaTeX, with a mark if it is not the paper's."""
    if release is None or release["comparable"]:
        return escape(title)
    if release["simulated"]:
        return escape(f"{title} (simulated)")
    return escape(title) + r"\textsuperscript{\sffamily n}"


def tabular(columns: str, head: Sequence[str], groups: Iterable[Sequence[str]], note: str) -> str:
    """Return a tabular with rules of booktabs.

    Parameters
    ----------
    columns : str
        Types of the columns; a letter is a column.
    head : sequence of str
        Lines of the head, each without its end.
    groups : iterable of sequences of str
        Lines that belong together, each without its end; there is space between groups.
    note : str
        Below the table; may be empty.
    """
    body = r"\addlinespace".join(
        "".join(f"\n{line} \\\\" for line in group) + "\n" for group in groups
    )
    lines = [rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule"]
    lines += [f"{line} \\\\" for line in head]
    lines += [r"\midrule" + body + r"\bottomrule"]
    if note:
        lines.append(rf"\multicolumn{{{len(columns)}}}{{@{{}}l}}{{{GREY}{note}}} \\")
    return "\n".join([*lines, r"\end{tabular}"]) + "\n"


def three_lines(
    label: str, cells: Sequence[Cell | None], printed: Sequence[PublishedClaim | None], digits: int
) -> list[str]:
    """Return the lines of a row: obtained values, their intervals, published values.

    Parameters
    ----------
    label : str
        LaTeX.
    cells : sequence of Cell or None
        None in every column means that the run does not have the row.
    printed : sequence of PublishedClaim or None
        Column by column; without any there is no such line.
    digits : int
        After the point.
    """
    lines = []
    if any(cells):
        lines.append(line(label, (number(c.value, digits) if c else "--" for c in cells)))
        intervals = [interval(cell, digits) for cell in cells]
        if any(intervals):
            lines.append(line(INTERVAL, intervals, GREY))
    else:
        absent = r"\color{wpgrey}not in this run"
        lines.append(rf"{label} & \multicolumn{{{len(cells)}}}{{l}}{{{absent}}}")
    if any(printed):
        lines.append(line(PUBLISHED, (as_printed(claim, digits) for claim in printed), FAINT))
    return lines


def line(label: str, parts: Iterable[str], style: str = "") -> str:
    """Return a line of a table without its end; `style` goes before each part but empty ones."""
    return " & ".join(style + part if part else "" for part in (label, *parts))


def interval(cell: Cell | None, digits: int, between: str = "--") -> str:
    """Return both ends of a cell's interval; empty if it has none."""
    if cell is None or cell.ci_low is None:
        return ""
    return f"{number(cell.ci_low, digits)}{between}{number(cell.ci_high, digits)}"


def as_printed(claim: PublishedClaim | None, digits: int = 0) -> str:
    """Return a published value with the digits of the paper, and a dagger if unchecked.

    Where the paper has fewer than `digits` after the point, as much blank space follows, so
    that points stand below one another.
    """
    if claim is None:
        return ""
    decimals = claim.decimals or 0
    missing = 0 if isinstance(claim.value, str) else max(digits - decimals, 0)
    point = "." if missing and not decimals else ""
    space = rf"\phantom{{{point}{'0' * missing}}}" if missing else ""
    return number(claim.value, claim.decimals) + space + ("" if claim.checked else DAGGER)


def dagger_note(printed: Iterable[PublishedClaim | None]) -> str:
    """Return what the dagger means; empty if no claim has one."""
    return "" if all(claim is None or claim.checked for claim in printed) else _UNSEEN
