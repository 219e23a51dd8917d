import json

import pytest
from ingesting import ingest, read_shards
from json_inputs import array, reasons

from wildpaper.errors import WildpaperError
from wildpaper.ingest.records import Conversation, Reject
from wildpaper.ingest.sharegpt import read_sharegpt


def chat(*messages, name="abc_0"):
    return {"id": name, "conversations": [{"from": s, "value": v} for s, v in messages]}


HELLO = chat(("human", "Hello."), ("gpt", "Hi!"))


def test_speakers_become_roles(tmp_path):
    speakers = ("system", "human", "user", "gpt", "chatgpt", "bing", "bard")
    path = array(tmp_path / "s.json", [chat(*((s, "x") for s in speakers))])
    (found,) = read_sharegpt(path)
    assert [m.role for m in found.messages] == ["system", *["user"] * 2, *["assistant"] * 4]
    assert found.source_id == "abc_0"


def test_a_chatbot_that_begins_stands_before_the_first_turn(tmp_path):
    path = array(tmp_path / "s.json", [chat(("gpt", "Welcome."), ("human", "Hi."), ("gpt", ""))])
    folder = ingest(tmp_path, "sharegpt", "sharegpt-json", path)
    conversations, messages = read_shards(folder)
    assert conversations["n_turns"].to_pylist() == [1]
    assert messages["turn"].to_pylist() == [None, 0, 0]
    assert reasons(folder) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (None, "null-conversation"),
        ({"id": "a", "conversations": None}, "null-conversation"),
        (chat(), "no-messages"),
        ({"id": "a"}, "missing-field"),
        ("text", "not-a-record"),
        ({"id": "a", "conversations": "text"}, "not-a-list"),
        ({"id": "a", "conversations": {"from": "human", "value": "a"}}, "not-a-list"),
        ({"id": "a", "conversations": [None]}, "null-message"),
        ({"id": "a", "conversations": ["text"]}, "not-a-record"),
        ({"id": "a", "conversations": [{"from": "human"}]}, "missing-field"),
        ({"id": "a", "conversations": [{"value": "a"}]}, "missing-field"),
        (chat(("human", None)), "non-string-text"),
        (chat(("human", {"a": 1})), "non-string-text"),
        (chat(("tool", "a")), "unknown-role"),
        (chat((None, "a")), "unknown-role"),
        (chat((["human"], "a")), "unknown-role"),
    ],
)
def test_a_bad_record_is_quarantined_and_its_neighbours_are_kept(tmp_path, bad, reason):
    path = array(tmp_path / "s.json", [HELLO, bad, HELLO])
    folder = ingest(tmp_path, "sharegpt", "sharegpt-json", path)
    assert reasons(folder) == [(1, reason)]
    assert len(read_shards(folder)[0]) == 2


@pytest.mark.parametrize("name", [None, 7, "", ["a"]])
def test_an_odd_id_is_replaced_by_the_row(tmp_path, name):
    (found,) = read_sharegpt(array(tmp_path / "s.json", [{**HELLO, "id": name}]))
    assert found.source_id == "0"


def test_a_truncated_file_keeps_what_is_whole(tmp_path):
    items = [chat(("human", f"question {i}"), ("gpt", "answer " * i)) for i in range(50)]
    whole = json.dumps(items)
    path = tmp_path / "cut.json"
    path.write_text(whole[: len(whole) // 2], encoding="utf-8")
    *kept, last = read_sharegpt(path)
    assert isinstance(last, Reject)
    assert (last.reason, last.row) == ("truncated-file", len(kept))
    assert [r.messages[0].text for r in kept] == [f"question {i}" for i in range(len(kept))]
    assert 25 < len(kept) < 45


def test_a_malformed_record_does_not_take_its_neighbours_along(tmp_path):
    good = json.dumps(HELLO)
    path = tmp_path / "s.json"
    path.write_text(f'[{good}, {{"id": oops}}, {", ".join([good] * 40)}]', encoding="utf-8")
    records = list(read_sharegpt(path))
    assert [r.reason for r in records if isinstance(r, Reject)] == ["unparsable-json"]
    assert sum(isinstance(r, Conversation) for r in records) == 41


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"text", json.dumps([HELLO]).encode("utf-16"), b'{"a": 1}\n{"a": 2}\n']
)
def test_a_file_that_is_no_array_stops_the_run_by_name(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(WildpaperError, match="format of ShareGPT") as caught:
        list(read_sharegpt(path))
    assert f"{path}, before row 0" in caught.value.where
    assert "conversations" in caught.value.hint


def test_bytes_that_are_not_utf8_are_removed_and_counted(tmp_path):
    path = tmp_path / "s.json"
    path.write_bytes(json.dumps([HELLO]).encode().replace(b"Hello", b"He\xe9\xfello"))
    folder = ingest(tmp_path, "sharegpt", "sharegpt-json", path)
    assert read_shards(folder)[1]["text"].to_pylist() == ["Hello.", "Hi!"]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["surrogates_removed"] == {"n_characters": 2, "n_messages": 1}
