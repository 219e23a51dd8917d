"""Table 9: mean grades of MT-bench, the run's models above the published rows."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.mtbench.judged import STAND_IN_GRADE
from wildpaper.measure.mtbench.scores import COLUMNS, PUBLISHED_MODELS
from wildpaper.present.tabular import (
    FAINT,
    GREY,
    INTERVAL,
    Printed,
    as_printed,
    dagger_note,
    interval,
    line,
    read_inputs,
    tabular,
)
from wildpaper.tex import escape, number

PUBLISHED_TITLES = {
    "wildllama_7b": "WildLLaMA 7B",
    "vicuna_7b": "Vicuna 7B",
    "llama2_chat_7b": "Llama-2 Chat 7B",
    "gpt35": "GPT-3.5",
    "gpt4": "GPT-4",
}
_HEADINGS = ("first turn", "second turn", "average", "grades", "left out")
_DIGITS = 2


def render_scores(
    measured: Path, published: Path, csv: Path, tex: Path, titles: dict[str, str]
) -> None:
    """Write Table 9 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.mtbench.scores`.
    published : Path
        The published values.
    csv, tex : Path
        To write.
    titles : dict
        {model of the run: title}.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, scores_tabular(cells, printed, titles))


def scores_tabular(cells: list[Cell], printed: Printed, titles: dict[str, str]) -> str:
    """Return the LaTeX tabular: the run's models, then the published rows, marked as such."""
    found = known_rows(cells)
    stand_in = any(cell.unit == STAND_IN_GRADE for cell in cells if cell.value is not None)
    judge = "by the likelihood stand-in" if stand_in else "by the judge of this run"
    groups = [_lines(titles.get(name, name), own) for name, own in found.items()]
    if groups:
        groups[0] = [_heading(f"This run, {judge}"), *groups[0]]
    claims = {
        name: [printed.get(f"table-09.{name}.{column}") for column in COLUMNS]
        for name in PUBLISHED_MODELS
    }
    theirs = [
        line(PUBLISHED_TITLES[name], [*(as_printed(c, _DIGITS) for c in own), "", ""], FAINT)
        for name, own in claims.items()
        if any(own)
    ]
    if theirs:
        groups.append([_heading("Published, by GPT-4"), *theirs])
    note = dagger_note(claim for own in claims.values() for claim in own)
    return tabular("lrrrrr", [line("Model", _HEADINGS)], groups, note)


def known_rows(cells: list[Cell]) -> dict[str, dict[str, Cell]]:
    """Return {row: {column: cell}} of the cells that have a value."""
    found: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        if cell.value is not None:
            found.setdefault(cell.row, {})[cell.column] = cell
    return found


def _heading(text: str) -> str:
    return rf"\multicolumn{{6}}{{@{{}}l}}{{\itshape {escape(text)}}}"


def _lines(title: str, own: dict[str, Cell]) -> list[str]:
    """Return the means of a model and their intervals; counts stand beside the means."""
    means = [own.get(column) for column in COLUMNS]
    average = own.get("average")
    left_out = sum(int(own[name].value or 0) for name in ("unparsed", "missing") if name in own)
    values = [number(cell.value, _DIGITS) if cell else "--" for cell in means]
    n = number(average.n) if average else "0"
    lines = [line(escape(title), [*values, n, number(left_out)])]
    intervals = [interval(cell, _DIGITS) for cell in means]
    if any(intervals):
        lines.append(line(INTERVAL, [*intervals, "", ""], GREY))
    return lines
