"""Data sets whose every count is known, written as ingest and annotate write them."""

import inspect
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.long_table import Cell, read_long_table
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
    needed = {kind: shards for kind, shards in paths.items() if kind != "languages"}
    measure_token_lengths(**needed, table=folder / "lengths.csv")
    return folder / "lengths.csv"


@dataclass
class Said:
    """One message and its labels; None where a release recorded none."""

    role: str
    text: str = "x"
    language: str | None = "English"
    toxicity: float | None = 0.0
    flagged: bool | None = False
    timestamp: datetime | None = None


@dataclass
class Chat:
    """One conversation."""

    messages: list[Said]
    user: str | None = "u"
    model: str | None = "gpt-3.5-turbo-0613"
    country: str | None = "Japan"
    timestamp: datetime | None = datetime(2023, 5, 1, tzinfo=UTC)

    @property
    def n_turns(self) -> int:
        return sum(said.role == "user" for said in self.messages)


MODELS = ("gpt-4-0314", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0301", "gpt-4o mini", "odd/1", None)
COUNTRIES = ("United States", "Japan", "Chile", "Côte d'Ivoire", "中国", None)
LANGUAGES = ("English", "Chinese", "Spanish", "Latin", "Nolang")


def random_chats(n: int = 100, seed: int = 1, users: int = 12, gaps: bool = False) -> list[Chat]:
    """Return conversations of all shapes; with gaps, some labels are missing."""
    draw = random.Random(seed)

    def say(role: str, when: datetime) -> Said:
        text, language = draw.choice(["x", "x", ""]), draw.choice(LANGUAGES)
        toxicity, flagged = draw.choice([0.0, 0.05, 0.0999, 0.2, 0.9]), draw.random() < 0.3
        replied = when if role == "assistant" else None
        said = Said(role, text, language, toxicity, flagged, replied)
        if gaps:
            for name in ("language", "toxicity", "flagged"):
                if draw.random() < 0.2:
                    setattr(said, name, None)
        return said

    chats = []
    for _ in range(n):
        month = draw.choice([0, 1, 2, 2, 5, 6])
        start = datetime(2023, 4, 9, tzinfo=UTC) + timedelta(days=31 * month, hours=draw.random())
        turns = draw.choice([1, 1, 1, 1, 1, 2, 2, 3, 4, 9, 10, 11, 12])
        roles = ["user", "assistant"] * turns
        odd = draw.choice([[], [], [], ["user"], ["system"], ["assistant", "assistant"]])
        roles = odd + roles
        if draw.random() < 0.03:
            roles = ["assistant"]
        times = [start + timedelta(minutes=i) for i in range(len(roles))]
        chats.append(
            Chat(
                [say(role, when) for role, when in zip(roles, times, strict=True)],
                draw.choice([f"u{draw.randrange(users)}"] * 5 + [None]) if users else None,
                draw.choice(MODELS),
                draw.choice(COUNTRIES),
                times[-1],
            )
        )
    return chats


def write_chats(
    folder: Path,
    chats: list[Chat],
    name: str = "wildchat",
    n_shards: int = 1,
    shuffle: int | None = None,
    simulated: bool = False,
    route: str = "recorded",
) -> dict:
    """Write the shards of a data set and its labels; return their paths by name."""
    rows: dict[str, list[list[dict]]] = {
        kind: [[] for _ in range(n_shards)]
        for kind in ("conversations", "messages", "language", "detoxify", "moderation")
    }
    for i, chat in enumerate(chats):
        add = {kind: shards[i % n_shards].append for kind, shards in rows.items()}
        add["conversations"](
            dict.fromkeys(CONVERSATIONS.names)
            | {"dataset": name, "conversation_id": i, "source_id": str(i), "user": chat.user}
            | {"model": chat.model, "country": chat.country, "timestamp": chat.timestamp}
            | {"n_turns": chat.n_turns, "n_messages": len(chat.messages), "duplicate": False}
        )
        for position, said in enumerate(chat.messages):
            key = {"conversation_id": i, "position": position}
            text = {"turn": None, "role": said.role, "text": said.text}
            add["messages"](key | text | {"timestamp": said.timestamp})
            if said.language is not None:
                add["language"](key | {"language": said.language, "confidence": 1.0})
            if said.toxicity is not None:
                scores = dict.fromkeys(LABELS["detoxify"].names, 0.0)
                add["detoxify"](scores | key | {"toxicity": said.toxicity, "truncated": False})
            if said.flagged is not None:
                schema = LABELS["moderation"]
                none = {f.name: False if f.type == pa.bool_() else 0.0 for f in schema}
                add["moderation"](none | key | {"flagged": said.flagged})
    return _write_shards(folder / name, name, rows, shuffle, simulated, route)


def _write_shards(
    folder: Path, name: str, rows: dict, shuffle: int | None, simulated: bool, route: str
) -> dict:
    folder.mkdir(parents=True)
    paths: dict = {kind: [] for kind in rows}
    for kind, shards in rows.items():
        for shard, listed in enumerate(shards):
            if shuffle is not None:
                random.Random(shuffle).shuffle(listed)
            path = folder / f"{kind}-{shard}.parquet"
            if kind in LABELS:
                table = pa.Table.from_pylist(listed, LABELS[kind])
                write_labels(path, kind, table, "planted", route)
            else:
                schema = {"conversations": CONVERSATIONS, "messages": MESSAGES}[kind]
                pq.write_table(pa.Table.from_pylist(listed, schema), path)
            paths[kind].append(path)
    paths["languages"] = paths["language"]
    paths["report"] = folder / "report.json"
    paths["reports"] = [paths["report"]]
    release = {"title": f"{name}, planted", "simulated": simulated}
    paths["report"].write_text(json.dumps({"dataset": name, "release": release}), encoding="utf-8")
    return paths


@dataclass
class Measured:
    """What a measure wrote."""

    table: Path
    notes_file: Path

    @property
    def cells(self) -> dict[tuple[str, str], Cell]:
        return {(cell.row, cell.column): cell for cell in read_long_table(self.table)}

    @property
    def values(self) -> dict[tuple[str, str], float | str | None]:
        return {key: cell.value for key, cell in self.cells.items()}

    @property
    def claims(self) -> dict[str, Cell]:
        return {cell.claim: cell for cell in read_long_table(self.table) if cell.claim}

    @property
    def notes(self) -> dict[str, str]:
        return json.loads(self.notes_file.read_text(encoding="utf-8"))

    @property
    def bytes(self) -> tuple[bytes, bytes]:
        return self.table.read_bytes(), self.notes_file.read_bytes()


SETTINGS = {"n_replicates": 15, "seed": 7, "threshold": 0.1, "minimum_prompts": 10, "linked": []}


def run_measure(function: Callable, folder: Path, paths: dict, **options) -> Measured:
    """Call a measure with those of the paths and settings that it takes."""
    folder.mkdir(parents=True, exist_ok=True)
    measured = Measured(folder / f"{function.__name__}.csv", folder / f"{function.__name__}.json")
    given = paths | SETTINGS | {"table": measured.table, "notes": measured.notes_file} | options
    function(**{name: given[name] for name in inspect.signature(function).parameters})
    return measured


def measure_chats(function: Callable, folder: Path, chats: list[Chat], **options) -> Measured:
    """Write conversations and measure them; `write` holds options of `write_chats`."""
    paths = write_chats(folder, chats, **options.pop("write", {}))
    return run_measure(function, folder, paths, **options)
