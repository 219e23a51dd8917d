"""A naive linker, in memory, written from the stated semantics alone: the simulator's judge."""

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import maxminddb

START = datetime(2023, 4, 9, tzinfo=UTC)


@dataclass
class Turn:
    time: datetime
    session: str
    ip: str
    fingerprint: str
    model: str
    messages: list[dict]
    current: str = ""
    parent: "Turn | None" = None
    is_leaf: bool = True
    is_orphan: bool = False

    @property
    def n_earlier(self) -> int:
        return len(self.messages) // 2 - 1


@dataclass
class Logs:
    """What a linker makes of a folder of logs."""

    n_lines: int = 0
    n_answered: int = 0
    dropped: Counter = field(default_factory=Counter)
    dropped_conversations: Counter = field(default_factory=Counter)
    linked: list[list[Turn]] = field(default_factory=list)
    released: list[list[Turn]] = field(default_factory=list)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def digest(messages: list[dict]) -> str:
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def read_lines(folder: Path, pattern: str) -> list[str]:
    return [
        line
        for path in sorted(folder.glob(pattern))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    ]


def parse(line: str) -> Turn | str:
    """Return a turn, or why there is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return "unparsable-line"
    if record["response"] is None:
        return "failed-call"
    headers = record.get("headers")
    if not headers:
        return "no-headers"
    asked = record["request"]["messages"]
    if [m["role"] for m in asked] != ["user", "assistant"] * (len(asked) // 2) + ["user"]:
        return "wrong-roles"
    fingerprint = headers["user-agent"] + headers["accept-language"]
    return Turn(
        moment(record["time"]),
        record["session"],
        headers["x-forwarded-for"].split(",")[0].strip(),
        hashlib.sha256(fingerprint.encode()).hexdigest(),
        record["request"]["model"],
        [*asked, record["response"]["message"]],
    )


def link(folder: Path) -> Logs:
    logs, turns = Logs(), []
    for line in read_lines(folder, "calls-*.jsonl"):
        logs.n_lines += 1
        turn = parse(line)
        if isinstance(turn, str):
            logs.dropped[turn] += 1
            continue
        logs.n_answered += 1
        if turn.time < START:
            logs.dropped["before-start"] += 1
            continue
        turns.append(turn)
    turns.sort(key=lambda turn: turn.time)
    _find_parents(turns)
    for leaf in (turn for turn in turns if turn.is_leaf):
        chain = [leaf]
        while chain[0].parent is not None:
            chain.insert(0, chain[0].parent)
        if chain[0].is_orphan:
            logs.dropped["missing-turn"] += len(chain)
        else:
            logs.linked.append(chain)
    _release(folder, logs)
    return logs


def _find_parents(turns: list[Turn]) -> None:
    by_hash: dict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        turn.current = digest(turn.messages)
        if turn.n_earlier:
            known = by_hash[digest(turn.messages[:-2])]
            fits = [t for t in known if (t.fingerprint, t.model) == (turn.fingerprint, turn.model)]
            leaves = [t for t in fits if t.is_leaf]
            near = [t for t in leaves if t.ip == turn.ip]
            if leaves:
                turn.parent = (near or leaves)[-1]
                turn.parent.is_leaf = False
            else:
                turn.is_orphan = True
        by_hash[turn.current].append(turn)


def _release(folder: Path, logs: Logs) -> None:
    steps: dict[tuple[str, str], datetime] = {}
    for line in read_lines(folder, "consents-*.jsonl"):
        record = json.loads(line)
        key = record["session"], record["step"]
        steps[key] = min(moment(record["time"]), steps.get(key, datetime.max.replace(tzinfo=UTC)))
    kept = []
    for chain in logs.linked:
        session, begun = chain[0].session, chain[0].time
        if (session, "withdraw") in steps:
            reason = "withdrawn"
        elif all(steps.get((session, step), begun) < begun for step in ("agree", "publish")):
            kept.append(chain)
            continue
        else:
            reason = "no-consent"
        logs.dropped[reason] += len(chain)
        logs.dropped_conversations[reason] += 1
    logs.linked = kept
    reserved = _reserved(folder, kept)
    for chain in kept:
        if id(chain) in reserved:
            logs.dropped["wildbench"] += len(chain)
            logs.dropped_conversations["wildbench"] += 1
        else:
            logs.released.append(chain)


def _reserved(folder: Path, chains: list[list[Turn]]) -> set[int]:
    by_opening = defaultdict(list)
    for chain in chains:
        by_opening[chain[0].messages[0]["content"][:50]].append(chain)
    found = set()
    for line in read_lines(folder, "wildbench.jsonl"):
        record = json.loads(line)
        hits = by_opening.get(record["first_50"], [])
        if len(hits) > 1:
            hits = [chain for chain in hits if chain[-1].time == moment(record["timestamp"])]
        found |= {id(chain) for chain in hits}
    return found


def user_of(chain: list[Turn]) -> str:
    return Counter(turn.ip for turn in chain).most_common(1)[0][0]


def country_of(chain: list[Turn], reader: maxminddb.Reader) -> str | None:
    countries = []
    for turn in chain:
        found = reader.get(turn.ip)
        countries.append(found["country"]["names"]["en"] if found else None)
    return Counter(countries).most_common(1)[0][0]


def texts_of(chain: list[Turn], role: str) -> list[str]:
    return [m["content"] for m in chain[-1].messages if m["role"] == role]
