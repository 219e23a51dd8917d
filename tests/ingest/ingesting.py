"""Ingest a single file into a folder, and read what came out."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.ingest.dataset import ingest_dataset

RELEASE = {
    "name": "local",
    "title": "a test file",
    "comparable": False,
    "why_not": "a test",
    "simulated": True,
}


def ingest(
    folder: Path,
    dataset: str,
    native_format: str,
    *paths: Path,
    n_shards: int = 2,
    options: dict[str, Any] | None = None,
) -> Path:
    raw, out = folder / "raw", folder / "out"
    raw.mkdir(parents=True)
    for path in paths:
        (raw / path.name).symlink_to(path)
    acquired = {"dataset": dataset, "release": RELEASE, "files": [{"name": p.name} for p in paths]}
    (raw / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    ingest_dataset(
        raw / "acquired.json",
        [out / f"conversations-{i}.parquet" for i in range(n_shards)],
        [out / f"messages-{i}.parquet" for i in range(n_shards)],
        out / "quarantine.parquet",
        out / "report.json",
        out / "ledger.json",
        dataset,
        native_format,
        options,
    )
    return out


def read_shards(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return conversations and messages of all shards, in the order of their keys."""
    keys = {"conversations": ["conversation_id"], "messages": ["conversation_id", "position"]}
    tables = []
    for kind, columns in keys.items():
        parts = [pq.read_table(path) for path in sorted(folder.glob(f"{kind}-*.parquet"))]
        table = pa.concat_tables(parts)
        tables.append(table.sort_by([(column, "ascending") for column in columns]))
    return tables[0], tables[1]
