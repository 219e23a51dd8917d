"""Table 7: messages that are flagged in each data set, by role."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.toxicity.category_shares import count_verdicts
from wildpaper.measure.toxicity.judged import JUDGED, ROLES, each_judged, explain_judgments

ARTIFACT = "table-07-toxicity-datasets"
UNITS = {
    "moderation": "percent of turns flagged by the moderation labels",
    "detoxify": "percent of turns flagged by Detoxify",
    "either": "percent of turns flagged by either",
    "both": "percent of turns flagged by both",
}
"""{judgment: unit of its share}; the paper's table has the first."""

# The draws of Table 6, so that a share that stands in both tables has one interval.
_STREAMS = {"wildchat": "table-06"}


def measure_toxicity_datasets(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    scored: list[str],
    moderated: list[str],
    table: Path,
    notes: Path,
    threshold: float,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure which messages of each data set are flagged, by role, in percent of messages.

    A share is taken over the messages of a role that have the labels it needs.

    Parameters
    ----------
    reports, conversations, messages, detoxify, moderation, scored, moderated, threshold
        See `wildpaper.measure.toxicity.judged.each_judged`.
    table, notes : Path
        The long table, a row a data set and a column ``<role>.<judgment>``; a JSON object
        {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    files = (reports, conversations, messages, detoxify, moderation)
    for opened in each_judged(*files, scored, moderated, threshold):
        whys = {judgment: explain_judgments(opened, judgment) for judgment in UNITS}
        for role in ROLES:
            shares = _shares(opened, role, n_replicates, seed)
            for judgment, share in shares.items():
                claim = _claim(opened.dataset, role, judgment)
                route = opened.route(*(n for n in JUDGED[judgment] if n in opened.routes))
                column = f"{role}.{judgment}"
                cells.append(share.cell(opened.dataset, column, UNITS[judgment], claim, route))
                none = "" if share.total else f"{opened.title}: no {role} messages with labels"
                if why := whys[judgment] or none:
                    explained[claim] = why
    write_long_table(table, cells)
    write_json(notes, explained)


def _shares(opened: OpenedDataset, role: str, n_replicates: int, seed: int) -> dict[str, Share]:
    names = list(UNITS)
    units = f"FROM judged WHERE role = '{ROLES[role]}'"
    counts = count_verdicts(opened, units, names)
    stream = _STREAMS.get(opened.dataset, f"table-07.{opened.dataset}")
    return dict(zip(names, shares_of(*counts, n_replicates, seed, stream), strict=True))


def _claim(dataset: str, role: str, judgment: str) -> str:
    if judgment == "moderation":
        return f"table-07.{dataset}.{role}"
    return f"own.{ARTIFACT}.{dataset}.{role}.{judgment}"
