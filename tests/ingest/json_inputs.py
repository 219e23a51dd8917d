"""Write native JSON files, and look at what ingest kept and quarantined."""

import json
from pathlib import Path

import pyarrow.parquet as pq


def lines(path: Path, *items: object, end: str = "\n") -> Path:
    """Write one item a line; a `bytes` item is written as it is."""
    raw = [i if isinstance(i, bytes) else json.dumps(i).encode() for i in items]
    path.write_bytes(b"\n".join(raw) + end.encode())
    return path


def array(path: Path, items: list[object]) -> Path:
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def reasons(folder: Path) -> list[tuple[int, str]]:
    """Return (row, reason) of each quarantined row, which the ledger must count alike."""
    found = pq.read_table(folder / "quarantine.parquet").to_pylist()
    (row,) = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    assert row["in"] == row["kept"] + len(found)
    assert sum(row["dropped"].values()) == len(found)
    return [(q["row"], q["reason"]) for q in found]
