import hashlib
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingesting import ingest, read_shards

from wildpaper.errors import WildpaperError
from wildpaper.ingest.wildchat import read_wildchat

WHEN = datetime(2023, 6, 1, 12, tzinfo=UTC)


def row(*messages, **columns):
    """Return a row of the published schema; messages are (role, content)."""
    listed = [{"content": content, "role": role} for role, content in messages]
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]
    return {
        "conversation_hash": digest,
        "model": "gpt-4-0314",
        "timestamp": WHEN,
        "conversation": [{**m, "country": None, "timestamp": None} for m in listed],
        "turn": sum(role == "user" for role, _ in messages),
        "language": "English",
        "openai_moderation": None,
        "toxic": False,
        "redacted": False,
        "state": None,
        "country": "France",
        "hashed_ip": "abc",
        **columns,
    }


HELLO = (("user", "Hello."), ("assistant", "Hi!"))


@pytest.fixture
def write(tmp_path, project):
    """Write rows in exactly the published schema."""
    schema_file = project.parent / "shared" / "contracts" / "wildchat-1m-empty.parquet"
    if not schema_file.is_file():
        pytest.skip("the published schema (contracts/wildchat-1m-empty.parquet) is absent")
    schema = pq.read_schema(schema_file)

    def _write(*rows, name="train.parquet"):
        table = pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in rows], schema)
        pq.write_table(table, tmp_path / name)
        return tmp_path / name

    return _write


def reasons(folder):
    found = pq.read_table(folder / "quarantine.parquet").to_pylist()
    return [(q["row"], q["reason"]) for q in found]


def test_a_row_becomes_a_conversation(tmp_path, write):
    path = write(row(*HELLO, ("user", "And now?"), ("assistant", "")))
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", path)
    conversations, messages = read_shards(folder)
    (found,) = conversations.to_pylist()
    assert found["model"] == "gpt-4-0314"
    assert found["user"] == "abc"
    assert found["country"] == "France"
    assert found["timestamp"] == WHEN
    assert (found["n_turns"], found["n_messages"]) == (2, 4)
    assert messages["turn"].to_pylist() == [0, 0, 1, 1]
    assert messages["role"].to_pylist() == ["user", "assistant", "user", "assistant"]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["checks"] == {
        "conversation_hash": {"checked": 1, "verified": 1},
        "turn": {"checked": 1, "verified": 1},
    }


def test_a_changed_text_fails_the_hash(tmp_path, write):
    good, bad = row(*HELLO), row(("user", "ü"), ("assistant", "b"))
    bad["conversation"][1]["content"] = "c"
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", write(good, bad))
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["checks"]["conversation_hash"] == {"checked": 2, "verified": 1}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(*HELLO, conversation=None), "null-conversation"),
        (row(), "no-messages"),
        (row(("moderator", "Hush.")), "unknown-role"),
        (row((None, "Hush.")), "unknown-role"),
        (row(("user", None)), "non-string-text"),
        (row(*HELLO, conversation=[None]), "null-message"),
    ],
)
def test_a_bad_row_is_quarantined(tmp_path, write, bad, reason):
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", write(row(*HELLO), bad, row(*HELLO)))
    if reason == "null-message":  # parquet keeps a null struct as a struct of nulls or as null
        assert reasons(folder)[0][1] in ("null-message", "unknown-role")
    else:
        assert reasons(folder) == [(1, reason)]


def test_odd_but_legal_conversations_are_kept(tmp_path, write):
    leading = row(("assistant", "Welcome."), ("user", "Hi."), ("user", "Still there?"))
    system = row(("system", "Be kind."), *HELLO)
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", write(leading, system))
    conversations, messages = read_shards(folder)
    assert reasons(folder) == []
    assert conversations["n_turns"].to_pylist() == [2, 1]
    assert messages["turn"].to_pylist() == [None, 0, 1, None, 0, 0]


def test_files_are_numbered_in_the_order_of_their_names(tmp_path, write):
    b = write(row(("user", "b")), name="train-1.parquet")
    a = write(row(("user", "a"), ("assistant", "x")), name="train-0.parquet")
    _, messages = read_shards(ingest(tmp_path, "wildchat", "wildchat-parquet", a, b, n_shards=1))
    assert messages["text"].to_pylist() == ["a", "x", "b"]
    assert messages["conversation_id"].to_pylist() == [0, 0, 1]


