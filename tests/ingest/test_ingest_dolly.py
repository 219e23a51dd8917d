import gzip
import json

import pytest
from ingesting import ingest, read_shards
from json_inputs import lines, reasons

from wildpaper.errors import WildpaperError
from wildpaper.ingest.dolly import read_dolly
from wildpaper.ingest.records import Conversation, Reject

GOOD = {"instruction": "Who?", "context": "", "response": "Nobody.", "category": "open_qa"}


def test_context_and_instruction_are_joined_by_a_space(tmp_path):
    path = lines(tmp_path / "d.jsonl", GOOD, {**GOOD, "context": "A tale."})
    texts = [[m.text for m in record.messages] for record in read_dolly(path)]
    assert texts == [["Who?", "Nobody."], ["A tale. Who?", "Nobody."]]


def test_a_record_without_context_counts_as_one_with_an_empty_one(tmp_path):
    short = {"instruction": "Who?", "response": "Nobody."}
    a, b = read_dolly(lines(tmp_path / "d.jsonl", GOOD, short))
    assert a.messages == b.messages


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (None, "null-conversation"),
        (7, "not-a-record"),
        (["a"], "not-a-record"),
        ({"instruction": "a", "context": ""}, "missing-field"),
        ({"response": "a"}, "missing-field"),
        ({**GOOD, "context": None}, "non-string-text"),
        ({**GOOD, "instruction": ["a"]}, "non-string-text"),
        ({**GOOD, "response": 3}, "non-string-text"),
        (b'{"instruction": oops}', "unparsable-json"),
        (b"[" * 100_000, "unparsable-json"),
        (b"9" * 10_000, "unparsable-json"),
    ],
)
def test_a_bad_line_is_quarantined_and_its_neighbours_are_kept(tmp_path, bad, reason):
    path = lines(tmp_path / "d.jsonl", GOOD, bad, GOOD)
    folder = ingest(tmp_path, "dolly", "dolly-jsonl", path)
    assert reasons(folder) == [(1, reason)]
    conversations, _ = read_shards(folder)
    assert conversations["source_id"].to_pylist() == ["0", "2"]


def test_rows_are_lines_and_blank_lines_are_no_records(tmp_path):
    path = lines(tmp_path / "d.jsonl", GOOD, b"", b"  \r", None, GOOD)
    folder = ingest(tmp_path, "dolly", "dolly-jsonl", path)
    assert reasons(folder) == [(3, "null-conversation")]


def test_carriage_returns_and_a_byte_order_mark_do_not_matter(tmp_path):
    plain = lines(tmp_path / "plain.jsonl", GOOD, GOOD)
    odd = tmp_path / "odd.jsonl"
    odd.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    assert [r.messages for r in read_dolly(odd)] == [r.messages for r in read_dolly(plain)]


def test_any_cut_keeps_the_whole_lines_and_reports_the_rest(tmp_path):
    items = [{**GOOD, "response": "word " * i} for i in range(5)]
    whole = lines(tmp_path / "d.jsonl", *items).read_bytes()
    first = whole.index(b"\n") + 1
    path = tmp_path / "cut.jsonl"
    for end in range(first, len(whole) - 1):
        path.write_bytes(whole[:end])
        records = list(read_dolly(path))
        kept = [r for r in records if isinstance(r, Conversation)]
        cut = [r.reason for r in records if isinstance(r, Reject)]
        n_whole = whole[:end].count(b"\n") + (whole[end : end + 1] == b"\n")
        assert len(kept) == n_whole
        assert cut == ([] if whole[end - 1 : end + 1].count(b"\n") else ["truncated-file"])


def test_a_gzip_file_is_read_whatever_its_name(tmp_path):
    plain = lines(tmp_path / "d.jsonl", GOOD, {**GOOD, "context": "x"})
    packed = tmp_path / "packed.jsonl"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [r.messages for r in read_dolly(packed)] == [r.messages for r in read_dolly(plain)]


def test_a_gzip_file_cut_off_keeps_what_is_whole(tmp_path):
    items = [{**GOOD, "response": f"{i * i * 7919:x} " * 30} for i in range(2000)]
    packed = gzip.compress(lines(tmp_path / "d.jsonl", *items).read_bytes(), mtime=0)
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    *kept, last = read_dolly(path)
    assert (last.reason, last.row) == ("truncated-file", len(kept))
    assert 500 < len(kept) < 1500
    assert [r.messages[1].text for r in kept] == [i["response"] for i in items[: len(kept)]]


def test_a_damaged_gzip_file_stops_the_run_with_file_and_row(tmp_path):
    items = [{**GOOD, "response": f"{i * i * 7919:x} " * 30} for i in range(2000)]
    packed = bytearray(gzip.compress(lines(tmp_path / "d.jsonl", *items).read_bytes()))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = bytes(40)
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(packed)
    with pytest.raises(WildpaperError) as caught:
        list(read_dolly(path))
    assert str(path) in str(caught.value)
    assert "row" in caught.value.where


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no line of it is JSON"),
        (b"\n \n", "no line of it is JSON"),
        (b"not json\nnor this\n", "no line of it is JSON"),
        (b"\x00\x01\x02", "no line of it is JSON"),
        (json.dumps([GOOD]).encode(), "a JSON array"),
        (json.dumps(GOOD).encode("utf-16"), "UTF-16"),
        ((json.dumps(GOOD) + "\n").encode("utf-16-le"), "no line of it is JSON"),
    ],
)
def test_a_file_of_another_kind_stops_the_run_by_name(tmp_path, content, why):
    path = tmp_path / "d.jsonl"
    path.write_bytes(content)
    with pytest.raises(WildpaperError, match=why) as caught:
        list(read_dolly(path))
    assert f"{path}, before row 0" in caught.value.where


def test_bytes_that_are_not_utf8_are_removed_and_counted(tmp_path):
    path = lines(tmp_path / "d.jsonl", json.dumps(GOOD).encode().replace(b"Who", b"W\xffho"), GOOD)
    folder = ingest(tmp_path, "dolly", "dolly-jsonl", path)
    _, messages = read_shards(folder)
    assert messages["text"].to_pylist() == ["Who?", "Nobody."] * 2
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["surrogates_removed"] == {"n_characters": 1, "n_messages": 1}


def test_no_message_text_in_reports_errors_or_logs(tmp_path, caplog):
    secret = "canary-51bd"
    bad = ({"instruction": secret}, {**GOOD, "response": [secret]}, b'{"x": "' + secret.encode())
    path = lines(tmp_path / "d.jsonl", {**GOOD, "response": secret}, *bad, end="")
    caplog.set_level("DEBUG")
    folder = ingest(tmp_path, "dolly", "dolly-jsonl", path)
    assert len(reasons(folder)) == 3
    assert secret not in caplog.text
    for name in ("report.json", "ledger.json", "quarantine.parquet"):
        assert secret.encode() not in (folder / name).read_bytes()
    path.write_bytes(secret.encode())
    with pytest.raises(WildpaperError) as caught:
        list(read_dolly(path))
    assert secret not in str(caught.value)
