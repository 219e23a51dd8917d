"""Nobody's conversation is released who did not agree to it, or no longer does."""

import pytest
from rawlog_writing import Logs, at, call, chat, consent, release

from wildpaper.errors import WildpaperError

CHAT = chat(0, "Hi.", "Hello.", "More?", "Yes.")


def withdraw(seconds, session="s1"):
    return {"time": at(seconds), "session": session, "step": "withdraw"}


@pytest.mark.parametrize(
    ("consents", "why"),
    [
        (consent(agree=-2, publish=-1), None),
        (consent(agree=-1, publish=-2), None),
        (consent(agree=-1e-6, publish=-1e-6), None),
        ([*consent(agree=5, publish=5), *consent()], None),
        (consent(agree=0, publish=-1), "no-consent"),
        (consent(agree=-1, publish=0), "no-consent"),
        (consent(agree=-1, publish=0.5), "no-consent"),
        (consent(agree=None), "no-consent"),
        (consent(publish=None), "no-consent"),
        ([*consent(agree=None), *consent("s2", publish=None)], "no-consent"),
        (consent("s2"), "no-consent"),
        ([*consent(), withdraw(-9e5)], "withdrawn"),
        ([*consent(), withdraw(9e5)], "withdrawn"),
        ([withdraw(-9e5), *consent()], "withdrawn"),
        ([withdraw(0)], "withdrawn"),
        ([*consent(), withdraw(0, "s2")], None),
    ],
)
def test_both_steps_come_before_the_first_turn_and_stand(tmp_path, consents, why):
    released = release(tmp_path, Logs(CHAT, consents))
    assert released.dropped == ({why: 2} if why else {})
    assert len(released.texts()) == (0 if why else 1)


def test_a_withdrawal_drops_all_of_a_session_and_nothing_else(tmp_path):
    calls = [*CHAT, *chat(50, "Oh.", "Yes."), *chat(99, "Hi.", "Hm.", session="s2", ip="240.0.0.2")]
    released = release(tmp_path, Logs(calls, [*consent(), *consent("s2"), withdraw(60)]))
    assert released.texts() == [["Hi.", "Hm."]]
    assert released.dropped == {"withdrawn": 3}


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        (consent("s2", agree=-9, publish=0.5), True),
        (consent("s2", agree=-9, publish=1), False),
        ([], False),
        ([*consent("s2"), withdraw(9e5, "s2")], False),
    ],
)
def test_each_session_of_a_conversation_must_have_agreed(tmp_path, second, kept):
    calls = [CHAT[0], call(1, ["Hi.", "Hello.", "More?"], "Yes.", session="s2")]
    released = release(tmp_path, Logs(calls, [*consent(), *second]))
    assert len(released.texts()) == kept


def test_a_withdrawal_reaches_all_who_share_an_address_with_its_session(tmp_path):
    calls = [
        *chat(0, "Mine.", "Hello.", ip="240.0.0.1"),
        call(1, ["Mine too."], None, ip="240.0.0.2"),
        *chat(10, "Same address.", "Hello.", session="s2", ip="240.0.0.1"),
        *chat(20, "Address of a failed call.", "Hello.", session="s2", ip="240.0.0.2"),
        *chat(30, "Elsewhere.", "Hello.", session="s2", ip="240.0.0.3"),
    ]
    consents = [*consent(), *consent("s2"), withdraw(9e5)]
    assert release(tmp_path / "a", Logs(calls, consents)).texts() == [["Elsewhere.", "Hello."]]
    own = release(tmp_path / "b", Logs(calls, consents), withdrawal="session")
    assert [texts[0] for texts in own.texts()] == [
        "Same address.", "Address of a failed call.", "Elsewhere.",
    ]  # fmt: skip
    assert own.dropped == {"failed-call": 1, "withdrawn": 1}


def test_a_withdrawal_reaches_a_conversation_by_any_of_its_turns(tmp_path):
    calls = [
        *chat(0, "Hi.", "Hello.", session="s2", ip="240.0.0.7"),
        call(1, ["Hi.", "Hello.", "More?"], "Yes.", session="s2", ip="240.0.0.1"),
        *chat(9, "Mine.", "Hello."),
    ]
    released = release(tmp_path, Logs(calls, [*consent(), *consent("s2"), withdraw(0)]))
    assert released.texts() == []
    assert released.dropped == {"withdrawn": 3}


def test_a_conversation_begun_before_consent_is_not_released_in_part(tmp_path):
    released = release(tmp_path, Logs(CHAT, consent(agree=0.5, publish=0.5)))
    assert released.texts() == []
    assert released.dropped == {"no-consent": 2}


def test_sessions_are_counted(tmp_path):
    calls = [call(i, ["Hi."], "Hello.", session=f"s{i}", ip=f"240.0.0.{i}") for i in range(6)]
    consents = [
        *consent("s0"), *consent("s1"), *consent("s2", agree=None), *consent("s3", publish=None),
        *consent("s4", agree=None), withdraw(7, "s1"),
    ]  # fmt: skip
    report = release(tmp_path, Logs(calls, consents)).report
    assert report["consent"] == {
        "n_sessions_both_steps": 2,
        "n_sessions_one_step": 3,
        "n_sessions_no_step": 1,
        "n_sessions_withdrawn": 1,
        "n_conversations_no_consent": 4,
        "n_conversations_withdrawn": 1,
    }


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        {"time": at(0), "session": "s1", "step": "revoke"},
        {"time": "yesterday", "session": "s1", "step": "withdraw"},
        {"time": at(0), "session": None, "step": "withdraw"},
        {"time": at(0), "session": "s1", "step": ["withdraw"]},
    ],
)
def test_an_unreadable_line_of_consent_stops_the_run(tmp_path, line):
    with pytest.raises(WildpaperError, match="consent cannot be read") as caught:
        release(tmp_path, Logs(CHAT, [*consent(), line]))
    assert "consents-00000.jsonl, line 3" in str(caught.value)
    assert "may be a withdrawal" in str(caught.value)
    assert not [path for path in tmp_path.glob("out/**/*") if path.is_file()]


def test_wildbench_takes_the_one_that_shares_the_opening_or_the_one_of_that_time(tmp_path):
    opening = "x" * 49 + "y"
    calls = [
        *chat(0, opening + "a", "Hello.", "More?", "Yes."),
        *chat(10, opening + "b", "Hello."),
        *chat(20, "Alone.", "Hello."),
        *chat(30, "Other.", "Hello."),
        *chat(40, opening[:49], "Hello."),
    ]
    wildbench = [
        {"first_50": opening, "timestamp": at(1)},
        {"first_50": "Alone.", "timestamp": at(999)},
        {"first_50": "Never said.", "timestamp": at(0)},
        {"first_50": opening, "timestamp": at(0)},
        b"{",
    ]
    released = release(tmp_path, Logs(calls, wildbench=wildbench))
    assert [texts[0] for texts in released.texts()] == [opening + "b", "Other.", opening[:49]]
    assert released.report["wildbench"] == {
        "n_listed": 4,
        "n_removed": 2,
        "n_missing": 1,
        "n_ambiguous": 1,
    }
    assert released.ledger[1] == {
        "stage": "release", "dataset": "rawlogs", "unit": "conversation",
        "in": 5, "kept": 3, "dropped": {"wildbench": 2},
    }  # fmt: skip
    assert (released.report["n_linked"], released.report["n_wildbench"]) == (5, 2)
    assert released.dropped == {"wildbench": 3}
    assert released.report["quarantine"]["unparsable-line"]["first"] == [
        {"file": "wildbench.jsonl", "line": 5, "part": "first_50"}
    ]
