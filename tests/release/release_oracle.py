"""Linking as the authors describe it, slow and plain: what the release stage must find.

Written from their description alone, with nothing of the library in it.
"""

import hashlib
import json
from datetime import datetime


def _sha256(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _read(line):
    """Return (reason, None) or ("", call) of one line."""
    if isinstance(line, bytes):
        return "unparsable-line", None
    if line["response"] is None:
        return "failed-call", None
    if not line.get("headers"):
        return "no-headers", None
    messages = line["request"]["messages"]
    roles = [message["role"] for message in messages]
    if roles != (["user", "assistant"] * len(roles))[: len(roles)] or len(roles) % 2 == 0:
        return "wrong-roles", None
    if datetime.fromisoformat(line["time"]) < datetime.fromisoformat("2023-04-09T00:00:00Z"):
        return "before-start", None
    headers = line["headers"]
    reply = {"content": line["response"]["message"]["content"], "role": "assistant"}
    agent, language = headers.get("user-agent"), headers.get("accept-language")
    return "", {
        "time": datetime.fromisoformat(line["time"]),
        "session": line["session"],
        "ip": headers["x-forwarded-for"].split(",")[0],
        "agent": agent,
        "language": language,
        "fingerprint": hashlib.sha256(((agent or "") + (language or "")).encode()).hexdigest(),
        "model": line["request"]["model"],
        "messages": [*messages, reply],
        "hash": _sha256([*messages, reply]),
        "previous": _sha256([*messages, reply][:-2]),
        "n_earlier": len(messages) // 2,
        "parent": None,
        "leaf": True,
        "missing": False,
    }


def _find_parents(calls) -> None:
    for i, one in enumerate(calls):
        if one["n_earlier"] == 0:
            continue
        for same in (("fingerprint", "ip", "model"), ("fingerprint", "model")):
            candidates = [
                other
                for other in calls[:i]
                if other["hash"] == one["previous"]
                and other["leaf"]
                and all(other[key] == one[key] for key in same)
            ]
            if candidates:
                one["parent"] = candidates[-1]
                candidates[-1]["leaf"] = False
                break
        else:
            one["missing"] = True


def _objection(chain, consents) -> str:
    sessions = {call["session"]: None for call in chain}
    if any(c["step"] == "withdraw" and c["session"] in sessions for c in consents):
        return "withdrawn"
    for session in sessions:
        first = min(call["time"] for call in chain if call["session"] == session)
        for step in ("agree", "publish"):
            times = [
                datetime.fromisoformat(c["time"])
                for c in consents
                if c["session"] == session and c["step"] == step
            ]
            if not any(time < first for time in times):
                return "no-consent"
    return ""


def _listed(chain, chains, wildbench) -> bool:
    def opening(one):
        return one[0]["messages"][0]["content"][:50]

    for entry in wildbench:
        same = [other for other in chains if opening(other) == entry["first_50"]]
        if opening(chain) == entry["first_50"] and (
            len(same) == 1 or chain[-1]["time"] == datetime.fromisoformat(entry["timestamp"])
        ):
            return True
    return False


def expected(lines, consents, wildbench):
    """Return (chains of calls that are released, in order; {reason: calls dropped})."""
    dropped: dict[str, int] = {}
    calls = []
    for line in lines:
        reason, found = _read(line)
        if reason:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            calls.append(found)
    calls.sort(key=lambda one: one["time"])
    _find_parents(calls)
    agreed = []
    for leaf in (one for one in calls if one["leaf"]):
        chain = [leaf]
        while chain[0]["parent"] is not None:
            chain.insert(0, chain[0]["parent"])
        reason = "missing-turn" if chain[0]["missing"] else _objection(chain, consents)
        if reason:
            dropped[reason] = dropped.get(reason, 0) + len(chain)
        else:
            agreed.append(chain)
    listed = [chain for chain in agreed if _listed(chain, agreed, wildbench)]
    if listed:
        dropped["wildbench"] = sum(map(len, listed))
    return [chain for chain in agreed if chain not in listed], dropped


def first_mode(values):
    """Return the most frequent value, the first seen of equally frequent ones."""
    best = max(values.count(value) for value in values)
    return next(value for value in values if values.count(value) == best)
