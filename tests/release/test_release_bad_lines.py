"""Lines that are no calls are counted by reason, with file and line; whole files must be whole."""

import copy
import json
import random

import pytest
from rawlog_writing import Logs, at, call, chat, consent, release

from wildpaper.errors import WildpaperError
from wildpaper.release.linking.call_lines import SecondLook

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
        (changed("headers", [["user-agent", "A/1"]]), "no-headers", ""),
        (changed("headers.x-forwarded-for", ["240.0.0.1"]), "no-address", ""),
        (changed("headers.x-forwarded-for", 4), "no-address", ""),
        (changed("headers.x-forwarded-for", "unknown"), "malformed-address", ""),
        (changed("headers.x-forwarded-for", "240.0.0.256"), "malformed-address", ""),
        (changed("headers.x-forwarded-for", "240.0.0.1:"), "malformed-address", ""),
        (changed("headers.x-forwarded-for", "[240.0.0.1"), "malformed-address", ""),
        (changed("headers.x-forwarded-for", "\ud800"), "malformed-address", ""),
        (changed("headers.x-forwarded-for", "9" * 5_000), "malformed-address", ""),
        (changed("request.messages", [{"role": "\ud800", "content": ""}]), "wrong-roles", ""),
        (b'{"time": ' + b"9" * 5_000 + b"}", "unparsable-line", "json"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "unparsable-line", "json"),
        (json.dumps(GOOD).encode().replace(b"Hello.", b"Hel\0lo."), "unparsable-line", "json"),
        (json.dumps(GOOD).encode("utf-16"), "unparsable-line", "json"),
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
    assert [(row["line"], row["fate"]) for row in released.fates()] == [
        (1, "kept"), (3, reason), (4, "kept"),
    ]  # fmt: skip


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


def test_of_header_names_that_differ_in_case_only_the_last_counts(tmp_path):
    headers = {"X-Forwarded-For": "240.0.0.9", "x-forwarded-for": "240.0.0.1", "USER-AGENT": 7}
    changed_headers, same = changed("headers", headers), changed("headers.user-agent", ...)
    del same["headers"]["accept-language"]
    rows = release(tmp_path, Logs([changed_headers, call(9, ["Oh."], "Yes.")])).rows("turns")
    assert rows[0]["hashed_ip"] == rows[1]["hashed_ip"]
    assert (rows[0]["user_agent"], rows[0]["accept_language"]) == (None, None)


def test_what_looks_odd_and_is_none_the_worse_is_kept(tmp_path):
    whole = json.dumps(call(1, ["CRLF."], "Yes.")).encode() + b"\r"
    marked = b"\xef\xbb\xbf" + json.dumps(call(2, ["BOM."], "Yes.")).encode()
    odd = call(3, ["NUL \0.", "", ""], "\0", agent="A\0/1", model="m\0", session="s1")
    odd["response"]["id"] = "a\0\ud800b"
    first = call(0, ["NUL \0."], "", agent="A\0/1", model="m\0")
    released = release(tmp_path, Logs([marked, whole, odd, first]))
    assert [texts[0] for texts in released.texts()] == ["CRLF.", "BOM.", "NUL \0."]
    assert released.texts()[2] == ["NUL \0.", "", "", "\0"]
    assert released.rows("turns")[2]["user_agent"] == "A\0/1"
    assert released.fates()[2]["call_id"] == "a\0b"
    assert released.dropped == {}


def test_what_cannot_be_written_still_tells_calls_apart(tmp_path):
    """Sessions, ids and models that differ in a lone surrogate only are not the same."""
    calls = [call(i, [f"{i}"], "Hm.", session=name) for i, name in enumerate(("s", "s\ud800"))]
    other = call(5, ["0", "Hm.", "More?"], "Yes.", session="s\ud800", model="gpt-x\udfff")
    for number, one in enumerate((*calls, other)):
        one["response"]["id"] = "id" + "\ud83d" * number
    released = release(tmp_path, Logs([*calls, other], consent("s\ud800")))
    assert released.texts() == [["1", "Hm."]]
    assert released.dropped == {"missing-turn": 1, "no-consent": 1}


def test_messages_of_many_megabytes_are_kept(tmp_path):
    text = "Слово, ещё слово. " * 170_000
    calls = [call(0, [text], "Long."), call(1, [text, "Long.", "More?"], text)]
    released = release(tmp_path, Logs(calls))
    assert released.texts() == [[text, "Long.", "More?", text]]


