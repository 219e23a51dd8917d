"""Lines that are no calls are counted by reason, with file and line; whole files must be whole."""

import copy
import json

import pytest
from rawlog_writing import Logs, at, call, chat, release

from wildpaper.errors import WildpaperError

GOOD = call(0, ["Hi."], "Hello.")


def changed(path, value):
    """Return a good call in which one thing is another."""
    line = copy.deepcopy(GOOD)
    *folders, last = path.split(".")
    inner = line
    for folder in folders:
        inner = inner[folder]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return line


USER, BOT = {"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hi."}


@pytest.mark.parametrize(
    ("line", "reason", "part"),
    [
        (b"{", "unparsable-line", "json"),
        (b"[1]", "unparsable-line", "json"),
        (b'{"a": "\xff"}', "unparsable-line", "json"),
        (b"[" * 200_000, "unparsable-line", "json"),
        (json.dumps(GOOD).encode()[:-5], "unparsable-line", "json"),
        (changed("time", ...), "unparsable-line", "time"),
        (changed("time", "2023-04-10T00:00:00"), "unparsable-line", "time"),
        (changed("time", "9999-12-31T23:59:59-23:00"), "unparsable-line", "time"),
        (changed("time", 1681043696), "unparsable-line", "time"),
        (changed("session", None), "unparsable-line", "session"),
        (changed("request", ...), "unparsable-line", "request"),
        (changed("request.model", 4), "unparsable-line", "request.model"),
        (changed("request.messages", "Hi."), "unparsable-line", "request.messages"),
        (changed("request.messages", [None]), "unparsable-line", "request.messages"),
        (changed("request.messages", [{"role": "user"}]), "unparsable-line", "request.messages"),
        (
            changed("request.messages", [{"role": "user", "content": [1]}]),
            "unparsable-line",
            "request.messages",
        ),
        (changed("response", ...), "unparsable-line", "response"),
        (changed("response", "Hello."), "unparsable-line", "response.message"),
        (changed("response.message.content", None), "unparsable-line", "response.message"),
        (changed("headers", None), "no-headers", ""),
        (changed("headers", {}), "no-headers", ""),
        (changed("headers", ...), "no-headers", ""),
        (changed("headers.x-forwarded-for", ...), "no-address", ""),
        (changed("headers.x-forwarded-for", " , 10.0.0.7"), "no-address", ""),
        (changed("request.messages", []), "wrong-roles", ""),
        (changed("request.messages", [BOT]), "wrong-roles", ""),
        (changed("request.messages", [USER, USER]), "wrong-roles", ""),
        (changed("request.messages", [USER, BOT]), "wrong-roles", ""),
        (changed("request.messages", [{**USER, "role": "system"}, USER]), "wrong-roles", ""),
        (changed("response.message.role", "user"), "wrong-roles", ""),
    ],
)
def test_a_bad_line_is_counted_where_it_stands(tmp_path, line, reason, part):
    released = release(tmp_path, Logs([GOOD, b"  ", line, call(5, ["Oh."], "Yes.")]))
    assert released.dropped == {reason: 1}
    assert len(released.texts()) == 2
    assert released.report["quarantine"] == {
        reason: {"n": 1, "first": [{"file": "calls-00000.jsonl", "line": 3, "part": part}]}
    }
    assert (released.report["n_lines"], released.report["n_calls_answered"]) == (3, 2)


def test_failed_calls_and_early_ones_are_no_bad_lines(tmp_path):
    early = call(-86_400.000001, ["Hi."], "Hello.")
    first = call(-86_400, ["Hi."], "Hello.")
    consents = [{"time": at(-9e5), "session": "s1", "step": step} for step in ("agree", "publish")]
    released = release(tmp_path, Logs([early, first, call(3, ["Hi."], None)], consents))
    assert released.dropped == {"before-start": 1, "failed-call": 1}
    assert released.report["quarantine"] == {}
    assert released.report["n_calls_answered"] == 2
    assert len(released.texts()) == 1


def test_a_chat_begun_before_the_start_is_missing_its_first_turn(tmp_path):
    released = release(tmp_path, Logs(chat(-86_401, "Hi.", "Hello.", "More?", "Yes.")))
    assert released.dropped == {"before-start": 1, "missing-turn": 1}


def test_another_start(tmp_path):
    logs = Logs([call(0, ["Hi."], "Hello."), call(1, ["Oh."], "Yes.")])
    released = release(tmp_path, logs, start=at(1))
    assert released.texts() == [["Oh.", "Yes."]]


def test_a_start_without_its_offset_is_an_error(tmp_path):
    with pytest.raises(WildpaperError, match="Not a time"):
        release(tmp_path, Logs([GOOD]), start="2023-04-09")


def test_the_first_twenty_bad_lines_are_listed_and_all_counted(tmp_path):
    released = release(tmp_path, Logs([b"{"] * 50 + [GOOD], n_files=3))
    found = released.report["quarantine"]["unparsable-line"]
    assert found["n"] == 50
    assert [(one["file"], one["line"]) for one in found["first"]] == [
        *[("calls-00000.jsonl", line) for line in range(1, 18)],
        *[("calls-00001.jsonl", line) for line in range(1, 4)],
    ]


def test_what_cannot_be_written_is_removed_and_counted(tmp_path):
    line = call(0, ["a\ud800b"], "c\udfff", agent="A\ud800", model="m\ud800")
    released = release(tmp_path, Logs([line]))
    assert released.texts() == [["ab", "c"]]
    assert released.rows("turns")[0]["user_agent"] == "A"
    assert released.rows("conversations")[0]["model"] == "m"
    assert released.report["n_surrogates_removed"] == 4


def test_header_names_are_read_in_any_case(tmp_path):
    line = changed("headers", {"User-Agent": "A/1", "X-Forwarded-For": "240.0.0.1"})
    (row,) = release(tmp_path, Logs([line])).rows("turns")
    assert (row["user_agent"], row["accept_language"]) == ("A/1", None)


def test_a_compressed_file_that_is_cut_off_stops_the_run(tmp_path):
    logs = Logs([call(i, [f"Hi {i * i}."], "Hello.") for i in range(400)], packed=True)
    acquired = logs.write(tmp_path)
    path = acquired.parent / "calls-00000.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-800])
    logs.write = lambda folder: acquired
    with pytest.raises(WildpaperError, match="cannot be read to its end") as caught:
        release(tmp_path, logs)
    assert "calls-00000.jsonl.gz, after line" in str(caught.value)
    assert not list(tmp_path.glob("out/**/*"))


@pytest.mark.parametrize("missing", ["calls", "consents"])
def test_logs_without_calls_or_consents_are_an_error(tmp_path, missing):
    acquired = Logs([GOOD]).write(tmp_path)
    source = json.loads(acquired.read_text(encoding="utf-8"))
    source["files"] = [f for f in source["files"] if not f["name"].startswith(missing)]
    acquired.write_text(json.dumps(source), encoding="utf-8")
    logs = Logs()
    logs.write = lambda folder: acquired
    with pytest.raises(WildpaperError, match=f"without {missing}"):
        release(tmp_path, logs)


def test_a_listed_file_that_is_not_there_is_named(tmp_path):
    acquired = Logs([GOOD]).write(tmp_path)
    (acquired.parent / "calls-00000.jsonl").unlink()
    logs = Logs()
    logs.write = lambda folder: acquired
    with pytest.raises(WildpaperError, match=r"missing: calls-00000\.jsonl"):
        release(tmp_path, logs)
