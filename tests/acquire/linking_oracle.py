"""A naive linker, in memory, written from the stated semantics alone: the simulator's judge."""

import gzip
import hashlib
import ipaddress
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
    call_id: str = ""
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
    kept: list[list[Turn]] = field(default_factory=list)
    released: list[list[Turn]] = field(default_factory=list)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def digest(messages: list[dict]) -> str:
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def content(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def read_lines(folder: Path, pattern: str) -> list[str]:
    paths = sorted(folder.glob(pattern))
    return [line for path in paths for line in content(path).split("\n") if line]


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
    ip = headers["x-forwarded-for"].split(",")[0].strip()
    if not is_address(ip):
        return "malformed-address"
    if "message" not in record["response"]:
        return "unparsable-line"
    asked = record["request"]["messages"]
    if [m["role"] for m in asked] != ["user", "assistant"] * (len(asked) // 2) + ["user"]:
        return "wrong-roles"
    messages = [*asked, record["response"]["message"]]
    if any("yuntian" in message["content"].lower() for message in messages):
        return "own-traffic"
    fingerprint = headers["user-agent"] + headers["accept-language"]
    return Turn(
        moment(record["time"]),
        record["session"],
        ip,
        hashlib.sha256(fingerprint.encode()).hexdigest(),
        record["request"]["model"],
        messages,
        record["response"]["id"],
    )


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def link(folder: Path) -> Logs:
    logs = Logs()
    read, turns = [], []
    for line in read_lines(folder, "calls-*.jsonl*"):
        logs.n_lines += 1
        turn = parse(line)
        if isinstance(turn, str):
            logs.dropped[turn] += 1
        else:
            read.append(turn)
    known = set()
    for turn in sorted(read, key=lambda turn: turn.time):
        if turn.call_id in known:
            logs.dropped["duplicate-call"] += 1
            continue
        known.add(turn.call_id)
        logs.n_answered += 1
        if turn.time < START:
            logs.dropped["before-start"] += 1
            continue
        turns.append(turn)
    _find_parents(turns)
    for leaf in (turn for turn in turns if turn.is_leaf):
        chain = [leaf]
        while chain[0].parent is not None:
            chain.insert(0, chain[0].parent)
        if chain[0].is_orphan:
            logs.dropped["missing-turn"] += len(chain)
        else:
            logs.linked.append(chain)
    _release(folder, logs, read)
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


def _release(folder: Path, logs: Logs, read: list[Turn]) -> None:
    steps: dict[tuple[str, str], datetime] = {}
    for line in read_lines(folder, "consents-*.jsonl"):
        record = json.loads(line)
        key = record["session"], record["step"]
        steps[key] = min(moment(record["time"]), steps.get(key, datetime.max.replace(tzinfo=UTC)))
    kept = []
    withdrawn = {turn.ip for turn in read if (turn.session, "withdraw") in steps}
    for chain in logs.linked:
        session, begun = chain[0].session, chain[0].time
        if any(turn.ip in withdrawn for turn in chain):
            reason = "withdrawn"
        elif all(steps.get((session, step), begun) < begun for step in ("agree", "publish")):
            kept.append(chain)
            continue
        else:
            reason = "no-consent"
        logs.dropped[reason] += len(chain)
        logs.dropped_conversations[reason] += 1
    logs.kept = kept
    minors = _on_minors(folder)
    reserved = _reserved(folder, kept)
    for chain in kept:
        if id(chain) in reserved:
            logs.dropped["wildbench"] += len(chain)
            logs.dropped_conversations["wildbench"] += 1
        elif minors & {sha256(m["content"]) for m in chain[-1].messages}:
            logs.dropped["sexual-minors"] += len(chain)
            logs.dropped_conversations["sexual-minors"] += 1
        else:
            logs.released.append(chain)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _on_minors(folder: Path) -> set[str]:
    answers = map(json.loads, read_lines(folder, "moderation-*.jsonl"))
    return {answer["sha256"] for answer in answers if answer["categories"]["sexual_minors"]}


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


class Places:
    """The dated databases of a folder: the newest that is not after a turn says where it was."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.mmdb"))
        self._dated = [(path.stem[-8:], maxminddb.open_database(path)) for path in paths]

    def record(self, turn: Turn) -> dict | None:
        day = turn.time.strftime("%Y%m%d")
        return next(r for date, r in reversed(self._dated) if date <= day).get(turn.ip)

    def country(self, chain: list[Turn]) -> str | None:
        found = [self.record(turn) for turn in chain]
        countries = [one["country"]["names"]["en"] if one else None for one in found]
        return Counter(countries).most_common(1)[0][0]


def texts_of(chain: list[Turn], role: str) -> list[str]:
    return [m["content"] for m in chain[-1].messages if m["role"] == role]
