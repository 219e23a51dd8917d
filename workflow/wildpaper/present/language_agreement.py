"""Agreement on languages: groups of messages on the left, frequent disagreements beside them."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.measure.language_agreement import (
    AGREEMENT,
    ARTIFACT,
    CONFUSION,
    CONVERSATIONS,
    KAPPA,
    MESSAGE_GROUPS,
)
from wildpaper.present.tabular import GREY, copy_cells, interval, labels_of, line, tabular
from wildpaper.tex import blank, escape, number

NAMES = {
    "all": "all messages",
    "user": "user",
    "chatbot": "chatbot",
    "short": "short",
    "medium": "medium",
    "long": "long",
    "one-language": "in one language",
    "mixed": "mixed",
    "no-language": "without language",
    CONVERSATIONS: "conversations",
}
_PARTS = MESSAGE_GROUPS.keys() - {"all", "no-language"}
_HEADINGS = ("$n$", r"agree, \%", r"95\,\% interval", r"$\kappa$")
_LEAST_CONFUSIONS = 4
_NOTHING = "no data set of this run records languages"


def render_language_agreement(
    measured: Path, acquired: list[Path], csv: Path, tex: Path, titles: dict[str, str]
) -> None:
    """Write the agreement on languages as CSV (long form, unrounded) and as a LaTeX tabular.

    Where no data set records languages, the tabular is a labelled blank.

    Parameters
    ----------
    measured, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells = copy_cells(measured, csv)
    found = [cell for cell in cells if cell.value is not None]
    if not any(cell.column == AGREEMENT for cell in found):
        write_text(tex, blank(ARTIFACT, _NOTHING))
        return
    write_text(tex, agreement_tabular(found, labels_of(titles, acquired)))


def agreement_tabular(cells: list[Cell], labels: dict[str, str]) -> str:
    """Return the LaTeX tabular: a line a group with any message, data set by data set.

    Parameters
    ----------
    cells : list of Cell
        Those that have a value.
    labels : dict
        {data set: its name as LaTeX}.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    groups = []
    for dataset in dict.fromkeys(cell.row.partition(".")[0] for cell in cells):
        title = rf"\multicolumn{{2}}{{@{{}}l}}{{{labels[dataset]}}}"
        left = [line(title, [""] * (len(_HEADINGS) - 1))]
        for name in NAMES:
            row = f"{dataset}.{name}"
            if (row, AGREEMENT) in found:
                left.append(_group(name, found[row, AGREEMENT], found.get((row, KAPPA))))
        confusions = [cell for cell in cells if cell.row == f"{dataset}.{CONFUSION}"]
        right = [_confusion(cell) for cell in confusions[: max(len(left), _LEAST_CONFUSIONS)]]
        left += [line("", [""] * len(_HEADINGS))] * (len(right) - len(left))
        right += [line("", [""])] * (len(left) - len(right))
        groups.append([f"{one} & {other}" for one, other in zip(left, right, strict=True)])
    head = line("", [*_HEADINGS, r"\quad recorded $\to$ found", "$n$"])
    return tabular("lrrrrlr", [head], groups, "")


def _group(name: str, agreement: Cell, kappa: Cell | None) -> str:
    ends = interval(agreement, 1)
    indent = r"\quad\quad" if name in _PARTS else r"\quad"
    values = [
        number(agreement.n),
        number(agreement.value, 1),
        GREY + ends if ends else "",
        number(kappa.value if kappa else None, 3),
    ]
    return line(f"{indent} {NAMES[name]}", values)


def _confusion(cell: Cell) -> str:
    pair = r" $\to$ ".join(map(escape, cell.column.split(" > ")))
    return line(rf"\quad {pair}", [number(cell.value)])