def test_addresses_are_counted_by_kind_and_ports_are_no_part_of_them(tmp_path):
    listed = (
        "240.0.0.1:99", "240.0.0.1", "[2001:db8::1]:443", "2001:db8::1", "[2001:db8::1]",
        "10.0.0.1", "fd00::1", "100.64.0.1:1", "1.2.3", "240.0.0.1, 240.0.0.2:80 , 10.0.0.7",
    )  # fmt: skip
    calls = [call(i, ["Hi."], "Hello.") for i in range(len(listed))]
    for line, text in zip(calls, listed, strict=True):
        line["headers"]["x-forwarded-for"] = text
    released = release(tmp_path, Logs(calls))
    assert released.report["addresses"] == {
        "n_ipv4": 3, "n_ipv6": 3, "n_private": 3, "n_malformed": 1, "n_several_hops": 1,
    }  # fmt: skip
    hashes = [row["hashed_ip"] for row in released.rows("turns")]
    assert len(set(hashes)) == 5
    assert len({*hashes[:2], hashes[8]}) == len(set(hashes[2:5])) == 1


def given(acquired):
    """Return logs that are written already."""
    logs = Logs()
    logs.write = lambda folder: acquired
    return logs


@pytest.mark.parametrize("kind", [".gz", ".bz2", ".xz", ".zst", ".lz4"])
def test_a_compressed_file_that_is_cut_off_stops_the_run(tmp_path, kind):
    rng = random.Random(1)
    calls = [call(i, [f"Hi {rng.random()}."], "Hello.") for i in range(400)]
    acquired = Logs(calls, packed=kind).write(tmp_path)
    path = acquired.parent / f"calls-00000.jsonl{kind}"
    path.write_bytes(path.read_bytes()[:-800])
    with pytest.raises(WildpaperError, match="cannot be read to its end") as caught:
        release(tmp_path, given(acquired))
    assert f"{path.name}, after line" in str(caught.value)
    assert not [found for found in tmp_path.glob("out/**/*") if found.is_file()]


@pytest.mark.parametrize("kind", ["", ".gz", ".bz2", ".xz", ".zst", ".lz4"])
def test_a_file_may_hold_no_calls_but_a_compressed_one_is_not_empty(tmp_path, kind):
    acquired = Logs([GOOD], packed=("", kind), n_files=2).write(tmp_path)
    assert len(release(tmp_path, given(acquired)).texts()) == 1
    (acquired.parent / f"calls-00001.jsonl{kind}").write_bytes(b"")
    if not kind:
        assert len(release(tmp_path, given(acquired)).texts()) == 1
        return
    with pytest.raises(WildpaperError, match="cannot be read to its end"):
        release(tmp_path, given(acquired))


def test_a_log_that_changes_while_it_is_read_stops_the_run(tmp_path, monkeypatch):
    """What is at a place later may be somebody else's, who never agreed."""
    acquired = Logs([GOOD]).write(tmp_path)
    path = acquired.parent / "calls-00000.jsonl"
    reading = SecondLook.line

    def changed_meanwhile(look, *place):
        path.write_bytes(path.read_bytes().replace(b"Hello.", b"Hallo."))
        return reading(look, *place)

    monkeypatch.setattr(SecondLook, "line", changed_meanwhile)
    with pytest.raises(WildpaperError, match="changed while it was read"):
        release(tmp_path, given(acquired))
    assert not [found for found in tmp_path.glob("out/**/*") if found.is_file()]


@pytest.mark.parametrize("missing", ["calls", "consents"])
def test_logs_without_calls_or_consents_are_an_error(tmp_path, missing):
    acquired = Logs([GOOD]).write(tmp_path)
    source = json.loads(acquired.read_text(encoding="utf-8"))
    source["files"] = [f for f in source["files"] if not f["name"].startswith(missing)]
    acquired.write_text(json.dumps(source), encoding="utf-8")
    with pytest.raises(WildpaperError, match=f"without {missing}"):
        release(tmp_path, given(acquired))


def test_a_listed_file_that_is_not_there_is_named(tmp_path):
    acquired = Logs([GOOD]).write(tmp_path)
    (acquired.parent / "calls-00000.jsonl").unlink()
    with pytest.raises(WildpaperError, match=r"missing: calls-00000\.jsonl"):
        release(tmp_path, given(acquired))
