"""Each switch of linking, on a log where it changes what comes out."""

import hashlib
import hmac
import typing

import pytest
from rawlog_writing import SALT, Logs, at, call, chat, consent, release
from release_oracle_lines import DEFAULTS

from wildpaper.config_release import LinkingConfig
from wildpaper.release.linking.call_own_traffic import LOWER_TO_ASCII, OwnTraffic

TWO = ["Hi.", "Hello.", "More?", "Yes."]
EDITED = call(5, ["Hi.", "Hello.", "Else?"], "No.")
REGENERATED = [*chat(0, *TWO), EDITED, call(6, ["Hi.", "Hello.", "Else?", "No.", "Why?"], "So.")]
TORN = [
    *chat(0, "Hi.", "Hello."), call(2, ["Hi.", "Hello.", "Lost?", "Lost.", "More?"], "Yes."),
    call(3, ["Hi.", "Hello.", "Lost?", "Lost.", "More?", "Yes.", "Oh?"], "No."),
]  # fmt: skip


def moved(**change):
    """Return a chat whose second call comes from elsewhere."""
    return [*chat(0, "Hi.", "Hello."), call(3_600, TWO[:3], "Yes.", **change)]


def with_system(*roles):
    line = call(0, ["Hi."], "Hello.")
    asides = [{"role": role, "content": "Be kind."} for role in roles]
    line["request"]["messages"][:0] = asides
    return line


def from_addresses(*listed):
    calls = [call(i, [f"{i}"], "Hello.") for i in range(len(listed))]
    for line, text in zip(calls, listed, strict=True):
        line["headers"]["x-forwarded-for"] = text
    return calls


def said(*texts):
    return [call(i, [text], "Hello.") for i, text in enumerate(texts)]


SAME_ID = [call(0, ["a"], "b"), call(1, ["c"], "d")]
SAME_ID[1]["response"]["id"] = SAME_ID[0]["response"]["id"]
SWITCHES = [
    ("start", at(1), said("a", "b"), [["a", "Hello."], ["b", "Hello."]], [["b", "Hello."]]),
    ("own_traffic", "TEST", said("yuntian", "test"), [["test", "Hello."]], [["yuntian", "Hello."]]),
    ("own_traffic", "", said("Yuntian"), [], [["Yuntian", "Hello."]]),
    ("own_traffic_except", ("YUNTIAN x",), said("yuntian x", "a yuntian d"),
     [["a yuntian d", "Hello."]], [["yuntian x", "Hello."]]),
    ("leading_system", "remove", [with_system("system", "system")], [], [["Hi.", "Hello."]]),
    ("malformed_address", "keep", from_addresses("unknown"), [], [["0", "Hello."]]),
    ("duplicate_calls", "keep", SAME_ID, [["a", "b"]], [["a", "b"], ["c", "d"]]),
    ("same_model", False, moved(model="gpt-y"), [["Hi.", "Hello."]], [TWO]),
    ("across_addresses", False, moved(ip="240.0.0.2"), [TWO], [["Hi.", "Hello."]]),
    ("within_hours", 0.999, moved(), [TWO], [["Hi.", "Hello."]]),
    ("within_hours", 1.0, moved(), [TWO], [TWO]),
    ("continued_parents", "branch", REGENERATED, [TWO],
     [TWO, ["Hi.", "Hello.", "Else?", "No.", "Why?", "So."]]),
    ("missing_turn", "keep-rest", TORN, [["Hi.", "Hello."]],
     [["Hi.", "Hello."], ["More?", "Yes.", "Oh?", "No."]]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "calls", "usual", "changed"), SWITCHES)
def test_a_switch_does_what_it_says(tmp_path, key, value, calls, usual, changed):
    logs = Logs(calls)
    assert release(tmp_path / "usual", logs).texts() == usual
    released = release(tmp_path / "changed", logs, **{key: value})
    assert released.texts() == changed
    assert released.report["settings"][key] == (list(value) if key.endswith("except") else value)


def test_the_defaults_are_those_of_the_description():
    told = {name: field.default for name, field in LinkingConfig.model_fields.items()}
    assert told == DEFAULTS | {"address_hash": "sha256"}


def test_every_switch_is_tried_with_all_that_it_may_be():
    tried = {(key, value) for key, value, *_ in SWITCHES}
    others = {("client_address", "last"), ("withdrawal", "session"), ("address_hash", "hmac")}
    for name, field in LinkingConfig.model_fields.items():
        for value in set(typing.get_args(field.annotation)) - {field.default, type(None)}:
            if isinstance(value, str):
                assert (name, value) in tried | others
        assert name in {key for key, _ in tried | others} | {"wildbench_characters"}


def test_the_client_is_the_first_address_or_the_one_our_own_proxy_wrote(tmp_path):
    calls = from_addresses("240.6.6.6, 240.0.0.1", "240.0.0.1", "unknown, 240.0.0.1")
    first = release(tmp_path / "first", Logs(calls))
    assert first.dropped == {"malformed-address": 1}
    assert len({row["hashed_ip"] for row in first.rows("turns")}) == 2
    last = release(tmp_path / "last", Logs(calls), client_address="last")
    assert len({row["hashed_ip"] for row in last.rows("turns")}) == 1
    assert len(last.texts()) == 3


