"""Linking as it is described, slow and plain: what the release stage must find.

Written from the description alone (docs/raw-logs.md), with nothing of the library in it.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from release_oracle_lines import DEFAULTS, address_of, read_line


@dataclass
class Expected:
    """What a release of logs must hold.

    `chains` are the conversations that are released, in order, each a list of calls;
    `fates` are rows (file, line, call id, fate, chain, turn, conversation).
    """

    chains: list[list[dict]] = field(default_factory=list)
    dropped: Counter = field(default_factory=Counter)
    fates: list[tuple] = field(default_factory=list)
    causes: Counter = field(default_factory=Counter)
    n_same: int = 0
    n_other: int = 0


def _without_copies(calls, settings, found):
    """Return the calls that do not repeat one before them; note the others."""
    if settings["duplicate_calls"] == "keep":
        return calls
    known, kept = {}, []
    for one in calls:
        key = one["id"] or (one["time"], one["session"], one["hash"])
        if key not in known:
            known[key] = one
            kept.append(one)
            continue
        one["fate"] = "duplicate-call"
        if known[key]["hash"] == one["hash"]:
            found.n_same += 1
        else:
            found.n_other += 1
    return kept


def _parent(one, earlier, settings):
    """Return (the call that one continues, ""), or (None, why there is none)."""
    fits = [o for o in earlier if o["fingerprint"] == one["fingerprint"]]
    if settings["same_model"]:
        fits = [o for o in fits if o["model"] == one["model"]]
    if not fits:
        return None, "other-device-or-model" if earlier else "not-logged"
    here = [o for o in fits if o["ip"] == one["ip"]]
    groups = [here, fits] if settings["across_addresses"] else [here]
    hours = settings["within_hours"]
    longest = timedelta.max if hours is None else timedelta(hours=hours)
    open_groups = [[o for o in group if not o["continued"]] for group in groups]
    if settings["continued_parents"] == "branch":
        open_groups += groups
    for group in open_groups:
        recent = [o for o in group if one["time"] - o["time"] <= longest]
        if recent:
            return recent[-1], ""
    if any(open_groups):
        return None, "too-long-ago"
    return None, "already-continued" if groups[-1] else "other-address"


def _find_parents(calls, settings, found) -> None:
    ended = defaultdict(list)
    all_ends = {one["hash"] for one in calls}
    for one in calls:
        if one["n_earlier"]:
            parent, cause = _parent(one, ended[one["previous"]], settings)
            if parent is None:
                one["missing"] = True
                if cause == "not-logged" and one["previous"] in all_ends:
                    cause = "not-yet-logged"
                found.causes[cause] += 1
            else:
                one["parent"] = parent
                parent["continued"] = True
        ended[one["hash"]].append(one)


def _objection(chain, consents, withdrawn, left) -> str:
    if any(one["session"] in withdrawn or one["ip"] in left for one in chain):
        return "withdrawn"
    for session in {one["session"] for one in chain}:
        first = min(one["time"] for one in chain if one["session"] == session)
        for step in ("agree", "publish"):
            if not any(time < first for time in consents[session, step]):
                return "no-consent"
    return ""


def _left(lines, withdrawn, settings) -> set[str]:
    """Return the addresses that sessions which withdrew called from, however it went."""
    found = set()
    for line in lines:
        if settings["withdrawal"] == "address" and isinstance(line, dict) and line.get("headers"):
            headers = {name.lower(): value for name, value in line["headers"].items()}
            client = address_of(headers, settings)
            usable = client and (client[1] or settings["malformed_address"] == "keep")
            if usable and line.get("session") in withdrawn:
                found.add(client[0])
    return found


def _reserved(agreed, wildbench, settings) -> list[list[dict]]:
    def start(chain):
        return chain[0]["messages"][0]["content"][: settings["wildbench_characters"]]

    found = []
    for entry in wildbench:
        opening = entry["first_50"][: settings["wildbench_characters"]]
        same = [chain for chain in agreed if start(chain) == opening]
        if len(same) > 1:
            listed = entry["timestamp"] and datetime.fromisoformat(entry["timestamp"])
            same = [chain for chain in same if chain[-1]["time"] == listed]
        found += same
    return found


def _calls_of(files, settings, found):
    """Return all usable calls by time, and note why the other lines are none."""
    calls = []
    for name in sorted(files):
        for number, line in enumerate(files[name], start=1):
            if isinstance(line, bytes) and not line.strip():
                continue
            reason, call = read_line(line, settings)
            if call is None:
                response = None if isinstance(line, bytes) else line["response"]
                fate = (name, number, response and response.get("id"), reason, None, None, None)
                found.fates.append(fate)
            else:
                calls.append(call | {"place": (name, number)})
    calls.sort(key=lambda one: one["time"])
    return calls


def _chains_of(calls) -> list[list[dict]]:
    chains = []
    for leaf in (one for one in calls if not one["continued"]):
        chain = [leaf]
        while chain[0]["parent"] is not None:
            chain.insert(0, chain[0]["parent"])
        chains.append(chain)
    return chains


def expected(files, consents, wildbench=(), **changed) -> Expected:
    """Return what becomes of logs: files by name, each a list of lines."""
    settings, found = DEFAULTS | changed, Expected()
    read = _calls_of(files, settings, found)
    calls = _without_copies(read, settings, found)
    start = datetime.fromisoformat(settings["start"])
    for one in calls:
        if one["time"] < start:
            one["fate"] = "before-start"
    calls = [one for one in calls if one["time"] >= start]
    _find_parents(calls, settings, found)
    steps = defaultdict(list)
    for line in consents:
        steps[line["session"], line["step"]].append(datetime.fromisoformat(line["time"]))
    withdrawn = {session for session, step in steps if step == "withdraw"}
    left = _left([line for lines in files.values() for line in lines], withdrawn, settings)
    whole, agreed = [], []
    for chain in _chains_of(calls):
        if chain[0]["missing"] and settings["missing_turn"] == "discard":
            for one in chain:
                one["fate"] = "missing-turn"
            continue
        whole.append((chain, _objection(chain, steps, withdrawn, left)))
        if not whole[-1][1]:
            agreed.append(chain)
    reserved = [id(chain) for chain in _reserved(agreed, wildbench, settings)]
    _tell_fates(read, whole, reserved, found)
    return found


def _tell_fates(read, whole, reserved, found) -> None:
    """Fill in what became of each usable call, and count by line."""
    for one in read:
        if "fate" in one:
            found.fates.append((*one["place"], one["id"], one["fate"], None, None, None))
    for number, (chain, why) in enumerate(whole):
        fate = why or ("wildbench" if id(chain) in reserved else "kept")
        conversation = len(found.chains) if fate == "kept" else None
        if fate == "kept":
            found.chains.append(chain)
        for turn, one in enumerate(chain):
            found.fates.append((*one["place"], one["id"], fate, number, turn, conversation))
    found.fates.sort(key=lambda row: (row[0], row[1], row[6] is None, row[4]))
    by_line = {}
    for row in found.fates:
        by_line.setdefault(row[:2], row[3])
    found.dropped.update(fate for fate in by_line.values() if fate != "kept")


def texts_of(chain) -> list[str]:
    """Return the texts of a conversation: those of its turns, as its last call has them."""
    return [
        message["content"].encode("utf-8", "ignore").decode()
        for message in chain[-1]["messages"][-2 * len(chain) :]
    ]


def first_mode(values):
    """Return the most frequent value, the first seen of equally frequent ones."""
    best = max(values.count(value) for value in values)
    return next(value for value in values if values.count(value) == best)
