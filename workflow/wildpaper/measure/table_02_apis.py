"""Table 2: conversations by model version."""

from pathlib import Path

import numpy as np

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import shares_of, slugs

MODELS = {
    "gpt-4-1106-preview": "4-1106-preview",
    "gpt-4-0314": "4-0314",
    "gpt-4-0125-preview": "4-0125-preview",
    "gpt-3.5-turbo-0613": "3.5-turbo-0613",
    "gpt-3.5-turbo-0301": "3.5-turbo-0301",
    "gpt-3.5-turbo-0125": "3.5-turbo-0125",
}
"""What the paper's table shows: {model: slug}."""

OTHER = "other"
_UNIT = "percent of conversations"
_COUNTS = """
SELECT cluster, model AS name, count(*) AS n FROM conversations
WHERE model IS NOT NULL GROUP BY ALL
"""


def measure_apis(
    report: Path,
    conversations: list[Path],
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the share of each model among the conversations whose model is recorded.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations : list of Path
        Its shards.
    table, notes : Path
        The long table: the paper's six models, every other model as a number of our own,
        and all others together; a JSON object {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    with open_dataset(report, conversations, columns=("model",)) as opened:
        write_long_table(table, _cells(opened, n_replicates, seed))
        note = explain_models(opened)
    write_json(notes, {f"table-02.{slug}": note for slug in MODELS.values()} if note else {})


def _cells(opened: OpenedDataset, n_replicates: int, seed: int) -> list[Cell]:
    further = [
        name
        for (name,) in opened.connection.execute(
            "SELECT model FROM conversations WHERE NOT list_contains(?::VARCHAR[], model) "
            "GROUP BY model ORDER BY count(*) DESC, model",
            [list(MODELS)],
        ).fetchall()
    ]
    counts = opened.counts(_COUNTS, [*MODELS, *further])
    others = counts[:, len(MODELS) :].sum(axis=1, keepdims=True)
    totals = counts.sum(axis=1, keepdims=True)
    columns = np.concatenate([counts, others], axis=1)
    shares = shares_of(columns, totals, n_replicates, seed, "table-02")
    own = slugs((name.removeprefix("gpt-") for name in further), [OTHER, *MODELS.values()])
    rows = [*MODELS.values(), *(own[name.removeprefix("gpt-")] for name in further), OTHER]
    return [
        share.cell(row, "percent", _UNIT, f"{prefix}.{row}", opened.route())
        for i, (row, share) in enumerate(zip(rows, shares, strict=True))
        for prefix in ["table-02" if i < len(MODELS) else "own.table-02-apis"]
    ]


def explain_models(opened: OpenedDataset) -> str:
    """Return why shares by model are missing or taken over a part; empty if they are not."""
    n, n_known = opened.connection.execute(
        "SELECT count(*), count(model) FROM conversations"
    ).fetchone() or (0, 0)
    if not n_known:
        return f"{opened.title}: the files record no model"
    if n_known < n:
        return f"{opened.title}: the model is recorded for {n_known:,} of {n:,} conversations only"
    return ""
