"""The switches of the section `ingest`: each does what it says, and nothing else."""

import json
import re
from dataclasses import asdict

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingesting import ingest, read_shards
from json_inputs import array, lines, reasons

from wildpaper.config_ingest import IngestConfig
from wildpaper.ingest import writer
from wildpaper.ingest.normalise import Clean, count_turns, normalise
from wildpaper.ingest.options import ReadingOptions, RowOptions, reading_options
from wildpaper.ingest.records import Conversation, Message

SPEAKERS = {"u": "human", "a": "gpt", "s": "system", "x": "tool"}
STRICT = {
    "empty_texts": "quarantine",
    "repeated_roles": "quarantine",
    "leading_assistant": "quarantine",
    "unanswered": "quarantine",
    "surrogates": "quarantine",
    "duplicates": "drop",
}


def chat(roles, name, texts=None):
    """Return a ShareGPT record; texts are numbered unless given."""
    said = texts or [f"{name} {i}" for i in range(len(roles))]
    listed = [{"from": SPEAKERS[r], "value": t} for r, t in zip(roles, said, strict=True)]
    return {"id": name, "conversations": listed}


def read(folder, items, **rows):
    folder.mkdir(parents=True, exist_ok=True)
    path = array(folder / "s.json", items)
    return ingest(folder, "sharegpt", "sharegpt-json", path, options={"rows": rows})


def test_the_options_are_those_of_the_configuration():
    section = IngestConfig().model_dump(mode="json")
    assert asdict(ReadingOptions()) == section
    assert reading_options(section) == reading_options(None) == ReadingOptions()
    assert reading_options({"oasst": {"orphans": "keep"}}).oasst.orphans == "keep"


def values(schema, definitions):
    """Yield each section that states one value of an option, from the JSON schema of all."""
    for name, described in schema["properties"].items():
        if "$ref" in described:
            inner = definitions[described["$ref"].rpartition("/")[2]]
            yield from ({name: section} for section in values(inner, definitions))
        yield from ({name: value} for value in described.get("enum", []))


def test_every_value_of_the_configuration_is_known_here():
    schema = IngestConfig.model_json_schema()
    sections = list(values(schema, schema["$defs"]))
    assert len(sections) > 25
    for section in sections:
        expected = IngestConfig.model_validate(section).model_dump(mode="json")
        assert asdict(reading_options(section)) == expected


@pytest.mark.parametrize("section", [{"alpaca": ""}, {"rows": {"empty": "keep"}}, {"turns": "all"}])
def test_what_is_not_declared_is_refused(section):
    with pytest.raises(ValueError, match=r"has no|is one of"):
        reading_options(section)


@pytest.mark.parametrize(
    ("switch", "odd", "reason"),
    [
        ("empty_texts", chat("ua", "b", ["Hello.", ""]), "empty-text"),
        ("empty_texts", chat("ua", "b", ["\udc00", "Hi."]), "empty-text"),
        ("repeated_roles", chat("uaau", "b"), "repeated-roles"),
        ("repeated_roles", chat("usua", "b"), "repeated-roles"),
        ("leading_assistant", chat("aua", "b"), "leading-assistant"),
        ("leading_assistant", chat("saua", "b"), "leading-assistant"),
        ("unanswered", chat("uau", "b"), "unanswered"),
        ("unanswered", chat("uaus", "b"), "unanswered"),
        ("surrogates", chat("ua", "b", ["Hel\ud800lo.", "Hi."]), "surrogates"),
        ("duplicates", chat("ua", "b", ["a 0", "a 1"]), "duplicate"),
    ],
)
def test_an_odd_row_is_kept_unless_its_switch_says_otherwise(tmp_path, switch, odd, reason):
    items = [chat("ua", "a"), odd, chat("sua", "c")]
    kept = read(tmp_path / "kept", items)
    assert reasons(kept) == []
    assert len(read_shards(kept)[0]) == 3
    refused = read(tmp_path / "refused", items, **{switch: STRICT[switch]})
    assert reasons(refused) == [(1, reason)]
    conversations, messages = read_shards(refused)
    assert conversations["source_id"].to_pylist() == ["a", "c"]
    assert conversations["conversation_id"].to_pylist() == [0, 1]
    assert messages["conversation_id"].to_pylist() == [0, 0, 1, 1, 1]
    others = {name: value for name, value in STRICT.items() if name != switch}
    assert reason not in {r for _, r in reasons(read(tmp_path / "others", items, **others))}


def test_a_plain_conversation_passes_the_strictest_policy(tmp_path):
    items = [chat("ua", "a"), chat("suauaua", "b"), chat("uaua", "c")]
    assert reasons(read(tmp_path, items, **STRICT)) == []


