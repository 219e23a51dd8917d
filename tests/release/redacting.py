"""Messages with planted items, and what redaction made of them, as the release stage writes it."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.files import read_json
from wildpaper.release.redaction.redaction_truth import assess_redaction
from wildpaper.schema import ENTITIES, LABELS, MESSAGES, REDACTED, REDACTIONS


@dataclass
class Message:
    """A message; `hidden` are (kind, value) that are redacted, `seen` entities that are found."""

    text: str
    planted: list[tuple[str, str, str]] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    language: str = "English"
    label: str | None = None
    released: bool = True

    def spans(self, pairs):
        for kind, value in pairs:
            at = self.text.find(value)
            while at >= 0:
                yield kind, at, at + len(value)
                at = self.text.find(value, at + 1)

    @property
    def redacted(self) -> str:
        text = self.text
        for kind, value in self.hidden:
            text = text.replace(value, f"<PRESIDIO_ANONYMIZED_{kind}>")
        return text


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def planted_file(path: Path, messages: list[Message]) -> Path:
    items = [
        {
            "kind": kind, "value": value, "language": message.language, "reach": reach,
            "time": "2023-04-09T00:00:00Z", "session": "5e" * 16,
            "message_sha256": sha256(message.text),
        }
        for message in messages
        for kind, value, reach in message.planted
    ]  # fmt: skip
    whole = {"salt": "ab" * 32, "ips": ["240.0.0.1"], "sessions": ["5e" * 16], "planted": items}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def assess(folder: Path, messages: list[Message], n_shards: int = 1, **changed):
    """Write shards of the messages, one conversation each; return what is found out."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("messages", "redacted", "redactions", "language", "entities")
    schemas = dict(
        zip(names, (MESSAGES, REDACTED, REDACTIONS, LABELS["language"], ENTITIES), strict=True)
    )
    rows = {name: [[] for _ in range(n_shards)] for name in names}
    for number, message in enumerate(messages):
        if not message.released:
            continue
        key = {"conversation_id": number, "position": 0}
        base = key | {"turn": 0, "role": "user", "text": message.text, "timestamp": None}
        after = {"text": message.redacted, "redacted": message.redacted != message.text}
        label = {"language": message.label or message.language, "confidence": 1.0}
        at = number % n_shards
        rows["messages"][at].append(base)
        rows["redacted"][at].append(base | after)
        rows["language"][at].append(key | label)
        for kind, start, end in message.spans(message.hidden):
            span = {"start": start, "end": end, "kind": kind, "detail": ""}
            rows["redactions"][at].append(key | span)
        for kind, start, end in message.spans(message.seen):
            value = message.text[start:end]
            span = {"start": start, "end": end, "entity": kind, "score": 1.0, "value": value}
            rows["entities"][at].append(key | span)
    paths = {}
    for name in names:
        paths[name] = [folder / f"{name}-{k}.parquet" for k in range(n_shards)]
        for path, shard in zip(paths[name], rows[name], strict=True):
            pq.write_table(pa.Table.from_pylist(shard, schemas[name]), path)
    personal = planted_file(folder / "personal.json", messages)
    known = paths | {"personal": personal, "assessment": folder / "found.json"} | changed
    assess_redaction(**known)
    return read_json(folder / "found.json")
