"""Numbers of the text on collection: counts, dates, families of models."""

from pathlib import Path
from typing import Any

import numpy as np

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.months import DATE, IS_GPT4, IS_GPT35, MONTH, longest_gap
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import shares_of
from wildpaper.measure.table_02_apis import explain_models

LINKED = {
    "turns-raw": "n_calls_answered",
    "conversations-linked": "n_linked",
    "conversations-wildbench": "n_wildbench",
}
"""{number: key in the report of the release stage}."""

NO_GAP = "none"
_NO_LOGS = "needs the raw logs, which are not public"
_UNITS = {
    "turns-raw": "turns",
    "conversations-linked": "conversations",
    "conversations-wildbench": "conversations",
    "conversations-released": "conversations",
    "turns-released": "turns",
    "start": "date",
    "end": "date",
    "conversations-section3": "conversations",
    "gpt4-gap": "months without GPT-4 traffic",
    "users": "unique IP addresses",
}
_FAMILIES = {"gpt4-share": IS_GPT4, "gpt35-share": IS_GPT35}

# A reply has the time of its call; where replies have none, the conversation has its last.
_TURN_TIMES = f"""
SELECT min({DATE.format(time="t")}), max({DATE.format(time="t")}) FROM (
    SELECT coalesce(m.timestamp, c.timestamp) AS t
    FROM messages m JOIN conversations c USING (conversation_id)
)
"""  # noqa: S608 - no text of a user in it
_GPT4_MONTHS = f"""
SELECT DISTINCT {MONTH.format(time="timestamp")} FROM conversations
WHERE timestamp IS NOT NULL AND {IS_GPT4}
"""  # noqa: S608
_RANGE = f"""
SELECT min({MONTH.format(time="timestamp")}), max({MONTH.format(time="timestamp")})
FROM conversations
"""  # noqa: S608


def measure_collection(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    linked: list[Path],
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure what the text says of WildChat's collection and of its two families of models.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages : list of Path
        Its shards.
    linked : list of Path
        The release stage's report on linking, or nothing where there are no raw logs.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    with open_dataset(report, conversations, messages) as opened:
        values, explained = _released(opened)
        route = opened.route()
        shares = _families(opened, n_replicates, seed)
        note = explain_models(opened)
    values |= _from_logs(linked)
    explained |= {name: _NO_LOGS for name in LINKED if values[name] is None}
    found = {f"collection.{name}": text for name, text in explained.items() if text}
    found |= {cell.claim: note for cell in shares if note}
    cells = [
        Cell("collection", name, values[name], None, None, None, unit, f"collection.{name}", route)
        for name, unit in _UNITS.items()
    ]
    write_long_table(table, cells + shares)
    write_json(notes, found)


def _from_logs(linked: list[Path]) -> dict[str, Any]:
    if not linked:
        return dict.fromkeys(LINKED)
    report = read_json(linked[0])
    missing = [key for key in LINKED.values() if not isinstance(report.get(key), int)]
    if missing:
        raise WildpaperError(
            f"The report on linking lacks {', '.join(missing)}",
            where=str(linked[0]),
            hint="Delete it and run again; the release stage writes it anew.",
        )
    return {name: report[key] for name, key in LINKED.items()}


def _released(opened: OpenedDataset) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the released conversations tell, and explanations, by number."""
    title, n = opened.title, opened.one("SELECT count(*) FROM conversations")
    n_users = opened.one('SELECT count(DISTINCT "user") FROM conversations')
    n_with_user = opened.one('SELECT count("user") FROM conversations')
    start, end = opened.connection.execute(_TURN_TIMES).fetchone() or (None, None)
    gap, why = _gpt4_gap(opened)
    values = {
        "conversations-released": n,
        "turns-released": opened.one("SELECT coalesce(sum(n_turns), 0) FROM conversations"),
        "start": start,
        "end": end,
        "conversations-section3": n,
        "gpt4-gap": gap,
        "users": n_users or None,
    }
    explained = dict.fromkeys(("start", "end"), "" if start else f"{title}: no time is recorded")
    n_timed = opened.one("SELECT count(timestamp) FROM messages WHERE role = 'assistant'")
    if start and not n_timed:
        explained["start"] = f"{title}: only the last turn of a conversation has a time"
    if not n_users:
        explained["users"] = f"{title}: the files do not tell users apart"
    elif n_with_user < n:
        explained["users"] = (
            f"{title}: the user is known for {n_with_user:,} of {n:,} conversations only"
        )
    return values, explained | {"gpt4-gap": why}


def _gpt4_gap(opened: OpenedDataset) -> tuple[str | None, str]:
    """Return the longest run of months without a GPT-4 conversation, or why there is none."""
    present = {month for (month,) in opened.connection.execute(_GPT4_MONTHS).fetchall()}
    first, last = opened.connection.execute(_RANGE).fetchone() or (None, None)
    if not present or first is None or last is None:
        none = f"{opened.title}: no GPT-4 conversation with a time"
        return None, explain_models(opened) or none
    gap = longest_gap(present, first, last)
    return (f"{gap[0]} to {gap[1]}" if gap else NO_GAP), ""


def _families(opened: OpenedDataset, n_replicates: int, seed: int) -> list[Cell]:
    of_model = "FROM conversations WHERE model IS NOT NULL GROUP BY cluster"
    totals = opened.counts(f"SELECT cluster, 'all' AS name, count(*) AS n {of_model}", ["all"])
    counts = [
        opened.counts(
            f"SELECT cluster, 'it' AS name, count(*) FILTER ({is_it}) AS n {of_model}", ["it"]
        )
        for is_it in _FAMILIES.values()
    ]
    columns = np.concatenate(counts, axis=1)
    shares = shares_of(columns, totals, n_replicates, seed, "collection-text.apis")
    unit = "percent of conversations"
    return [
        share.cell("apis", name, unit, f"apis.{name}", opened.route())
        for name, share in zip(_FAMILIES, shares, strict=True)
    ]
