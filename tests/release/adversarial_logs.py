"""Random logs with everything that makes linking hard, small or of some thousand lines."""

import copy
import random

from rawlog_writing import Logs, at, call, consent

AGENTS = (("A/1", "en"), ("A/1", "fr"), ("A/", "1en"), (None, "fr"))
ADDRESSES = ("240.0.0.1", "240.0.0.2", "2001:db8::7", "10.0.0.9", "240.0.0.1:4711")
SESSIONS = ("s1", "s2", "s3", "s4", "s5", "s6")
LONG = "The same fifty characters stand at the beginning here, whatever follows: "
TEXTS = ("Hi.", "Hi!", LONG + "a", LONG + "b", "")
RECENT = 60


def random_line(rng, seconds, lines):
    """Return a call that begins anew, goes on, regenerates, edits or has gone wrong."""
    usable = [x for x in lines[-RECENT:] if isinstance(x, dict) and x["response"] and x["headers"]]
    base = rng.choice(usable) if usable and rng.random() < 0.75 else None
    history, client = [], {}
    agent, language = rng.choice(AGENTS)
    if base is not None and base["request"]["messages"][0]["role"] == "user":
        history = [m["content"] for m in base["request"]["messages"]]
        history.append(base["response"]["message"]["content"])
        history = history[: len(history) - 2 * rng.choice((0, 0, 0, 0, 1, 2))]
        agent, language = base["headers"].get("user-agent"), base["headers"]["accept-language"]
        address = base["headers"]["x-forwarded-for"].split(",")[0]
        client = {"ip": address, "model": base["request"]["model"], "session": base["session"]}
    for key, values in (
        ("ip", ADDRESSES), ("model", ("gpt-x", "gpt-y")), ("session", SESSIONS),
    ):  # fmt: skip
        if not client.get(key) or rng.random() < 0.08:
            client[key] = rng.choice(values)
    reply = None if rng.random() < 0.04 else rng.choice(("Hello.", "Oh.", "\ud83dWell.", ""))
    line = call(
        seconds, [*history, rng.choice(TEXTS)], reply, agent=agent, language=language, **client
    )
    return _gone_wrong(rng, line)


def _gone_wrong(rng, line):
    chance = rng.random()
    if line["headers"]["user-agent"] is None:
        del line["headers"]["user-agent"]
    if chance < 0.02:
        line["headers"] = None
    elif chance < 0.04:
        line["request"]["messages"].insert(0, {"role": "system", "content": "Be kind."})
    elif chance < 0.05:
        line["headers"]["x-forwarded-for"] = rng.choice(("unknown", "1.2.3", "[::1", " , 1.1.1.1"))
    elif chance < 0.06:
        said = rng.choice(("YunTian was here", "what Yuntian could do", "yuntian d, yuntian"))
        line["request"]["messages"][-1]["content"] = said
    elif chance < 0.075:
        line = b'{"time": "2023'
    elif chance < 0.08:
        line = b" \t"
    elif line["response"] is not None and chance < 0.2:
        del line["response"]["id"]
    return line


def copied(rng, lines):
    """Return a line again, as overlapping files have it, or its id with other content."""
    line = copy.deepcopy(rng.choice(lines[-RECENT:]))
    if isinstance(line, dict) and rng.random() < 0.3:
        line["request"]["messages"][-1]["content"] = "Changed."
        line["time"] = at(rng.choice((0, 5, len(lines) + 1)))
    return line


def random_logs(seed, n_calls=None) -> Logs:
    """Return logs spread over files in any order, some of them compressed."""
    rng, lines = random.Random(seed), []
    for _ in range(n_calls or rng.choice((0, 5, 40, 60, 60, 80))):
        seconds = rng.choice((-86_401, *(len(lines) + step for step in (-30, -3, -1, 0, 0, 1, 1))))
        if lines and rng.random() < 0.06:
            lines.append(copied(rng, lines))
        else:
            lines.append(random_line(rng, seconds, lines))
    lines = [line for line in lines if rng.random() > 0.06]  # never logged
    if rng.random() < 0.3:
        rng.shuffle(lines)
    kinds = rng.choice((False, False, (".gz", ""), ("", ".zst", ".bz2"), (".xz", ".lz4")))
    return Logs(
        lines, _consents(rng), _wildbench(rng, lines), n_files=rng.choice((1, 2, 7)), packed=kinds
    )


def _consents(rng):
    """Return steps in all states: both, one, none, too late, twice, withdrawn."""
    found = [
        *consent("s1"), *consent("s2", agree=20.0), *consent("s3", publish=rng.choice((None, -1))),
        *consent("s4"), *consent("s5", agree=rng.choice((None, -9.0)), publish=30.0),
        *consent("s1", agree=90.0),
    ]  # fmt: skip
    if rng.random() < 0.3:
        leaver = rng.choice(("s4", "s6", "s7"))
        found.append({"time": at(rng.choice((-9e6, 9e6))), "session": leaver, "step": "withdraw"})
    rng.shuffle(found)
    return found


def _wildbench(rng, lines):
    ends = [line["time"] for line in lines if isinstance(line, dict)]
    return [
        {"first_50": (text + "x")[:50] if text.startswith("The") else text, "timestamp": time}
        for text in ("Hi.", LONG, "Never said.")
        for time in [*rng.sample(ends, min(len(ends), 2)), None]
        if rng.random() < 0.7
    ]
