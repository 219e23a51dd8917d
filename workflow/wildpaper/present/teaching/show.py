"""What notebooks display: where the numbers come from, figures, tables, and what is lacking."""

import base64
import math
import struct
import tempfile
from collections.abc import Callable, Collection, Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure

from wildpaper.long_table import Cell
from wildpaper.present.compare import tail_shares
from wildpaper.present.style import save_figure
from wildpaper.present.teaching.run import Run

_DOTS_PER_INCH = 160
"""Those of the paper's files, less a fifth: figures are a quarter larger than on paper."""
_MOST_DIGITS = 6
_FEW_NAMES = 6
_SIMULATED = (
    "**Simulated data, not findings.** The numbers below come from records that this project "
    "made up. They show that the methods work; they say nothing about people who talk to chatbots."
)
_SMALL = (
    "There is no finished run here, so this notebook has made **small results** of a few hundred "
    "conversations. Tokens are words, classifiers read planted words, models count words and the "
    "judge is planted. `snakemake --cores all` makes a whole run."
)


def show_start(run: Run) -> None:
    """Say whether the data are simulated, which run this is, and which releases it read.

    Tables shown later are not cut off within a cell.
    """
    pd.set_option("display.max_colwidth", None)
    parts = [_SIMULATED] if run.simulated else []
    if run.small:
        parts.append(_SMALL)
    parts.append(f"Run: `{run.preset}`. Data sets:")
    parts.append("\n".join(f"- {name}: {title}" for name, title in run.releases.items()))
    _say("\n\n".join(parts))


def show_figure(
    run: Run,
    artifact: str,
    draw: Callable[..., Figure],
    *facts: Any,
    about: str,
    as_table: bool = False,
    **options: Any,
) -> None:
    """Draw an artifact of the run as the paper has it, or say why the run has none.

    Parameters
    ----------
    run : Run
    artifact : str
    draw : callable
        The function that draws it for the paper; takes the artifact's data first.
    *facts, **options
        What else `draw` takes.
    about : str
        What the figure shows, for readers who do not see it.
    as_table : bool
        Whether `draw` takes a long table as a DataFrame.
    """
    if run.has(artifact):
        data = run.table(artifact) if as_table else run.data(artifact)
        show_drawn(draw(data, *facts, **options), about)
    else:
        show_missing(run, artifact)


def show_drawn(figure: Figure, about: str) -> None:
    """Display a figure a quarter larger than on paper, with all the dots of the paper's file."""
    png = png_of(figure)
    (n_dots,) = struct.unpack(">I", png[16:20])
    style = f"width:{n_dots / _DOTS_PER_INCH:.2f}in;max-width:100%"
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    _put(_html(f'<img style="{style}" alt="{escape(about)}" src="{source}">'))


def png_of(figure: Figure) -> bytes:
    """Return a figure as PNG, byte for byte the paper's file, and close it.

    The PDF is written too: a layout that is computed twice may differ from one computed once.
    """
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder, "figure.png")
        save_figure(figure, png.with_suffix(".pdf"), png)
        return png.read_bytes()


def _say(text: str) -> None:
    _put(Markdown(text))  # type: ignore[no-untyped-call]


def _html(text: str) -> HTML:
    return HTML(text)  # type: ignore[no-untyped-call]


def _put(shown: object) -> None:
    display(shown)  # type: ignore[no-untyped-call]


def show_missing(run: Run, artifact: str) -> None:
    """Say that the run lacks an artifact, and why."""
    _say(f"*This run has no `{artifact}`: {run.why_not(artifact)}.*")


def show_table(
    run: Run,
    artifact: str,
    rows: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    digits: int = 1,
    *,
    turned: bool = False,
) -> None:
    """Display some cells of an artifact, each with its 95 % interval.

    Parameters
    ----------
    run : Run
    artifact : str
    rows, columns : mapping, optional
        {name in the table: how it is called here}, in the order shown; default all.
    digits : int
        Decimals of values that are not whole; see `wide`.
    turned : bool
        Whether rows and columns change places.
    """
    if not run.has(artifact):
        show_missing(run, artifact)
        return
    table = wide(run.cells(artifact), rows, columns, digits)
    if table.empty:
        _say(f"*`{artifact}` of this run has no such values.*")
    else:
        _put(table.T if turned else table)


