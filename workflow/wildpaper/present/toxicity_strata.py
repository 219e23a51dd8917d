"""The table of flagged messages by language, model, country, turn and duplication."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.judged import ROLES
from wildpaper.measure.toxicity.toxicity_strata import ARTIFACT, DIMENSIONS, is_untrained
from wildpaper.present.tabular import GREY, copy_cells, interval, labels_of, line, tabular
from wildpaper.tex import blank, escape, number

_TITLES = {
    "language": "Language of the message",
    "model": "API version (GPT)",
    "country": "Country",
    "turn": "Turn of the conversation",
    "duplicates": "Duplication",
}
_NAMES = {
    "language.other": "other or none",
    "turn.3-5": "3--5",
    "turn.6-10": "6--10",
    "duplicates.all": "all messages",
    "duplicates.without duplicate conversations": "no exact duplicates",
    "duplicates.without near-duplicate turns": "no near-duplicates",
}
_HEADINGS = ("$n$", "either", r"95\,\% int.", "Detoxify")
_DIGITS = 1
_DAGGER = r"\textsuperscript{\textdagger}"
_NOTE = (
    _DAGGER + " the model of the scores was not trained on this language, or not on all of these"
)
_NOTHING = "no message of WildChat has both labels"


def render_toxicity_strata(
    measured: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
    trained_languages: list[str],
) -> None:
    """Write flagged messages by stratum as CSV (long form, unrounded) and as a LaTeX tabular.

    Where no message has both labels, the tabular is a labelled blank.

    Parameters
    ----------
    measured, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    trained_languages : list of str
        See `wildpaper.measure.toxicity.toxicity_strata.measure_toxicity_strata`.
    """
    cells = copy_cells(measured, csv)
    if not any(cell.n for cell in cells):
        write_text(tex, blank(ARTIFACT, _NOTHING))
        return
    label = labels_of(titles, acquired)["wildchat"]
    write_text(tex, toxicity_strata_tabular(cells, label, trained_languages))


def toxicity_strata_tabular(cells: list[Cell], label: str, trained_languages: Iterable[str]) -> str:
    """Return the LaTeX tabular: a line a stratum that has messages, dimension by dimension.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.toxicity_strata`.
    label : str
        The name of the data set, as LaTeX.
    trained_languages
        See `render_toxicity_strata`; other languages have a dagger.
    """
    trained = set(trained_languages)
    found = {(cell.row, cell.column): cell for cell in cells}
    rows = [
        row
        for row in dict.fromkeys(cell.row for cell in cells)
        if any(found[row, f"{role}.either"].n for role in ROLES)
    ]
    n_columns = 1 + len(ROLES) * len(_HEADINGS)
    groups = []
    for dimension in DIMENSIONS:
        own = [row for row in rows if row.startswith(f"{dimension}.")]
        if own:
            title = rf"\multicolumn{{{n_columns}}}{{@{{}}l}}{{{_TITLES[dimension]}}}"
            groups.append([title, *(_line(row, found, trained) for row in own)])
    above = [rf"\multicolumn{{{len(_HEADINGS)}}}{{c}}{{{role} messages, \%}}" for role in ROLES]
    rules = "".join(
        rf"\cmidrule(lr){{{2 + i * len(_HEADINGS)}-{1 + (i + 1) * len(_HEADINGS)}}}"
        for i in range(len(ROLES))
    )
    head = [line(label, above), rules + line("", _HEADINGS * len(ROLES))]
    marked = any(is_untrained(row, trained) for row in rows)
    return tabular("l" + "rrrr" * len(ROLES), head, groups, _NOTE if marked else "")


def _line(row: str, found: Mapping[tuple[str, str], Cell], trained: set[str]) -> str:
    name = _NAMES.get(row) or escape(row.partition(".")[2].removeprefix("gpt-"))
    mark = _DAGGER if is_untrained(row, trained) else ""
    parts = []
    for role in ROLES:
        either = found[row, f"{role}.either"]
        ends = interval(either, _DIGITS)
        parts += [
            number(either.n),
            number(either.value, _DIGITS),
            GREY + ends if ends else "",
            number(found[row, f"{role}.detoxify"].value, _DIGITS),
        ]
    return line(rf"\quad {name}{mark}", parts)
