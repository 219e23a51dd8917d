import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingesting import ingest, read_shards
from json_inputs import reasons

from wildpaper.errors import WildpaperError
from wildpaper.ingest.lmsys import read_lmsys

SCHEMA = pa.schema(
    [
        ("conversation_id", pa.string()),
        ("model", pa.string()),
        ("conversation", pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))),
        ("turn", pa.int64()),
        ("language", pa.string()),
        (
            "openai_moderation",
            pa.list_(
                pa.struct(
                    [
                        ("categories", pa.struct([("hate", pa.bool_())])),
                        ("category_scores", pa.struct([("hate", pa.float64())])),
                        ("flagged", pa.bool_()),
                    ]
                )
            ),
        ),
        ("redacted", pa.bool_()),
    ]
)


def row(*messages, **columns):
    listed = [{"content": content, "role": role} for role, content in messages]
    return {
        "conversation_id": "c0ffee",
        "model": "vicuna-13b",
        "conversation": listed,
        "turn": sum(role == "user" for role, _ in messages),
        "language": "English",
        "openai_moderation": [{"categories": None, "flagged": False} for _ in messages],
        "redacted": True,
        **columns,
    }


HELLO = (("user", "Hello."), ("assistant", "Hi!"))


def write(folder, *rows):
    path = folder / "train.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), path)
    return path


def test_a_row_becomes_a_conversation(tmp_path):
    path = write(
        tmp_path, row(*HELLO, ("user", "And now?"), ("assistant", "")), row(*HELLO, turn=9)
    )
    folder = ingest(tmp_path, "lmsys_chat_1m", "lmsys-parquet", path)
    conversations, messages = read_shards(folder)
    found = conversations.to_pylist()[0]
    assert found["source_id"] == "c0ffee"
    assert (found["model"], found["language"], found["redacted"]) == ("vicuna-13b", "English", True)
    assert (found["toxic"], found["user"], found["timestamp"]) == (None, None, None)
    assert (found["n_turns"], found["n_messages"]) == (2, 4)
    assert messages["turn"].to_pylist() == [0, 0, 1, 1, 0, 0]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["checks"] == {"turn": {"checked": 2, "verified": 1}}
    assert report["models"] == {"vicuna-13b": 2}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(conversation=None), "null-conversation"),
        (row(), "no-messages"),
        (row(("moderator", "Hush.")), "unknown-role"),
        (row((None, "Hush.")), "unknown-role"),
        (row(("user", None)), "non-string-text"),
    ],
)
def test_a_bad_row_is_quarantined(tmp_path, bad, reason):
    path = write(tmp_path, row(*HELLO), bad, row(*HELLO))
    folder = ingest(tmp_path, "lmsys_chat_1m", "lmsys-parquet", path)
    assert reasons(folder) == [(1, reason)]
    assert len(read_shards(folder)[0]) == 2


def test_moderation_is_not_read_unless_asked_for(tmp_path):
    path = write(tmp_path, row(*HELLO))
    (found,) = read_lmsys(path)
    assert found.labelled is None
    (found,) = read_lmsys(path, ("moderation",))
    assert "openai_moderation" in found.labelled[0].schema.names


def test_a_truncated_file_is_an_error_that_names_file_and_row(tmp_path):
    path = write(tmp_path, *[row(("user", f"text {i}")) for i in range(1000)])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WildpaperError, match="Not a whole parquet file") as caught:
        ingest(tmp_path, "lmsys_chat_1m", "lmsys-parquet", path)
    assert "train.parquet, row 0" in caught.value.where
    assert list((tmp_path / "out").glob("*.parquet")) == []


@pytest.mark.parametrize("columns", [{"text": ["a"]}, {"conversation": ["a"]}])
def test_another_schema_is_refused_by_name(tmp_path, columns):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(WildpaperError, match="schema of LMSYS-Chat-1M: no column conv") as caught:
        list(read_lmsys(path))
    assert str(path) in caught.value.where


def test_a_column_of_another_type_is_named(tmp_path):
    path = tmp_path / "odd.parquet"
    chat = [[{"content": "a", "role": "user"}]]
    pq.write_table(pa.table({"conversation": chat, "turn": ["1"]}), path)
    with pytest.raises(WildpaperError, match="another type than in LMSYS-Chat-1M: turn"):
        list(read_lmsys(path))


def test_a_file_with_nothing_but_conversations_is_read(tmp_path):
    path = tmp_path / "bare.parquet"
    pq.write_table(pa.table({"conversation": [[{"content": "a", "role": "user"}]]}), path)
    (found,) = read_lmsys(path)
    assert (found.source_id, found.model, found.checks) == ("0", None, {})


def test_bytes_that_are_not_utf8_are_removed_and_counted(tmp_path):
    text = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a\xffb", b"c"]).buffers())
    role = pa.array(["user", "user"])
    message = pa.StructArray.from_arrays([text, role], names=["content", "role"])
    path = tmp_path / "bad.parquet"
    chat = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), message)
    pq.write_table(pa.table({"conversation": chat}), path)
    folder = ingest(tmp_path, "lmsys_chat_1m", "lmsys-parquet", path)
    assert read_shards(folder)[1]["text"].to_pylist() == ["ab", "c"]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["surrogates_removed"] == {"n_characters": 1, "n_messages": 1}