def show_values(run: Run, artifact: str, table: pd.DataFrame, form: str = "{:.1f}") -> None:
    """Display a table of numbers that was made of an artifact; say so if the run has none.

    Parameters
    ----------
    run : Run
    artifact : str
    table : DataFrame
        Texts in it are left as they are.
    form : str
        How numbers are written.
    """
    if table.empty:
        show_missing(run, artifact)
    else:
        _put(table.map(lambda value: value if isinstance(value, str) else form.format(value)))


def show_tails(run: Run, role: str) -> None:
    """Display which share of a role's messages has at least so many tokens, by data set."""
    lengths = run.table("token-lengths")
    tails = lengths if lengths.empty else tail_shares(lengths, role)
    show_values(run, "token-lengths", tails, "{:.1%}")


def show_counts(run: Run, artifact: str, row: str, without: Collection[str] = ()) -> None:
    """Display a row of counts of an artifact as a column, with the percentage of all units.

    Columns named in `without` are left out.
    """
    if not run.has(artifact):
        show_missing(run, artifact)
        return
    found = {column: cell for (own, column), cell in run.found(artifact).items() if own == row}
    cells = [cell for column, cell in found.items() if column not in without]
    table = pd.DataFrame(
        [(cell.column, f"{cell.value:,}", _percent(cell)) for cell in cells],
        columns=[row, "number", "percent"],
    ).set_index(row)
    _put(table)


def show_reasons(run: Run, prefix: str) -> None:
    """List the reasons behind verdicts other than `reproduced`, with the claims or their number."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for claim in run.claims:
        if claim["id"].startswith(prefix) and claim["obtained"] is not None and claim["reason"]:
            key = (claim["verdict"], claim["reason"])
            reasons.setdefault(key, []).append(f"`{claim['id'].removeprefix(prefix)}`")
    lines = [
        f"- **{verdict}**, "
        + (", ".join(names) if len(names) <= _FEW_NAMES else f"{len(names)} values")
        + f": {reason}"
        for (verdict, reason), names in reasons.items()
    ]
    _say("\n".join(lines) or "No verdict needs a reason.")


def show_unit(run: Run, artifact: str, what: str) -> None:
    """Say in which unit the values of an artifact are, if the run has it."""
    units = dict.fromkeys(cell.unit for cell in run.cells(artifact) if cell.value is not None)
    if units:
        _say(f"{what}: **{next(iter(units))}**.")


def wide(
    cells: list[Cell],
    rows: Mapping[str, str] | None,
    columns: Mapping[str, str] | None,
    digits: int,
) -> pd.DataFrame:
    """Return cells as a table to read: a text a cell, empty where there is no value.

    A column has more than `digits` decimals if one of its intervals is too narrow for them.
    """
    found = {(cell.row, cell.column): cell for cell in cells if cell.value is not None}
    rows = rows or {row: row for row, _ in found}
    columns = columns or {column: column for _, column in found}
    kept = {row: title for row, title in rows.items() if any((row, c) in found for c in columns)}
    table = pd.DataFrame(index=list(kept.values()))
    for column, title in columns.items():
        own = [found.get((row, column)) for row in kept]
        n = _digits([cell for cell in own if cell], digits)
        table[title] = [_text(cell, n) if cell else "" for cell in own]
    return table


def _digits(cells: list[Cell], least: int) -> int:
    """Return how many decimals make each interval at least three units of the last one wide."""
    widths = [(cell.ci_high or 0) - (cell.ci_low or 0) for cell in cells]
    narrowest = min((width for width in widths if width > 0), default=1.0)
    return max(least, min(_MOST_DIGITS, math.ceil(-math.log10(narrowest / 3))))


def _text(cell: Cell, digits: int) -> str:
    if isinstance(cell.value, str):
        return cell.value
    value = f"{cell.value:,}" if isinstance(cell.value, int) else f"{cell.value:,.{digits}f}"
    if cell.ci_low is None or cell.ci_high is None:
        return value
    return f"{value} ({cell.ci_low:,.{digits}f} to {cell.ci_high:,.{digits}f})"


def _percent(cell: Cell) -> str:
    return f"{100 * float(cell.value or 0) / cell.n:.1f}" if cell.n else ""
