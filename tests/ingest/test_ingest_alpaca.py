import json

import pyarrow.parquet as pq
import pytest
from ingesting import ingest, read_shards

from wildpaper.errors import WildpaperError
from wildpaper.ingest.alpaca import read_alpaca
from wildpaper.ingest.json_array import Broken, iter_array
from wildpaper.ingest.records import Conversation, Reject
from wildpaper.schema import CONVERSATIONS, MESSAGES

GOOD = {"instruction": "Name a colour.", "input": "", "output": "Green."}


def write(path, items):
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def quarantine(folder):
    return pq.read_table(folder / "quarantine.parquet").to_pylist()


def test_user_text_joins_instruction_and_input_with_the_separator(tmp_path):
    path = write(tmp_path / "a.json", [GOOD, {**GOOD, "input": "Red or green?"}])
    texts = [record.messages[0].text for record in read_alpaca(path)]
    assert texts == ["Name a colour.", "Name a colour.Red or green?"]
    texts = [record.messages[0].text for record in read_alpaca(path, "\n")]
    assert texts == ["Name a colour.", "Name a colour.\nRed or green?"]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "null-conversation"),
        ("text", "not-a-record"),
        ([], "not-a-record"),
        ({"instruction": "a"}, "missing-field"),
        ({"output": "a"}, "missing-field"),
        ({**GOOD, "input": 3}, "non-string-text"),
        ({**GOOD, "output": None}, "non-string-text"),
    ],
)
def test_a_bad_row_is_quarantined_and_counted(tmp_path, item, reason):
    folder = ingest(
        tmp_path, "alpaca", "alpaca-json", write(tmp_path / "a.json", [GOOD, item, GOOD])
    )
    found = quarantine(folder)
    assert [(q["file"], q["row"], q["reason"]) for q in found] == [("a.json", 1, reason)]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["quarantine"] == {reason: 1}
    assert report["n_conversations"] == 2
    (row,) = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    assert (row["in"], row["kept"], row["dropped"]) == (3, 2, {reason: 1})


def test_empty_texts_are_kept(tmp_path):
    items = [{"instruction": "", "input": "", "output": ""}]
    folder = ingest(tmp_path, "alpaca", "alpaca-json", write(tmp_path / "a.json", items))
    _, messages = read_shards(folder)
    assert messages["text"].to_pylist() == ["", ""]
    assert quarantine(folder) == []


def test_json_cut_in_the_middle_keeps_what_is_whole(tmp_path):
    items = [{**GOOD, "output": f"answer {i}"} for i in range(100)]
    text = json.dumps(items)
    path = tmp_path / "cut.json"
    path.write_text(text[: len(text) * 3 // 5], encoding="utf-8")
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path)
    (found,) = quarantine(folder)
    assert found["reason"] == "truncated-file"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert 55 <= report["n_conversations"] <= 60
    assert found["row"] == report["n_conversations"]
    assert "character" in found["detail"]


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_streaming_equals_json_load_for_any_chunk(tmp_path, chunk):
    items = [GOOD, {"a": [1, {"b": "}, {"}]}, None, 'é\U0001f600\\"', 1.5e10, [], {}, "x" * 500]
    path = write(tmp_path / "a.json", items)
    assert list(iter_array(path, chunk)) == items


@pytest.mark.parametrize("chunk", [1, 13, 1 << 20])
def test_any_cut_yields_a_prefix_and_one_report(tmp_path, chunk):
    items = [{"k": i, "t": "word " * i} for i in range(6)]
    whole = json.dumps(items)
    path = tmp_path / "a.json"
    for end in range(1, len(whole)):
        path.write_text(whole[:end], encoding="utf-8")
        *found, last = iter_array(path, chunk)
        assert isinstance(last, Broken)
        assert last.reason == "truncated-file"
        assert found == items[: len(found)]


def test_a_malformed_item_does_not_take_its_neighbours_along(tmp_path):
    good = json.dumps(GOOD)
    path = tmp_path / "a.json"
    padding = ", ".join([good] * 50)
    path.write_text(
        f'[{good}, {{"instruction": oops, "output": "x"}}, {padding}]', encoding="utf-8"
    )
    records = list(read_alpaca(path))
    assert [r.reason for r in records if isinstance(r, Reject)] == ["unparsable-json"]
    assert sum(isinstance(r, Conversation) for r in records) == 51


@pytest.mark.parametrize("text", ["", "{}", "not json", "\x00\x00", '{"a": 1}\n{"a": 2}\n'])
def test_a_file_that_is_no_array_stops_the_run_by_name(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        list(read_alpaca(path))
    assert f"{path}, before row 0" in str(caught.value)
    assert "one JSON array" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "reasons", "n_kept"),
    [
        ("[R] tail", ["trailing-data"], 1),
        ("[R][R,R]", ["trailing-data"], 1),
        ("[R]\n\n", [], 1),
        ("[R, bad, 1, R]", ["unparsable-json"], 2),
        ("[R, {oops}, 5, R]", ["unparsable-json"], 2),
        ('[R, {"instruction": oops}, R]', ["unparsable-json"], 2),
    ],
)
def test_nothing_vanishes_uncounted(tmp_path, text, reasons, n_kept):
    path = tmp_path / "a.json"
    padding = " " * 40  # the damage lies well before the end of the file
    path.write_text(text.replace("R", json.dumps(GOOD)) + padding, encoding="utf-8")
    records = list(read_alpaca(path))
    assert [r.reason for r in records if isinstance(r, Reject)] == reasons
    assert sum(isinstance(r, Conversation) for r in records) == n_kept


