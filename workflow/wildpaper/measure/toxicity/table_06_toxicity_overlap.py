"""Table 6: messages that Detoxify, the moderation labels, either or both of them flag."""

from pathlib import Path

import numpy as np

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import shares_of
from wildpaper.measure.toxicity.judged import JUDGED, ROLES, explain_judgments, open_judged

_UNIT = "percent of turns"
_COUNTS = """
SELECT cluster, role || ' {judgment}' AS name, {n} AS n FROM judged
WHERE "{judgment}" IS NOT NULL GROUP BY ALL
"""


def measure_toxicity_overlap(
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
    """Measure which messages of WildChat are flagged, by role, in percent of messages.

    A share is taken over the messages of a role that have the labels it needs: one of the
    two classifiers, or, for `either` and `both`, both.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation : list of Path
        Its shards and labels.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    labels = (detoxify, moderation)
    with open_judged(report, conversations, messages, *labels, threshold) as opened:
        write_long_table(table, _cells(opened, n_replicates, seed))
        explained = {judgment: explain_judgments(opened, judgment) for judgment in JUDGED}
    claims = {_claim(role, judgment): explained[judgment] for role in ROLES for judgment in JUDGED}
    write_json(notes, {claim: note for claim, note in claims.items() if note})


def _claim(role: str, judgment: str) -> str:
    return f"table-06.{role}.{judgment}"


def _cells(opened: OpenedDataset, n_replicates: int, seed: int) -> list[Cell]:
    pairs = [(role, judgment) for role in ROLES for judgment in JUDGED]
    names = [f"{ROLES[role]} {judgment}" for role, judgment in pairs]
    queries = {"flagged": 'count(*) FILTER ("{judgment}")', "all": "count(*)"}
    flagged, total = (
        sum(
            opened.counts(_COUNTS.format(n=n.format(judgment=j), judgment=j), names) for j in JUDGED
        )
        for n in queries.values()
    )
    shares = shares_of(np.asarray(flagged), np.asarray(total), n_replicates, seed, "table-06")
    return [
        share.cell(role, judgment, _UNIT, _claim(role, judgment), opened.route(*JUDGED[judgment]))
        for (role, judgment), share in zip(pairs, shares, strict=True)
    ]
