"""The jobs of a run: which file came from which, in what time and memory, and what failed."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.bridge import record_path
from wildpaper.files import read_json

_LEVEL = re.compile(r"^\d\d:\d\d:\d\d (?P<level>[A-Z]+) (?P<text>.*)$")
_OURS = re.compile(r"^ {2}(Where|Hint):")
_UNEXPECTED = re.compile(r"^(Unexpected \w+ in rule \w+)\b.*")
_CELL = re.compile(r"^(Notebook cell \d+ failed: \w+)\b.*")
_FOLDER = re.compile(r"(?<![\w.])/(?:[\w.@+-]+/)+")
_TAIL_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Job:
    """One job that was done: what it made, from what, in how many seconds and MB."""

    rule: str
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    seconds: float
    peak_mb: float
    route: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One job that was started and made nothing: its error as lines, none if it left none."""

    rule: str
    name: str
    said: tuple[str, ...]

    @property
    def why(self) -> str:
        """What became of it, in one sentence."""
        if self.said:
            return self.said[0]
        return "it was started and did not finish: it was stopped, or it is still at work"


def read_jobs(manifest: dict[str, Any] | None, logs: list[Path]) -> list[Job]:
    """Return the jobs of a run, from its manifest or, without one, from the records of jobs."""
    if manifest is None:
        paths = {path for folder in logs for path in folder.rglob("*.provenance.json")}
        return [_job(read_json(path), read_json(path)["outputs"]) for path in sorted(paths)]
    together: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for entry in manifest["outputs"]:
        key = (entry["rule"], *sorted(entry["wildcards"].items()))
        together.setdefault(key, []).append(entry)
    return [_job(same[0], [entry["path"] for entry in same]) for same in together.values()]


def _job(record: dict[str, Any], outputs: list[str]) -> Job:
    return Job(
        rule=record["rule"],
        wildcards=record["wildcards"],
        inputs=tuple(record["inputs"]),
        outputs=tuple(outputs),
        seconds=record["seconds"],
        peak_mb=record["peak_mb"],
        route=record.get("route") or "",
    )


def unfinished_jobs(logs: Path) -> list[Unfinished]:
    """Return the jobs whose last start made nothing, in the order of their logs.

    Of an error only what wildpaper itself says is taken over: no text of a message can
    stand in it.
    """
    found = []
    for log in sorted(logs.rglob("*.log")):
        said = _last_error(log)
        if not _done(log, failed=bool(said)):
            found.append(Unfinished(log.parent.name, log.stem, said))
    return found


def _done(log: Path, *, failed: bool) -> bool:
    """Say whether a job was done, after its last start.

    A record may be older than its log only where files were copied: then the outputs are there.
    """
    record = record_path(log)
    if not record.is_file():
        return False
    if record.stat().st_mtime_ns >= log.stat().st_mtime_ns:
        return True
    return not failed and all(Path(path).exists() for path in read_json(record)["outputs"])


def _last_error(log: Path) -> tuple[str, ...]:
    """Return the error that ends a log, as lines; empty if none does."""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = handle.read().decode("utf-8", "replace").splitlines()
    said: list[str] = []
    for line in lines:
        entry = _LEVEL.match(line)
        if entry:
            said = [_without_values(entry["text"])] if entry["level"] == "ERROR" else []
        elif said and _OURS.match(line):
            said.append(line.strip())
    return tuple(hide_folders(line) for line in said)


def hide_folders(text: str) -> str:
    """Return a text in which files have only their names where it said their whole path."""
    return _FOLDER.sub("", text)


def _without_values(text: str) -> str:
    """Cut what an error of another library says: it may quote the data."""
    for pattern in (_UNEXPECTED, _CELL):
        text = pattern.sub(r"\1", text)
    return text
