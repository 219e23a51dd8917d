"""A small Detoxify checkpoint for tests, and shards of messages to score."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.detoxify.training import train_detoxify

ENDLESS = 400
"""Words of a text that has far more tokens than Detoxify reads."""


def train(labelled: Path, folder: Path, seed: int = 5, n_batches: int = 150) -> Path:
    files = [folder / "model" / name for name in ("config.json", "tokenizer.json")]
    checkpoint = folder / "small.ckpt"
    train_detoxify(
        labelled,
        checkpoint,
        *files,
        folder / "model" / "tokenizer_config.json",
        seed=seed,
        n_batches=n_batches,
    )
    return checkpoint


def write_shard(path: Path, texts: list[str | None], roles: list[str] | None = None) -> Path:
    n = len(texts)
    table = {
        "conversation_id": pa.array([i // 2 for i in range(n)], pa.int64()),
        "position": pa.array([i % 2 for i in range(n)], pa.int32()),
        "role": pa.array(roles or ["user"] * n, pa.string()).dictionary_encode(),
        "text": pa.array(texts, pa.string()),
    }
    pq.write_table(pa.table(table), path)
    return path