def test_dropping_duplicates_leaves_what_marking_leaves_unmarked(tmp_path):
    items = [chat("ua", f"n{i}", [f"q {i * i % 7}", "a"]) for i in range(30)]
    marked, _ = read_shards(read(tmp_path / "mark", items))
    dropped = read(tmp_path / "drop", items, duplicates="drop")
    rest, _ = read_shards(dropped)
    plain = [row["source_id"] for row in marked.to_pylist() if not row["duplicate"]]
    assert rest["source_id"].to_pylist() == plain
    assert not any(rest["duplicate"].to_pylist())
    assert rest["conversation_id"].to_pylist() == list(range(len(plain)))
    assert {reason for _, reason in reasons(dropped)} == {"duplicate"}
    report = json.loads((dropped / "report.json").read_text(encoding="utf-8"))
    assert report["quarantine"] == {"duplicate": len(items) - len(plain)}


def test_conversations_without_messages_are_kept_as_such(tmp_path):
    items = [chat("ua", "a"), chat("", "b"), {"id": "c", "conversations": None}]
    folder = read(tmp_path, items, no_messages="keep")
    conversations, messages = read_shards(folder)
    assert conversations["n_turns"].to_pylist() == [1, 0]
    assert conversations["n_messages"].to_pylist() == [2, 0]
    assert len(messages) == 2
    assert reasons(folder) == [(2, "null-conversation")]


def test_leaving_messages_out_is_reading_a_file_without_them(tmp_path):
    whole = [chat("uxa", "a"), chat("xua", "b"), chat("x", "c"), chat("uau", "d")]
    whole[3]["conversations"][1]["value"] = 7
    without = [chat("ua", "a", ["a 0", "a 2"]), chat("ua", "b", ["b 1", "b 2"]), chat("", "c"),
               chat("uu", "d", ["d 0", "d 2"])]  # fmt: skip
    leave = {"unknown_roles": "leave-out", "non_string_texts": "leave-out"}
    left, plain = read(tmp_path / "left", whole, **leave), read(tmp_path / "plain", without)
    for found, expected in zip(read_shards(left), read_shards(plain), strict=True):
        assert found.to_pylist() == expected.to_pylist()
    assert reasons(left) == [(2, "no-messages")]
    report = json.loads((left / "report.json").read_text(encoding="utf-8"))
    assert report["messages_left_out"] == {"non-string-text": 1, "unknown-role": 2}
    plain_report = json.loads((plain / "report.json").read_text(encoding="utf-8"))
    assert "messages_left_out" not in plain_report


def test_any_number_of_bad_rows_is_written_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_BUFFERED_ROWS", 100)
    folder = read(tmp_path, [chat("ua", "a"), *[None] * 950, chat("ua", "b")])
    assert reasons(folder) == [(row, "null-conversation") for row in range(1, 951)]
    assert pq.read_metadata(folder / "quarantine.parquet").num_row_groups == 10


ROLE_NAMES = {"u": "user", "a": "assistant", "s": "system"}


@given(st.text("uas", max_size=8))
def test_roles_are_judged_as_patterns_of_their_initials_say(roles):
    messages = [Message(ROLE_NAMES[r], "text") for r in roles]
    sides = roles.replace("s", "")
    oracle = {
        "leading_assistant": r"^a",
        "repeated_roles": r"uu|aa",
        "unanswered": r"u$",
    }
    for switch, pattern in oracle.items():
        policy = RowOptions(**{switch: "quarantine"}, no_messages="keep")
        kept = isinstance(normalise(Conversation("f", 0, "0", messages), policy), Clean)
        assert kept == (re.search(pattern, sides) is None)
    assert count_turns(messages) == roles.count("u")
    assert count_turns(messages, "answered") == sides.count("ua")


def test_answered_turns_are_counted_and_all_messages_keep_their_turn(tmp_path):
    path = array(tmp_path / "s.json", [chat("uauu", "a"), chat("usau", "b"), chat("au", "c")])
    folder = ingest(tmp_path, "sharegpt", "sharegpt-json", path, options={"turns": "answered"})
    conversations, messages = read_shards(folder)
    assert conversations["n_turns"].to_pylist() == [1, 1, 0]
    assert messages["turn"].to_pylist() == [0, 0, 1, 2, 0, 0, 0, 1, None, 0]


@pytest.mark.parametrize(
    ("context", "texts"),
    [
        ("before", ["Who?", "A tale. Who?"]),
        ("always", [" Who?", "A tale. Who?"]),
        ("leave-out", ["Who?", "Who?"]),
    ],
)
def test_the_context_of_dolly(tmp_path, context, texts):
    plain = {"instruction": "Who?", "context": "", "response": "Nobody."}
    path = lines(tmp_path / "d.jsonl", plain, {**plain, "context": "A tale."})
    folder = ingest(tmp_path, "dolly", "dolly-jsonl", path, options={"dolly_context": context})
    assert read_shards(folder)[1]["text"].to_pylist()[::2] == texts


def test_the_separator_of_alpaca(tmp_path):
    item = {"instruction": "Say", "input": "a", "output": "a"}
    path = array(tmp_path / "a.json", [item])
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path, options={"alpaca_separator": " - "})
    assert read_shards(folder)[1]["text"].to_pylist() == ["Say - a", "a"]