def test_absurd_nesting_is_quarantined(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[" + "[" * 200_000, encoding="utf-8")
    (found,) = read_alpaca(path)
    assert found.reason in ("unparsable-json", "truncated-file")


def test_lone_surrogates_and_bad_bytes_are_removed_and_counted(tmp_path):
    path = tmp_path / "a.json"
    text = json.dumps([{**GOOD, "output": "a\ud83d b \udc00\udc00"}, GOOD]).encode()
    path.write_bytes(text.replace(b"Name a colour.", b"Name \xff colour.", 1))
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path)
    _, messages = read_shards(folder)
    assert messages["text"].to_pylist()[:2] == ["Name  colour.", "a b "]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["surrogates_removed"] == {"n_characters": 4, "n_messages": 2}
    assert report["quarantine"] == {}


def test_a_pair_of_surrogates_is_one_character_and_stays(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{**GOOD, "output": "\U0001f600"}]), encoding="ascii")
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path)
    _, messages = read_shards(folder)
    assert messages["text"].to_pylist()[1] == "\U0001f600"


def test_a_message_of_5_mb_passes(tmp_path):
    path = write(tmp_path / "a.json", [{**GOOD, "output": "long " * 1_000_000}, GOOD])
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path)
    _, messages = read_shards(folder)
    assert [len(t) for t in messages["text"].to_pylist()][1] == 5_000_000


def test_shards_change_nothing_but_the_files(tmp_path):
    items = [{**GOOD, "output": f"answer {i % 17}"} for i in range(101)]
    path = write(tmp_path / "a.json", items)
    one = ingest(tmp_path / "one", "alpaca", "alpaca-json", path, n_shards=1)
    five = ingest(tmp_path / "five", "alpaca", "alpaca-json", path, n_shards=5)
    for name, schema in (("report.json", None), ("ledger.json", None)):
        assert (one / name).read_bytes() == (five / name).read_bytes(), schema
    for left, right, schema in zip(
        read_shards(one), read_shards(five), (CONVERSATIONS, MESSAGES), strict=True
    ):
        assert left.schema.equals(schema)
        assert left.to_pylist() == right.to_pylist()
    ids = pq.read_table(five / "conversations-3.parquet")["conversation_id"].to_pylist()
    assert ids == list(range(3, 101, 5))


def test_exact_duplicates_are_kept_and_marked(tmp_path):
    items = [GOOD, {**GOOD, "output": "Blue."}, GOOD, GOOD]
    folder = ingest(tmp_path, "alpaca", "alpaca-json", write(tmp_path / "a.json", items))
    conversations, _ = read_shards(folder)
    assert conversations["duplicate"].to_pylist() == [False, False, True, True]


def test_no_message_text_in_reports_or_logs(tmp_path, caplog):
    secret = "canary-7f3a"
    items = [
        {**GOOD, "output": secret},
        {"instruction": secret},
        {**GOOD, "input": [secret]},
    ]
    path = write(tmp_path / "a.json", items)
    with path.open("a", encoding="utf-8") as handle:
        handle.write(f' {{"instruction": "{secret}')
    caplog.set_level("DEBUG")
    folder = ingest(tmp_path, "alpaca", "alpaca-json", path)
    assert secret not in caplog.text
    for name in ("report.json", "ledger.json", "quarantine.parquet"):
        assert secret.encode() not in (folder / name).read_bytes()
    assert secret not in str(quarantine(folder))
