"""Labels and redactions planted by words in texts, a release assembled of them, read again."""

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rawlog_writing import Released, call

from wildpaper.release.assemble import assemble_release
from wildpaper.schema import (
    DETOXIFY_HEADS,
    LABELS,
    MODERATION_CATEGORIES,
    REDACTED,
    write_labels,
)

NAME = "Ann Example"
PLACEHOLDER = "<PRESIDIO_ANONYMIZED_PERSON>"


WORDS = (
    "Hi.", "oui", "", "  ", "tox0.5", "tox0.1", "bare-flag", "sexual_minors", "hate", "Well.",
    f"I am {NAME}.", f"{NAME} oui tox0.5",
)  # fmt: skip


def random_calls(seed, n):
    """Return the calls of n chats of distinct people; some change address or browser."""
    rng, calls = random.Random(seed), []
    for i in range(n):
        texts = []
        for turn in range(rng.choice((1, 1, 2, 3, 6))):
            texts += [f"{rng.choice(WORDS)} {i}" if turn == 0 else rng.choice(WORDS)]
            texts += [rng.choice(WORDS)]
            made = call(
                i * 100 + turn, texts[:-1], texts[-1],
                ip=f"240.0.{i}.{rng.choice((0, 0, 1))}", agent=f"A/{i}",
                language=f"l{i}", model=f"m{i % 3}",
            )  # fmt: skip
            calls.append(made)
    return calls


def language_of(text: str) -> str:
    return "Nolang" if not text.strip() else "French" if "oui" in text else "English"


def is_toxic(text: str, threshold=0.1) -> bool:
    either = toxicity_of(text) > threshold or "bare-flag" in text
    return text != "" and (either or any(flagged(text, c) for c in MODERATION_CATEGORIES))


def toxicity_of(text: str) -> float:
    """Return the number after "tox" in a text, else something small, as a label holds it."""
    score = float(text.partition("tox")[2].split()[0]) if "tox" in text else 0.01
    return float(np.float32(score))


def flagged(text: str, category: str) -> bool:
    return category in text.split()


def labels_of(messages: list[dict]) -> dict[str, list[dict]]:
    """Return rows of labels for rows of messages."""
    found: dict[str, list[dict]] = {"language": [], "detoxify": [], "moderation": []}
    for row in messages:
        key = {name: row[name] for name in ("conversation_id", "position")}
        text = row["text"]
        found["language"].append(key | {"language": language_of(text), "confidence": 0.5})
        heads = {head: i / 100 for i, head in enumerate(DETOXIFY_HEADS)}
        heads |= {"toxicity": toxicity_of(text), "truncated": False}
        found["detoxify"].append(key | heads)
        categories = {name: flagged(text, name) for name in MODERATION_CATEGORIES}
        scores = {f"{n}_score": (i + yes) / 16 for i, (n, yes) in enumerate(categories.items())}
        either = any(categories.values()) or "bare-flag" in text
        found["moderation"].append(key | {"flagged": either} | categories | scores)
    return found


def after_redaction(text: str) -> str:
    return text.replace(NAME, PLACEHOLDER)


def write_redacted(folder: Path, released: Released, change=lambda rows: rows) -> list[Path]:
    """Write the messages of all shards after redaction; `change` may spoil the rows."""
    paths = []
    for k, path in enumerate(released.paths["messages"]):
        rows = [
            row | {"text": after_redaction(row["text"]), "redacted": NAME in row["text"]}
            for row in pq.read_table(path).to_pylist()
        ]
        paths.append(folder / "private" / f"redacted-{k}.parquet")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(change(rows), REDACTED), paths[-1])
    return paths


def write_shards(folder: Path, released: Released, change=lambda label, rows: rows):
    """Write labels of all shards; `change` may spoil the rows of a shard."""
    paths: dict[str, list[Path]] = {label: [] for label in ("language", "detoxify", "moderation")}
    for k, path in enumerate(released.paths["messages"]):
        rows = labels_of(pq.read_table(path).to_pylist())
        for label, found in paths.items():
            found.append(folder / "annotate" / label / f"rawlogs-{k}.parquet")
            table = pa.Table.from_pylist(change(label, rows[label]), LABELS[label])
            write_labels(found[-1], label, table, f"{label}-test", "computed")
    return paths


def rewrite(path: Path, change) -> None:
    """Change the rows of a parquet file."""
    table = pq.read_table(path)
    changed = pa.Table.from_pylist(change(table.to_pylist()), table.schema)
    pq.write_table(changed, path)


def assemble(
    folder: Path, released: Released, rawlogs: Path, n_files=2, labels=None, redacted=None,
    **params,
):  # fmt: skip
    """Assemble a release; return its folder."""
    labels = labels or write_shards(folder, released)
    names = [f"train-{k:05d}-of-{n_files:05d}.parquet" for k in range(n_files)]
    out = folder / "release"
    assemble_release(
        conversations=released.paths["conversations"],
        redacted=redacted or write_redacted(folder, released),
        turns=released.paths["turns"],
        **labels,
        rawlogs=rawlogs,
        full=[out / "wildchat-full" / name for name in names],
        public=[out / "wildchat-public" / name for name in names],
        acquired=out / "wildchat-full" / "acquired.json",
        card_full=out / "wildchat-full" / "README.md",
        card_public=out / "wildchat-public" / "README.md",
        report=out / "report.json",
        ledger=out / "ledger.json",
        **params,
    )
    return out


def read_release(out: Path, variant: str) -> list[dict]:
    files = sorted((out / f"wildchat-{variant}").glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in files]).to_pylist()


def read_json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))
