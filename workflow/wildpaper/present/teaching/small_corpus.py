"""A few hundred simulated conversations as shards with labels, in seconds and without models.

The logs, their linking and the readers of the comparison sets are those of a run. The labels
stand in for slow ones: tokens are words and signs; toxicity and moderation are read off the
invented words that the simulator plants; an embedding is a sum of words at random directions.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.acquire.simulation.study import simulate_study
from wildpaper.acquire.simulation.text_markers import planted_in
from wildpaper.annotate.language.detect import detect_language
from wildpaper.annotate.near_duplicates.find import find_near_duplicates
from wildpaper.files import read_json, write_json
from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.release.linking.link import link_calls
from wildpaper.schema import (
    DETOXIFY_HEADS,
    LABELS,
    MODERATION_CATEGORIES,
    embedding_schema,
    write_labels,
)

FORMATS = {
    "lmsys_chat_1m": "lmsys-parquet",
    "sharegpt": "sharegpt-json",
    "open_assistant": "oasst-jsonl",
    "dolly": "dolly-jsonl",
    "alpaca": "alpaca-json",
}
N_CONVERSATIONS, N_PER_DATASET = 300, 60
_LENGTH_SCALE = 0.08
_N_EMBEDDED = 40
_WIDTH = 48
_SIMILAR, _SHINGLE_CHARACTERS, _N_PERMUTATIONS = 0.8, 8, 64
_LANGUAGES = (
    *("English", "Chinese", "Russian", "French", "Spanish", "German", "Portuguese", "Italian"),
    *("Turkish", "Arabic", "Japanese", "Korean", "Polish", "Vietnamese"),
)
_WORDS = re.compile(r"\w+|[^\w\s]")

Paths = list[Path]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Shards of all data sets, WildChat first.

    Attributes
    ----------
    names : list of str
    acquired, reports, conversations, messages, ledgers : list of Path
        One a data set.
    labels : dict
        {label: one file a data set}.
    linked, fates, true_calls : Path
        What linking wrote, and what it should have found.
    """

    names: list[str]
    acquired: Paths
    reports: Paths
    conversations: Paths
    messages: Paths
    ledgers: Paths
    linked: Path
    fates: Path
    true_calls: Path
    labels: dict[str, Paths] = field(default_factory=dict)


def make_corpus(folder: Path, published: Path, seed: int) -> Corpus:
    """Simulate raw logs and five comparison sets, link, read and label them below a folder."""
    _simulate(folder, published, seed)
    linked = _link(folder)
    names = ["wildchat", *FORMATS]
    for name, native_format in FORMATS.items():
        own = folder / name
        ingest_dataset(
            own / "acquired.json", [own / "conversations.parquet"], [own / "messages.parquet"],
            own / "quarantine.parquet", own / "report.json", own / "ledger.json", name,
            native_format,
        )  # fmt: skip

    def files(file: str) -> Paths:
        return [folder / name / file for name in names]

    corpus = Corpus(
        names=names,
        acquired=files("acquired.json"),
        reports=files("report.json"),
        conversations=files("conversations.parquet"),
        messages=files("messages.parquet"),
        ledgers=files("ledger.json"),
        linked=linked,
        fates=folder / "fates.parquet",
        true_calls=folder / "true-calls.parquet",
    )
    for name in names:
        _label(folder / name, name, seed, corpus)
    return corpus


def words_of(text: str) -> list[str]:
    """Return the words and signs of a text, which stand in for tokens."""
    return _WORDS.findall(text)


def _simulate(folder: Path, published: Path, seed: int) -> None:
    simulate_study(
        tokenizer=None,
        published=published,
        truth=folder / "truth.json",
        personal=folder / "personal.json",
        true_calls=folder / "true-calls.parquet",
        rawlogs=folder / "rawlogs/acquired.json",
        datasets=[folder / name / "acquired.json" for name in FORMATS],
        labelled=[],
        n_conversations=N_CONVERSATIONS,
        n_per_dataset=N_PER_DATASET,
        n_labelled=0,
        length_scale=_LENGTH_SCALE,
        seed=seed,
    )


