"""Conversations of WildChat by month and family of models."""

from collections.abc import Iterator
from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.months import IS_GPT4, IS_GPT35, MONTH, longest_gap, months_between
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.table_02_apis import explain_models

FAMILIES = ("gpt-4", "gpt-3.5", "other")
GAP = "gap"
"""The row of the longest run of months without a GPT-4 conversation, as ``YYYY-MM to YYYY-MM``."""

VERSION = "version:"
"""What the columns of counts by version begin with; the name of the model follows."""

_ID = "conversations-by-month"
_FAMILY = f"CASE WHEN {IS_GPT4} THEN 'gpt-4' WHEN {IS_GPT35} THEN 'gpt-3.5' ELSE 'other' END"
_COUNTS = f"""
SELECT {MONTH.format(time="timestamp")} AS month, {{name}} AS name, count(*) AS n
FROM conversations WHERE timestamp IS NOT NULL GROUP BY ALL ORDER BY month, name
"""  # noqa: S608 - no text of a user in it
_UNIT = "conversations"


def measure_conversations_by_month(
    report: Path, conversations: list[Path], table: Path, notes: Path
) -> None:
    """Count conversations by the month (UTC) of their last turn, and family of models.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations : list of Path
        Its shards.
    table, notes : Path
        The long table: a row a month, from the first to the last without a break, and the gap;
        columns are the families, and to draw the versions that the interface reported. A JSON
        object of explanations.

    Notes
    -----
    A family is known by the beginning of the model's name; an unknown model is among `other`.
    Where no model is recorded at all, the counts of the families have no value.
    """
    with open_dataset(report, conversations, columns=("model", "timestamp")) as opened:
        cells = list(_cells(opened))
        why = _explain(opened)
    write_long_table(table, cells)
    write_json(notes, {_ID: why} | {c.claim: why for c in cells if c.claim} if why else {})


def _cells(opened: OpenedDataset) -> Iterator[Cell]:
    counts, versions = (_counts(opened, n) for n in (_FAMILY, "coalesce(model, 'unknown')"))
    if not counts:
        return
    months = months_between(min(m for m, _ in counts), max(m for m, _ in counts))
    known = opened.one("SELECT count(model) FROM conversations") > 0
    families = FAMILIES if any(name == "other" for _, name in counts) else FAMILIES[:-1]
    for month in months:
        total = sum(counts.get((month, name), 0) for name in families)
        for name in families:
            n = counts.get((month, name), 0) if known or name == "other" else None
            claim = f"own.{_ID}.{month}.{name}"
            yield Cell(month, name, n, None, None, total, _UNIT, claim, opened.route())
        for (when, name), n in versions.items():
            if when == month:
                rest = (None, None, total, _UNIT, "", opened.route())
                yield Cell(month, f"{VERSION}{name}", n, *rest)
    with_gpt4 = {month for month, name in counts if name == "gpt-4"}
    gap = longest_gap(with_gpt4, months[0], months[-1]) if with_gpt4 else None
    if gap:
        rest = (None, None, len(months), "months without GPT-4 traffic", "", opened.route())
        yield Cell(GAP, "gpt-4", f"{gap[0]} to {gap[1]}", *rest)


def _counts(opened: OpenedDataset, name: str) -> dict[tuple[str, str], int]:
    rows = opened.connection.execute(_COUNTS.format(name=name)).fetchall()
    return {(month, name): n for month, name, n in rows}


def _explain(opened: OpenedDataset) -> str:
    n = opened.one("SELECT count(*) FROM conversations")
    n_dated = opened.one("SELECT count(timestamp) FROM conversations")
    if not n_dated:
        return f"{opened.title}: no time is recorded"
    notes = [explain_models(opened)]
    if n_dated < n:
        notes.append(f"{opened.title}: {n_dated:,} of {n:,} conversations have a time")
    return "; ".join(note for note in notes if note)
