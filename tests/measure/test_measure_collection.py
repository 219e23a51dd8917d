"""Numbers of the text on collection: counts, dates, the gap, the families of models."""

import json
from datetime import UTC, datetime

import pytest
from planting import Chat, Said, measure_chats, random_chats, run_measure, write_chats

from wildpaper.errors import WildpaperError
from wildpaper.measure.collection_text import LINKED, NO_GAP, measure_collection
from wildpaper.measure.months import longest_gap, months_between

REPORT = {"n_calls_answered": 271, "n_linked": 105, "n_wildbench": 14, "another": 3}


def found(measured, prefix="collection."):
    return {
        name.removeprefix(prefix): cell.value
        for name, cell in measured.claims.items()
        if name.startswith(prefix)
    }


def chat(model, *when, reply=None, turns=1):
    day = datetime(*when, tzinfo=UTC)
    reply = datetime(*reply, tzinfo=UTC) if reply else day
    said = [Said("user"), Said("assistant", timestamp=reply)] * turns
    return Chat(said, model=model, timestamp=day)


def test_counts_and_dates(tmp_path):
    chats = random_chats(seed=3)
    measured = measure_chats(measure_collection, tmp_path, chats)
    times = [s.timestamp for c in chats for s in c.messages if s.timestamp]
    values = found(measured)
    assert values["conversations-released"] == values["conversations-section3"] == len(chats)
    assert values["turns-released"] == sum(c.n_turns for c in chats)
    assert values["users"] == len({c.user for c in chats if c.user})
    assert values["start"] == f"{min(times):%Y-%m-%d}"
    assert values["end"] == f"{max(c.timestamp for c in chats):%Y-%m-%d}"
    known = [c.model for c in chats if c.model]
    for name, prefix in (("gpt4-share", "gpt-4"), ("gpt35-share", "gpt-3.5")):
        share = 100 * sum(m.startswith(prefix) for m in known) / len(known)
        assert found(measured, "apis.")[name] == share


def test_the_collection_starts_with_the_first_turn_not_with_the_end_of_a_conversation(tmp_path):
    chats = [
        chat("gpt-4-0314", 2023, 4, 12, 1, reply=(2023, 4, 9, 23)),
        chat("gpt-4-0314", 2023, 4, 11),
    ]
    assert found(measure_chats(measure_collection, tmp_path, chats))["start"] == "2023-04-09"


def test_without_times_of_replies_the_start_is_that_of_conversations_and_says_so(tmp_path):
    chats = [chat("gpt-4-0314", 2023, 4, 12), chat("gpt-4-0314", 2023, 4, 11)]
    for one in chats:
        one.messages = [Said("user"), Said("assistant")]
    measured = measure_chats(measure_collection, tmp_path, chats)
    assert found(measured)["start"] == "2023-04-11"
    assert "only the last turn" in measured.notes["collection.start"]


def test_what_happened_before_the_release_comes_from_the_report_on_linking(tmp_path):
    (tmp_path / "link.json").write_text(json.dumps(REPORT), encoding="utf-8")
    paths = write_chats(tmp_path, random_chats(10))
    measured = run_measure(measure_collection, tmp_path, paths, linked=[tmp_path / "link.json"])
    assert [found(measured)[name] for name in LINKED] == [271, 105, 14]
    assert not any(f"collection.{name}" in measured.notes for name in LINKED)
    without = run_measure(measure_collection, tmp_path, paths)
    for name in LINKED:
        assert found(without)[name] is None
        assert without.notes[f"collection.{name}"] == "needs the raw logs, which are not public"


@pytest.mark.parametrize("broken", [{"n_linked": None}, {"n_linked": "12"}])
def test_a_report_without_its_keys_is_an_error(tmp_path, broken):
    (tmp_path / "link.json").write_text(json.dumps(REPORT | broken), encoding="utf-8")
    paths = write_chats(tmp_path, random_chats(10))
    with pytest.raises(WildpaperError, match="lacks n_linked") as caught:
        run_measure(measure_collection, tmp_path, paths, linked=[tmp_path / "link.json"])
    assert caught.value.where.endswith("link.json")


GPT4, GPT35 = "gpt-4-0314", "gpt-3.5-turbo-0301"


@pytest.mark.parametrize(
    ("months", "gap"),
    [
        ({GPT4: [4, 6, 11], GPT35: [4, 5, 7, 8, 12]}, "2023-07 to 2023-10"),
        ({GPT4: [4, 5, 6]}, NO_GAP),
        ({GPT4: [4, 6, 8], GPT35: [9]}, "2023-05 to 2023-05"),
        ({GPT4: [6], GPT35: [4, 9]}, "2023-07 to 2023-09"),
        ({GPT35: [4, 9]}, None),
        ({None: [4, 9]}, None),
        ({}, None),
    ],
)
def test_the_gap_is_the_longest_run_of_months_without_gpt4(tmp_path, months, gap):
    chats = [chat(model, 2023, month, 15) for model, listed in months.items() for month in listed]
    measured = measure_chats(measure_collection, tmp_path, chats)
    assert found(measured)["gpt4-gap"] == gap
    assert bool(measured.notes.get("collection.gpt4-gap")) == (gap is None)


def test_months_cross_years():
    assert months_between("2023-11", "2024-02") == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert longest_gap({"2023-11"}, "2023-11", "2024-02") == ("2023-12", "2024-02")
