"""Data sets whose every count is known, written as ingest and annotate write them."""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.measure.table_01_datasets import measure_datasets
from wildpaper.measure.token_lengths import measure_token_lengths
from wildpaper.schema import CONVERSATIONS, LABELS, MESSAGES, write_labels

Message = tuple[str, int, str]  # role, tokens, language


@dataclass
class Planted:
    """Conversations as (user, messages)."""

    name: str = "wildchat"
    conversations: list[tuple[str | None, list[Message]]] = field(default_factory=list)
    simulated: bool = False
    duplicates: set[int] = field(default_factory=set)

    def of(self, role: str) -> list[int]:
        return [n for _, c in self.conversations for who, n, _ in c if who == role]


def random_set(n: int = 60, seed: int = 1, name: str = "wildchat", users: int = 9) -> Planted:
    """Return conversations of all shapes that the row policy keeps."""
    draw = random.Random(seed)
    planted = Planted(name)
    for _ in range(n):
        roles = draw.choice(
            [["user", "assistant"], ["user", "assistant"] * 3, ["assistant", "user"],
             ["user", "user", "assistant"], ["system", "user"], ["user"]]
        )  # fmt: skip
        languages = ["English", "German", "Nolang"]
        messages = [
            (role, draw.choice([0, 1, 2, 3, draw.randrange(4, 5000)]), draw.choice(languages))
            for role in roles
        ]
        planted.conversations.append((f"u{draw.randrange(users)}" if users else None, messages))
    return planted


def write_set(
    folder: Path, planted: Planted, n_shards: int = 1, shuffle: int | None = None
) -> dict[str, list[Path]]:
    """Write the shards of a data set; `shuffle` changes the order of rows within each file."""
    rows: dict[str, list[list[dict]]] = {
        kind: [[] for _ in range(n_shards)]
        for kind in ("conversations", "messages", "tokens", "languages")
    }
    for i, (user, messages) in enumerate(planted.conversations):
        shard = i % n_shards
        roles = [role for role, _, _ in messages]
        rows["conversations"][shard].append(
            dict.fromkeys(CONVERSATIONS.names)
            | {"dataset": planted.name, "conversation_id": i, "source_id": str(i), "user": user}
            | {"n_turns": roles.count("user"), "n_messages": len(roles)}
            | {"duplicate": i in planted.duplicates}
        )
        for position, (role, n_tokens, language) in enumerate(messages):
            key = {"conversation_id": i, "position": position}
            text = {"turn": None, "role": role, "text": "", "timestamp": None}
            rows["messages"][shard].append(key | text)
            rows["tokens"][shard].append(key | {"n_tokens": n_tokens})
            rows["languages"][shard].append(key | {"language": language, "confidence": 1.0})
    schemas = {
        "conversations": CONVERSATIONS,
        "messages": MESSAGES,
        "tokens": LABELS["tokens"],
        "languages": LABELS["language"],
    }
    folder = folder / planted.name
    folder.mkdir(parents=True)
    paths: dict[str, list[Path]] = {kind: [] for kind in rows}
    for kind, shards in rows.items():
        for shard, listed in enumerate(shards):
            if shuffle is not None:
                random.Random(shuffle).shuffle(listed)
            path = folder / f"{kind}-{shard}.parquet"
            table = pa.Table.from_pylist(listed, schemas[kind])
            if kind in ("tokens", "languages"):
                write_labels(path, kind.removesuffix("s") if kind == "languages" else kind,
                             table, "planted", "computed")  # fmt: skip
            else:
                pq.write_table(table, path)
            paths[kind].append(path)
    report = {"title": f"{planted.name}, planted", "simulated": planted.simulated}
    paths["reports"] = [folder / "report.json"]
    paths["reports"][0].write_text(
        json.dumps({"dataset": planted.name, "release": report}), encoding="utf-8"
    )
    return paths


def joined(*sets: dict[str, list[Path]]) -> dict[str, list[Path]]:
    return {kind: [path for one in sets for path in one[kind]] for kind in sets[0]}


def measure(folder: Path, paths: dict[str, list[Path]], **options) -> tuple[Path, Path]:
    """Measure Table 1; return the table and its notes."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"deviation": "population", "minimum_prompts": 10, "n_replicates": 20, "seed": 7}
    table, notes = folder / "table.csv", folder / "notes.json"
    measure_datasets(**paths, table=table, notes=notes, **(settings | options))
    return table, notes


def measure_lengths(folder: Path, paths: dict[str, list[Path]]) -> Path:
    measure_token_lengths(**paths, table=folder / "lengths.csv")
    return folder / "lengths.csv"