@pytest.mark.parametrize("kind", ["sha256", "hmac"])
def test_addresses_are_hashed_as_chosen(tmp_path, kind):
    salt, address = bytes.fromhex(SALT), b"2001:DB8::1"
    calls = from_addresses(f"[{address.decode()}]:443")
    (row,) = release(tmp_path, Logs(calls), address_hash=kind).rows("turns")
    digests = {
        "sha256": hashlib.sha256(salt + address).hexdigest(),
        "hmac": hmac.new(salt, address, "sha256").hexdigest(),
    }
    assert row["hashed_ip"] == digests[kind]


def test_an_address_that_is_none_is_taken_as_it_is_where_it_is_kept(tmp_path):
    calls = from_addresses(" behind: proxy:80 , 1.1.1.1", "\ud800")
    rows = release(tmp_path, Logs(calls), malformed_address="keep").rows("turns")
    salt = bytes.fromhex(SALT)
    assert [row["hashed_ip"] for row in rows] == [
        hashlib.sha256(salt + address).hexdigest()
        for address in (b"behind: proxy:80", b"\xed\xa0\x80")
    ]


def test_a_branch_is_a_conversation_and_its_beginning_is_repeated(tmp_path):
    released = release(tmp_path, Logs(REGENERATED), continued_parents="branch")
    rows = [(row["fate"], row["chain"], row["turn"], row["line"]) for row in released.fates()]
    assert rows == [
        ("kept", 0, 0, 1), ("kept", 1, 0, 1), ("kept", 0, 1, 2), ("kept", 1, 1, 3),
        ("kept", 1, 2, 4),
    ]  # fmt: skip
    assert released.ledger[0]["kept"] == 4
    assert released.report["n_turns"] == 5
    assert released.report["linking"]["n_calls_repeated"] == 1


def test_a_call_of_a_branch_that_is_released_is_kept_whatever_becomes_of_the_others(tmp_path):
    calls = [*chat(0, "Hi.", "Hello."), call(1, TWO[:3], "Yes.", session="s2"), EDITED]
    released = release(tmp_path, Logs(calls), continued_parents="branch")
    assert released.texts() == [["Hi.", "Hello.", "Else?", "No."]]
    assert [(row["line"], row["fate"], row["chain"]) for row in released.fates()] == [
        (1, "kept", 1), (1, "no-consent", 0), (2, "no-consent", 0), (3, "kept", 1),
    ]  # fmt: skip
    assert (released.ledger[0]["kept"], released.dropped) == (2, {"no-consent": 1})


def test_a_branch_goes_out_only_where_nothing_open_can_be_continued(tmp_path):
    """What is linked without branches is linked with them, too."""
    calls = [
        call(0, ["Hi."], "Hello."), call(1, ["Hi."], "Hello."),
        call(2, TWO[:3], "Yes."), call(3, TWO[:3], "No."), call(4, TWO[:3], "Hm."),
    ]  # fmt: skip
    usual = release(tmp_path / "usual", Logs(calls)).texts()
    branched = release(tmp_path / "branch", Logs(calls), continued_parents="branch").texts()
    assert usual == [TWO, [*TWO[:3], "No."]]
    assert branched == [*usual, [*TWO[:3], "Hm."]]


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"within_hours": 0.5}, "too-long-ago"),
        ({"across_addresses": False}, "other-address"),
        ({"across_addresses": False, "continued_parents": "branch"}, "other-address"),
    ],
)
def test_the_report_says_what_a_switch_cut(tmp_path, settings, cause):
    released = release(tmp_path, Logs(moved(ip="240.0.0.2")), **settings)
    assert released.report["linking"]["missing_turn"] == {cause: 1}


def test_so_many_characters_identify_a_conversation_of_wildbench(tmp_path):
    wildbench = [{"first_50": "abcX", "timestamp": None}]
    logs = Logs(said("abcY", "abd"), wildbench=wildbench)
    assert len(release(tmp_path / "usual", logs).texts()) == 2
    assert release(tmp_path / "short", logs, wildbench_characters=3).texts() == [["abd", "Hello."]]


def test_a_conversation_that_is_kept_without_its_beginning_needs_consent_all_the_same(tmp_path):
    logs = Logs(TORN, consent(agree=2.5, publish=2.5))
    released = release(tmp_path, logs, missing_turn="keep-rest")
    assert released.texts() == []
    assert released.dropped == {"no-consent": 3}


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("by YUNTIAN himself", True),
        ("yuntian-deng", False),
        ("Yuntian D. and yuntian", True),
        ("yuntianyuntian d", True),
        ("yunt\u0130an", False),
        ("yuntian\u212a", True),
    ],
)
def test_own_traffic_is_found_where_the_marker_stands_for_nothing_else(text, own):
    settings = LinkingConfig()
    found = OwnTraffic(settings.own_traffic, settings.own_traffic_except)
    assert found.found([text], text.encode()) is own


def test_quick_looks_for_own_traffic_miss_no_case():
    beyond = (chr(code) for code in range(128, 0x110000))
    odd = {c: letter for c in beyond for letter in c.lower() if letter.isascii()}
    assert {letter: c for c, letter in odd.items()} == LOWER_TO_ASCII
    assert OwnTraffic("ski", ()).found(["S\u212aI"], "S\u212aI".encode())
    assert OwnTraffic("Ä", ()).found(["ä"], "ä".encode())
