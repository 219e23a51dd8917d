"""Asking a loopback interface for the moderation of some texts."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from moderation_server import BAD, Interface

from wildpaper.annotate.moderation.ask import ask_moderation

MODEL = "omni-moderation-latest"
KEY = "sk-planted-0123456789abcdef"
OPTIONS = {
    "model": MODEL,
    "request_texts": 4,
    "request_tokens": 200,
    "concurrency": 4,
    "requests_per_minute": 60_000,
    "timeout_s": 1.0,
    "attempts": 4,
    "usd_per_million_tokens": 0.0,
    "most_texts": 1_000,
    "most_usd": 0.0,
}


def texts(n: int, first: int = 0) -> list[str]:
    return [f"text {i} 😀{' ' + BAD if i % 5 == 0 else ''}" for i in range(first, first + n)]


def write_shard(path: Path, texts: list[str]) -> Path:
    n = len(texts)
    keys = {
        "conversation_id": pa.array([i // 2 for i in range(n)], pa.int64()),
        "position": pa.array([i % 2 for i in range(n)], pa.int32()),
    }
    pq.write_table(pa.table(keys | {"text": pa.array(texts, pa.string())}), path)
    return path


def ask(folder: Path, interface: Interface | str, *shards: list[str], **changes) -> dict:
    files = [write_shard(folder / f"wildchat-{i}.parquet", s) for i, s in enumerate(shards)]
    endpoint = interface if isinstance(interface, str) else interface.url
    options = {"endpoint": endpoint, "answers": str(folder / "store"), **OPTIONS, **changes}
    ask_moderation(files, folder / "report.json", **options)
    return json.loads((folder / "report.json").read_text())


def stored(folder: Path) -> list[dict]:
    lines = (folder / "store" / "moderation-asked.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