def _link(folder: Path) -> Path:
    """Link the logs; what comes of it is the data set `wildchat`, without redaction."""
    own, linked = folder / "wildchat", folder / "linked.json"
    own.mkdir()
    link_calls(
        folder / "rawlogs/acquired.json", [own / "conversations.parquet"],
        [own / "messages.parquet"], [folder / "turns.parquet"], folder / "fates.parquet", linked,
        own / "ledger.json",
    )  # fmt: skip
    release = read_json(linked)["release"] | {"title": "Simulated WildChat, not redacted"}
    write_json(own / "report.json", {"dataset": "wildchat", "release": release})
    raw = read_json(folder / "rawlogs/acquired.json")
    write_json(own / "acquired.json", raw | {"dataset": "wildchat", "release": release})
    return linked


def _label(own: Path, name: str, seed: int, corpus: Corpus) -> None:
    """Write the labels of a data set beside its shards."""
    messages = own / "messages.parquet"
    rows = pq.read_table(messages).to_pylist()
    keys = [{"conversation_id": r["conversation_id"], "position": r["position"]} for r in rows]
    texts = [row["text"] for row in rows]
    planted = [planted_in(text) for text in texts]
    labels = {
        "tokens": [{"n_tokens": len(words_of(text))} for text in texts],
        "detoxify": [
            _scores(text, insult) for text, (insult, _) in zip(texts, planted, strict=True)
        ],
        "moderation": [_flags(categories) for _, categories in planted],
    }
    for label, values in labels.items():
        table = pa.Table.from_pylist(
            [key | value for key, value in zip(keys, values, strict=True)], LABELS[label]
        )
        write_labels(own / f"{label}.parquet", label, table, "planted-words", "computed")
    _embed(own / "embedding.parquet", rows)
    detect_language([messages], [own / "language.parquet"], [name], _LANGUAGES, "low")
    find_near_duplicates(
        [messages], [own / "near_duplicate.parquet"], name, _SIMILAR, _SHINGLE_CHARACTERS,
        _N_PERMUTATIONS, seed,
    )  # fmt: skip
    for label in (*labels, "embedding", "language", "near_duplicate"):
        corpus.labels.setdefault(label, []).append(own / f"{label}.parquet")


def _unit(text: str) -> float:
    """Return a number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _scores(text: str, insult: bool) -> dict[str, Any]:
    """Return scores like a good classifier's: high with an insult, mostly near 0 without."""
    at = _unit(text)
    toxicity = 1 - 0.95 * at**3 if insult else 0.6 * at**60
    others = dict.fromkeys(DETOXIFY_HEADS, 0.0)
    return others | {"toxicity": toxicity, "insult": toxicity, "truncated": False}


def _flags(categories: tuple[str, ...]) -> dict[str, Any]:
    found = {name: name in categories for name in MODERATION_CATEGORIES}
    scores = {f"{name}_score": 0.9 if hit else 0.01 for name, hit in found.items()}
    return {"flagged": any(found.values())} | found | scores


def _embed(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write vectors of the first prompts of the first conversations."""
    first: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["role"] == "user" and row["text"].strip():
            first.setdefault(row["conversation_id"], row)
    chosen = sorted(first.values(), key=lambda row: row["conversation_id"])[:_N_EMBEDDED]
    made = [
        {"conversation_id": row["conversation_id"], "position": row["position"],
         "vector": _vector(row["text"]).tolist()}
        for row in chosen
    ]  # fmt: skip
    schema = embedding_schema(_WIDTH)
    table = pa.Table.from_pylist(made, schema)
    write_labels(path, "embedding", table, "random-words", "computed", schema)


def _vector(text: str) -> npt.NDArray[np.float32]:
    total = np.zeros(_WIDTH)
    for word in words_of(text.casefold()):
        digest = hashlib.sha256(word.encode()).digest()
        total += np.random.default_rng(int.from_bytes(digest[:8], "big")).normal(size=_WIDTH)
    return (total / np.linalg.norm(total)).astype(np.float32)
