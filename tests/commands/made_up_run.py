"""A small made-up run in a folder: measured table, claims, provenance records, raw file."""

import hashlib
import json
from pathlib import Path
from typing import Any

RAW = b'[{"instruction": "Say hello", "output": "Hello"}]'
RAW_SHA256 = hashlib.sha256(RAW).hexdigest()
CLAIM = "table-01.alpaca.user-tokens-mean"
NOT_RUN = "table-09.gpt4.average"
NO_VALUE = "table-01.alpaca.users"
OWN = "own.near-duplicates.alpaca.in-clusters"
SUMMARY = "seed.size"
ACQUIRED = "data/raw/alpaca/official/acquired.json"
TABLE = "results/made/measure/table-01-datasets.csv"
SHARDS = [f"results/made/ingest/alpaca/messages-{i}.parquet" for i in range(3)]
LABELS = [f"results/made/annotate/tokens@computed/alpaca-{i}.parquet" for i in range(3)]
OTHERS = [f"results/made/ingest/dolly/messages-{i}.parquet" for i in range(3)]


def claim(name: str, **fields: Any) -> dict[str, Any]:
    known = {
        "id": name, "kind": "published", "where": "table 1", "dataset": "alpaca",
        "unit": "Llama-2 tokens", "published": 19.67, "checked": True, "obtained": None,
        "ci_low": None, "ci_high": None, "tolerance": 0.005, "verdict": "not-run",
        "reason": "", "truth": None, "truth_tolerance": None, "truth_verdict": None,
        "route": None, "artifact": "table-01-datasets", "rule": "measure_datasets",
    }  # fmt: skip
    return known | fields


CLAIMS = [
    claim(CLAIM, obtained=19.671, ci_low=19.54, ci_high=19.8, verdict="reproduced",
          route="computed"),
    claim(NO_VALUE, unit="users", reason="the files do not tell users apart"),
    claim(NOT_RUN, where="table 9", dataset="gpt4", published=8.99,
          artifact="table-09-mtbench-scores", rule="measure_scores",
          reason="this run judges no answers"),
    claim(OWN, kind="own", where="own numbers", published=None, tolerance=None, obtained=12,
          verdict=None, route="computed", artifact="near-duplicates",
          rule="measure_near_duplicates"),
    claim(SUMMARY, kind="summary", where="summary", dataset="", unit="statement",
          published="1 million conversations", tolerance=None, reason="agrees", artifact=None,
          rule=None),
]  # fmt: skip
_LINES = [
    "row,column,value,ci_low,ci_high,n,unit,claim,route",
    "alpaca,users,,,,0,users,table-01.alpaca.users,",
    f"alpaca,user-tokens-mean,19.671,19.54,19.8,52002,Llama-2 tokens,{CLAIM},computed",
]
_OWN_LINES = [_LINES[0], f"alpaca,in-clusters,12,,,52002,messages,{OWN},computed"]


class MadeUpRun:
    """Writes a run; its files hold their own names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results" / "made"
        self.n_records = 0

    def write(self) -> "MadeUpRun":
        self.put("data/raw/alpaca/official/alpaca_data.json", RAW)
        release = {"title": "Stanford Alpaca", "comparable": True}
        held = {"name": "alpaca_data.json", "sha256": RAW_SHA256, "n_bytes": len(RAW)}
        acquired = {"dataset": "alpaca", "release": release, "files": [held]}
        self.put(ACQUIRED, json.dumps(acquired).encode())
        for name in (*SHARDS, *LABELS, *OTHERS):
            self.put(name, name.encode())
        self.put(TABLE, "\n".join([*_LINES, ""]).encode())
        own = "results/made/measure/near-duplicates.csv"
        self.put(own, "\n".join([*_OWN_LINES, ""]).encode())
        shown = "results/made/present/tables/table-01-datasets.csv"
        self.put(shown, b"")
        self.record("fetch_dataset", [], [ACQUIRED], "data/raw/alpaca/logs")
        self.record("ingest_dataset", [ACQUIRED], SHARDS)
        self.record("ingest_dataset", [], OTHERS)
        for text, label in zip(SHARDS, LABELS, strict=True):
            self.record("count_tokens", [text], [label])
        self.record("measure_datasets", [*SHARDS, *OTHERS, *LABELS], [TABLE])
        self.record("measure_near_duplicates", SHARDS, [own])
        self.record("render_datasets", [TABLE], [shown])
        ledger = {"preset": "made", "release": {"alpaca": "Stanford Alpaca"}, "claims": CLAIMS}
        self.put("results/made/publish/claims.json", json.dumps(ledger).encode())
        return self

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def record(
        self, rule: str, inputs: list[str], outputs: list[str], logs: str = "results/made/logs"
    ) -> None:
        record = {
            "rule": rule, "wildcards": {}, "inputs": inputs, "outputs": outputs,
            "code_digest": "0" * 16, "seconds": 2.0, "peak_mb": 100.0,
        }  # fmt: skip
        self.n_records += 1
        self.put(f"{logs}/{rule}/{self.n_records}.provenance.json", json.dumps(record).encode())

    def write_manifest(self) -> None:
        """List table and shards as the run left them."""
        records = [json.loads(p.read_bytes()) for p in self.folder.rglob("*.provenance.json")]
        outputs = [
            {"path": name, "sha256": hashlib.sha256((self.folder / name).read_bytes()).hexdigest(),
             "bytes": 1, "route": "computed", **{k: v for k, v in one.items() if k != "outputs"}}
            for one in records for name in one["outputs"]
        ]  # fmt: skip
        self.put("results/made/publish/manifest.json", json.dumps({"outputs": outputs}).encode())


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
