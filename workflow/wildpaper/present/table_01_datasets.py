"""Table 1 in the paper's layout, each obtained value above the published one."""

from collections.abc import Iterable
from pathlib import Path

from wildpaper.config import DATASETS
from wildpaper.files import write_text
from wildpaper.long_table import Cell
from wildpaper.present.tabular import (
    FAINT,
    GREY,
    INTERVAL,
    PUBLISHED,
    interval,
    labels_of,
    line,
    read_inputs,
    tabular,
)
from wildpaper.publish.published import PublishedClaim
from wildpaper.tex import number

_HEADINGS = (
    "Data set",
    "Conversations",
    "Users",
    "Turns",
    "User tokens",
    "Chatbot tokens",
    "Languages",
)
_LENGTHS = ("user-tokens", "chatbot-tokens")
_TYPES = r"lrrrr@{\,}c@{\,}rr@{\,}c@{\,}rr"
"""A length has three columns: the mean, a sign, the deviation."""

Values = dict[str, float | str | None]


def render_datasets(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 1 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured : Path
        Long table of the measure stage.
    published : Path
        ``data/published.yaml``; its values stand in grey beneath ours.
    acquired : list of Path
        ``acquired.json`` of each data set; a raised n marks a release that cannot be
        compared with the paper's.
    csv, tex : Path
        To write.
    titles : dict
        {data set: title}, all six.
    """
    cells, printed = read_inputs(measured, published, csv)
    write_text(tex, datasets_tabular(cells, printed.values(), labels_of(titles, acquired)))


def datasets_tabular(
    cells: list[Cell], claims: Iterable[PublishedClaim], labels: dict[str, str]
) -> str:
    """Return the LaTeX tabular: per data set what was obtained, its intervals, what was printed.

    `labels` are the names of all six data sets, as LaTeX.
    """
    printed = {claim.id: claim for claim in claims}
    groups = []
    for name in DATASETS:
        own = {cell.column: cell for cell in cells if cell.row == name}
        groups.append(_lines_of(name, labels[name], own, printed))
    return tabular(_TYPES, [_head()], groups, "")


def _head() -> str:
    titles = [
        rf"\multicolumn{{3}}{{c}}{{{title}}}" if "tokens" in title else title for title in _HEADINGS
    ]
    return " & ".join(titles)


def _lines_of(
    name: str, label: str, own: dict[str, Cell], printed: dict[str, PublishedClaim]
) -> list[str]:
    prefix = f"table-01.{name}."
    theirs: Values = {
        key.removeprefix(prefix): claim.value
        for key, claim in printed.items()
        if key.startswith(prefix)
    }
    published = line(PUBLISHED, _columns(theirs), FAINT)
    if not own:
        return [rf"{label} & \multicolumn{{10}}{{l}}{{\color{{wpgrey}}not in this run}}", published]
    obtained = line(label, _columns({column: cell.value for column, cell in own.items()}))
    means = ("turns-per-conversation", *(f"{role}-mean" for role in _LENGTHS))
    turns, *lengths = (interval(own[column], 2) for column in means)
    both = [rf"\multicolumn{{3}}{{l}}{{{GREY}{ends}}}" if ends else " &  & " for ends in lengths]
    parts = ["", "", GREY + turns if turns else "", *both, ""]
    return [obtained, line(GREY + INTERVAL, parts), published]


def _columns(values: Values) -> list[str]:
    lengths = []
    for role in _LENGTHS:
        mean, deviation = values.get(f"{role}-mean"), values.get(f"{role}-std")
        spread = ["", ""] if mean is None else [r"$\pm$", number(deviation, 2)]
        lengths += [number(mean, 2), *spread]
    return [
        number(values.get("conversations")),
        number(values.get("users")),
        number(values.get("turns-per-conversation"), 2),
        *lengths,
        number(values.get("languages")),
    ]