def test_a_truncated_file_is_an_error_that_names_file_and_row(tmp_path, write):
    path = write(*[row(("user", f"text {i}")) for i in range(1000)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WildpaperError) as caught:
        ingest(tmp_path, "wildchat", "wildchat-parquet", path)
    assert "Not a whole parquet file" in str(caught.value)
    assert "train.parquet, row 0" in str(caught.value)
    assert "Fetch it again" in str(caught.value)
    assert list((tmp_path / "out").glob("*.parquet")) == []


def test_damaged_pages_are_an_error_too(tmp_path, write):
    path = write(*[row(("user", f"text {i} " * 40)) for i in range(3000)])
    data = bytearray(path.read_bytes())
    data[2000:6000] = bytes(4000)
    path.write_bytes(data)
    with pytest.raises(WildpaperError, match=r"parquet"):
        list(read_wildchat(path))


def test_another_schema_is_refused_by_name(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"text": ["a"], "label": [1]}), path)
    with pytest.raises(WildpaperError) as caught:
        list(read_wildchat(path))
    assert "no column conversation that is a list" in str(caught.value)
    assert "text, label" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("timestamp", [1681000000], "timestamp"),
        ("model", [{"name": "gpt"}], "model"),
        ("hashed_ip", [7], "hashed_ip"),
        ("toxic", ["no"], "toxic"),
        ("turn", ["1"], "turn"),
    ],
)
def test_a_column_of_another_type_is_named(tmp_path, column, values, named):
    path = tmp_path / "odd.parquet"
    chat = [[{"content": "a", "role": "user"}]]
    pq.write_table(pa.table({"conversation": chat, column: values}), path)
    with pytest.raises(WildpaperError) as caught:
        list(read_wildchat(path))
    assert f"another type than in a WildChat release: {named}" in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "chats",
    [
        [{"content": "a", "role": "user"}],
        [[["a"]]],
        [["a"]],
        [[{"meta": {"content": "a", "role": "user"}}]],
        [[{"content": b"a", "role": "user"}]],
    ],
)
def test_a_conversation_of_another_shape_is_refused(tmp_path, chats):
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"conversation": chats, "conversation_hash": ["x"]}), path)
    with pytest.raises(WildpaperError, match="WildChat release"):
        list(read_wildchat(path))


def test_strings_of_other_arrow_kinds_are_read(tmp_path):
    message = pa.struct([("content", pa.large_string()), ("role", pa.string())])
    chat = pa.array([[{"content": "a", "role": "user"}]], pa.large_list(message))
    model = pa.array(["gpt"]).dictionary_encode()
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"conversation": chat, "model": model, "country": [None]}), path)
    (found,) = read_wildchat(path)
    assert (found.messages[0].text, found.model, found.country) == ("a", "gpt", None)


def test_a_model_that_is_not_utf8_is_cleaned(tmp_path):
    raw = pa.array([b"gpt\xff"], pa.binary())
    model = pa.Array.from_buffers(pa.string(), 1, raw.buffers())
    path = tmp_path / "bad.parquet"
    chat = [[{"content": "a", "role": "user"}]]
    pq.write_table(pa.table({"conversation": chat, "model": model}), path)
    conversations, _ = read_shards(ingest(tmp_path, "wildchat", "wildchat-parquet", path))
    assert conversations["model"].to_pylist() == ["gpt"]


def test_a_file_without_rows_gives_empty_shards(tmp_path, write):
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", write())
    conversations, messages = read_shards(folder)
    assert (len(conversations), len(messages)) == (0, 0)


def test_bytes_that_are_not_utf8_are_removed_and_counted(tmp_path):
    message = pa.struct([("content", pa.binary()), ("role", pa.binary())])
    rows = [
        [{"content": b"a\xed\xa0\x80b\xff", "role": b"user"}],
        [{"content": b"c", "role": b"user"}],
    ]
    raw = pa.array(rows, pa.list_(message))
    text = pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))
    column = pa.ListArray.from_arrays(
        raw.offsets,
        pa.StructArray.from_arrays(
            [
                pa.Array.from_buffers(pa.string(), len(f), f.buffers())
                for f in raw.flatten().flatten()
            ],
            names=["content", "role"],
        ),
    ).cast(text)
    path = tmp_path / "bad.parquet"
    pq.write_table(pa.table({"conversation": column}), path)
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", path)
    _, messages = read_shards(folder)
    assert messages["text"].to_pylist() == ["ab", "c"]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["surrogates_removed"]["n_messages"] == 1
    assert report["surrogates_removed"]["n_characters"] > 0


@pytest.mark.realdata
def test_all_hashes_of_the_real_extract_verify(tmp_path, realdata):
    path = realdata / "wildchat" / "train-00000-of-00001.parquet"
    folder = ingest(tmp_path, "wildchat", "wildchat-parquet", path)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["checks"]["conversation_hash"] == {"checked": 300, "verified": 300}
    assert report["n_messages"] == 600


@pytest.mark.realdata
def test_the_real_alpaca_is_read_whole(tmp_path, realdata):
    path = realdata / "alpaca" / "alpaca_data.json"
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["n_conversations"] == 52002
    assert report["quarantine"] == {}
