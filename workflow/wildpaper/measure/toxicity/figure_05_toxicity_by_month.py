"""Figure 5: share of messages flagged by either classifier, by month and role."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.months import IS_GPT4, MONTH
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import shares_of
from wildpaper.measure.toxicity.judged import CLASSIFIERS, ROLES, explain_judgments, open_judged

_ID = "figure-05-toxicity-by-month"
_UNIT = "percent of turns"
_MONTH_OF = MONTH.format(time="timestamp")
_COUNTS = f"""
SELECT cluster, {_MONTH_OF} || ' ' || role AS name, {{n}} AS n FROM judged
WHERE either IS NOT NULL AND timestamp IS NOT NULL GROUP BY ALL
"""  # noqa: S608 - no text of a user in it
_MONTHS = f"""
SELECT {_MONTH_OF} AS month, count(*), count(model), count(*) FILTER ({IS_GPT4})
FROM conversations WHERE timestamp IS NOT NULL GROUP BY month ORDER BY month
"""  # noqa: S608


def measure_toxicity_by_month(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    table: Path,
    notes: Path,
    threshold: float,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the share of flagged messages by month (UTC) of the conversation, and role.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation : list of Path
        Its shards and labels.
    table, notes : Path
        The long table: for each month that has conversations the shares `user` and
        `chatbot` and the counts `conversations` and `gpt-4-conversations` (no value where
        no model is recorded); a JSON object of explanations.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    labels = (detoxify, moderation)
    with open_judged(report, conversations, messages, *labels, threshold) as opened:
        cells = _cells(opened, n_replicates, seed)
        note = explain_judgments(opened, "either")
        n = opened.one("SELECT count(*) FROM conversations")
        n_dated = opened.one("SELECT count(timestamp) FROM conversations")
    if n_dated < n:
        dated = f"{n_dated:,} of {n:,} conversations have a time"
        note = f"{note}; {dated}" if note else f"{opened.title}: {dated}"
    write_long_table(table, cells)
    write_json(notes, {_ID: note} if note else {})


def _cells(opened: OpenedDataset, n_replicates: int, seed: int) -> list[Cell]:
    months = opened.connection.execute(_MONTHS).fetchall()
    pairs = [(month, role) for month, *_ in months for role in ROLES]
    names = [f"{month} {ROLES[role]}" for month, role in pairs]
    flagged = opened.counts(_COUNTS.format(n="count(*) FILTER (either)"), names)
    total = opened.counts(_COUNTS.format(n="count(*)"), names)
    shares = dict(
        zip(pairs, shares_of(flagged, total, n_replicates, seed, "figure-05"), strict=True)
    )
    cells, route = [], opened.route(*CLASSIFIERS)
    for month, n, n_with_model, n_gpt4 in months:
        for role in ROLES:
            claim = f"own.{_ID}.{month}.{role}"
            cells.append(shares[month, role].cell(month, role, _UNIT, claim, route))
        known = n_gpt4 if n_with_model else None
        for column, value in (("conversations", n), ("gpt-4-conversations", known)):
            rest = (None, None, n, "conversations", "", opened.route())
            cells.append(Cell(month, column, value, *rest))
    return cells
