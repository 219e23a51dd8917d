"""Table 1 in the paper's layout, each obtained value above the published one."""

from pathlib import Path

from wildpaper.config import DATASETS
from wildpaper.files import write_text
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.publish.published import PublishedClaim, load_published
from wildpaper.releases import Release, read_releases
from wildpaper.tex import escape, number

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
    cells = read_long_table(measured)
    claims, _ = load_published(published)
    write_long_table(csv, cells)
    releases = read_releases(acquired)
    labels = {name: _label(title, releases.get(name)) for name, title in titles.items()}
    write_text(tex, datasets_tabular(cells, claims, labels))


def _label(title: str, release: Release | None) -> str:
    """Return the name of a data set as LaTeX, with a mark if it is not the paper's."""
    if release is None or release["comparable"]:
        return escape(title)
    if release["simulated"]:
        return escape(f"{title} (simulated)")
    return escape(title) + r"\textsuperscript{\sffamily n}"


def datasets_tabular(
    cells: list[Cell], claims: list[PublishedClaim], labels: dict[str, str]
) -> str:
    """Return the LaTeX tabular: per data set what was obtained, its intervals, what was printed.

    `labels` are the names of all six data sets, as LaTeX.
    """
    printed = {claim.id: claim for claim in claims}
    lines = [
        r"\begin{tabular}{@{}lrrrrrr@{}}",
        r"\toprule",
        " & ".join(_HEADINGS) + r" \\",
        r"\midrule",
    ]
    for i, name in enumerate(DATASETS):
        if i:
            lines.append(r"\addlinespace")
        own = {cell.column: cell for cell in cells if cell.row == name}
        lines += _rows_of(name, labels[name], own, printed)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _rows_of(
    name: str, label: str, own: dict[str, Cell], printed: dict[str, PublishedClaim]
) -> list[str]:
    prefix = f"table-01.{name}."
    theirs: Values = {
        key.removeprefix(prefix): claim.value
        for key, claim in printed.items()
        if key.startswith(prefix)
    }
    published = " & ".join([r"\quad published", *_columns(theirs)])
    grey = r"\color{wpgrey}\footnotesize "
    published = " & ".join(grey + part for part in published.split(" & ")) + r" \\"
    if not own:
        absent = r" & \multicolumn{6}{l}{\color{wpgrey}not in this run} \\"
        return [f"{label}{absent}", published]
    obtained = " & ".join([label, *_columns({c: own[c].value for c in own})]) + r" \\"
    intervals = " & ".join([grey + r"\quad 95\,\% interval", "", *_intervals(own), ""]) + r" \\"
    return [obtained, intervals, published]


def _columns(values: Values) -> list[str]:
    lengths = []
    for role in _LENGTHS:
        mean, deviation = values.get(f"{role}-mean"), values.get(f"{role}-std")
        both = f"{number(mean, 2)} $\\pm$ {number(deviation, 2)}"
        lengths.append("--" if mean is None else both)
    return [
        number(values.get("conversations")),
        number(values.get("users")),
        number(values.get("turns-per-conversation"), 2),
        *lengths,
        number(values.get("languages")),
    ]


def _intervals(own: dict[str, Cell]) -> list[str]:
    """Return the cells from users to chatbot tokens of the line of intervals."""
    found = [""]
    for column in ("turns-per-conversation", *(f"{role}-mean" for role in _LENGTHS)):
        cell = own[column]
        text = f"{number(cell.ci_low, 2)} to {number(cell.ci_high, 2)}"
        found.append("" if cell.ci_low is None else r"\color{wpgrey}\footnotesize " + text)
    return found
