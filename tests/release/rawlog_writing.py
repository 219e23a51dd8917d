"""Write small raw logs, run the release stage on them, read what came out."""

import bz2
import gzip
import itertools
import json
import lzma
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.release.linking.link import link_calls

SALT = "5a17" * 16
_NUMBER = itertools.count(1)
START = datetime(2023, 4, 9, tzinfo=UTC)
RELEASE = {
    "name": "simulated",
    "title": "Simulated raw logs",
    "comparable": False,
    "why_not": "a test",
    "simulated": True,
    "licence": "CC0-1.0",
    "gated": False,
    "citation": "zhao2024wildchat",
    "revision": None,
}


def at(seconds: float) -> str:
    """Return a time so many seconds after the start of the collection."""
    time = START + timedelta(days=1, seconds=seconds)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def call(
    seconds, messages, reply, *, ip="240.0.0.1", agent="A/1", language="en", model="gpt-x",
    session="s1",
):  # fmt: skip
    """Return a call line; messages are texts, user and assistant in turn."""
    listed = [
        {"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(messages)
    ]
    return {
        "time": at(seconds),
        "service": "gpt-4",
        "session": session,
        "headers": {
            "user-agent": agent,
            "accept-language": language,
            "x-forwarded-for": f"{ip}, 10.0.0.7",
        },
        "request": {"model": model, "messages": listed, "temperature": 1.0, "top_p": 1.0},
        "response": None
        if reply is None
        else {
            "id": f"c{next(_NUMBER)}",
            "created": 1,
            "message": {"role": "assistant", "content": reply},
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
    }


def chat(seconds, *texts, **client):
    """Return the calls of a chat, one a second; texts are user and assistant in turn."""
    return [
        call(seconds + i // 2, texts[: i + 1], texts[i + 1], **client)
        for i in range(0, len(texts), 2)
    ]


def consent(session="s1", agree=-60.0, publish=-30.0):
    """Return the lines of a session that took both steps."""
    steps = (("agree", agree), ("publish", publish))
    return [
        {"time": at(when), "session": session, "headers": {}, "step": step}
        for step, when in steps
        if when is not None
    ]


@dataclass
class Logs:
    """Raw logs to write: lines as objects, or as bytes where they are to be broken."""

    calls: list = field(default_factory=list)
    consents: list = field(default_factory=consent)
    wildbench: list = field(default_factory=list)
    databases: list = field(default_factory=list)
    n_files: int = 1
    packed: bool | str | tuple[str, ...] = False
    """Whether logs are compressed (gzip), or how; several kinds: one file after the other."""
    release: dict = field(default_factory=lambda: dict(RELEASE))

    def _kinds(self) -> tuple[str, ...]:
        kinds = {True: (".gz",), False: ("",)}.get(self.packed, self.packed)
        return (kinds,) if isinstance(kinds, str) else kinds

    def files(self) -> dict[str, list]:
        """Return the lines of each call log."""
        size, kinds = max(-(-len(self.calls) // self.n_files), 1), self._kinds()
        return {
            f"calls-{k:05d}.jsonl{kinds[k % len(kinds)]}": self.calls[k * size : (k + 1) * size]
            for k in range(self.n_files)
        }

    def write(self, folder: Path) -> Path:
        raw = folder / "raw" / "rawlogs"
        (raw / "geoip").mkdir(parents=True)
        (raw.parent / "personal.json").write_text(json.dumps({"salt": SALT}), encoding="utf-8")
        files = self.files()
        files[f"consents-00000.jsonl{self._kinds()[-1]}"] = self.consents
        if self.wildbench:
            files["wildbench.jsonl"] = self.wildbench
        for name, lines in files.items():
            write_packed(raw / name, b"".join(map(_line, lines)))
        names = [*files]
        for source, name in self.databases:
            (raw / "geoip" / name).symlink_to(source)
            names.append(name)
        source = {"dataset": "rawlogs", "source": "simulate", "version": "test"}
        source |= {"release": self.release, "files": [{"name": name} for name in names]}
        (raw / "acquired.json").write_text(json.dumps(source), encoding="utf-8")
        return raw / "acquired.json"


def write_packed(path: Path, data: bytes) -> None:
    """Write bytes, compressed as the name says."""
    opened = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(path.suffix)
    if path.suffix in (".zst", ".lz4"):
        kind = {".zst": "zstd", ".lz4": "lz4"}[path.suffix]
        with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), kind) as stream:
            stream.write(data)
    else:
        with (opened or open)(path, "wb") as file:
            file.write(data)


def _line(item) -> bytes:
    data = item if isinstance(item, bytes) else json.dumps(item).encode()
    return data + b"\n"


class Released:
    """The canonical tables of linked raw logs, and the two reports."""

    def __init__(self, folder: Path, n_shards: int) -> None:
        self.folder = folder
        self.paths = {
            kind: [folder / "rawlogs" / f"{kind}-{k}.parquet" for k in range(n_shards)]
            for kind in ("conversations", "messages", "turns")
        }
        self.fates_path = folder / "private" / "fates.parquet"
        self.report_path = folder / "rawlogs" / "report.json"
        self.ledger_path = folder / "rawlogs" / "ledger.json"

    def rows(self, kind: str) -> list[dict]:
        second = {"messages": "position", "turns": "turn"}.get(kind)
        table = pa.concat_tables([pq.read_table(path) for path in self.paths[kind]])
        keys = ["conversation_id"] + ([second] if second else [])
        return table.sort_by([(key, "ascending") for key in keys]).to_pylist()

    def fates(self) -> list[dict]:
        return pq.read_table(self.fates_path).to_pylist()

    @property
    def report(self) -> dict:
        return json.loads(self.report_path.read_text(encoding="utf-8"))

    @property
    def ledger(self) -> list[dict]:
        return json.loads(self.ledger_path.read_text(encoding="utf-8"))

    @property
    def dropped(self) -> dict[str, int]:
        return self.ledger[0]["dropped"]

    def texts(self) -> list[list[str]]:
        """Return the texts of each conversation."""
        found: dict[int, list[str]] = {}
        for row in self.rows("messages"):
            found.setdefault(row["conversation_id"], []).append(row["text"])
        return [found[number] for number in sorted(found)]


def release(folder: Path, logs: Logs, n_shards: int = 2, **params) -> Released:
    """Write logs and link their calls."""
    acquired = logs.write(folder)
    released = Released(folder / "out", n_shards)
    link(acquired, released, **params)
    return released


def link(acquired: Path, released: Released, n_workers=1, memory_mb=1500, **settings) -> None:
    """Link the calls of logs; `settings` are those of LinkingConfig."""
    link_calls(
        acquired, **released.paths, fates=released.fates_path, report=released.report_path,
        ledger=released.ledger_path, settings=settings, n_workers=n_workers, memory_mb=memory_mb,
    )  # fmt: skip
