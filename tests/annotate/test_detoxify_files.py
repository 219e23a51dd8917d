"""Files of any origin: every row has its scores or a reason, and no text gets out."""

import csv
import json
import logging

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from detoxify_forms import write_form
from labelled_corpus import messages

from wildpaper.__main__ import main
from wildpaper.annotate.detoxify.checkpoint import annotator_name, load_detoxify
from wildpaper.annotate.detoxify.score_files import Scoring, score_files
from wildpaper.errors import WildpaperError
from wildpaper.schema import DETOXIFY_HEADS

TEXTS = ["", "ba bo", 'a,b\n"c"', "ba bo", "é 😀", *(m["text"] for m in messages(5, seed=5))]
LONG = "ba bo du " * 400


@pytest.fixture(scope="module", params=["original", "unbiased", "multilingual"])
def form(request, tmp_path_factory):
    return write_form(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_form("multilingual", tmp_path_factory.mktemp("model"))


def write(path, texts, column="text"):
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"n": range(len(texts)), column: texts}), path, row_group_size=7)
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([["n", column], *([i, t] for i, t in enumerate(texts))])
    else:
        lines = (json.dumps({column: text, "n": i}) for i, text in enumerate(texts))
        path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return path


def test_all_kinds_of_files_give_the_scores_of_detoxify(form, tmp_path):
    classifier = load_detoxify(form)
    wanted = [classifier.predict(text) for text in [*TEXTS, LONG]]
    files = [write(tmp_path / f"in.{kind}", [*TEXTS, LONG]) for kind in ("parquet", "csv", "jsonl")]
    totals = score_files(files, tmp_path / "out", form)
    n_flagged = sum(scores["toxicity"] > 0.1 for scores in wanted)
    n = len(wanted)
    assert (totals.n_files, totals.n_scored, totals.n_flagged) == (3, 3 * n, 3 * n_flagged)
    assert totals.n_truncated >= 3
    for path in files:
        table = pq.read_table(tmp_path / "out" / f"{path.name}.parquet")
        assert table["row"].to_pylist() == list(range(n))
        assert table["truncated"].to_pylist()[-1] is True
        for head in DETOXIFY_HEADS:
            if head not in classifier.class_names:
                assert table[head].null_count == n
                continue
            found = table[head].to_numpy()
            assert np.abs(found - [scores[head] for scores in wanted]).max() < 1e-5


BAD_LINES = {
    "not JSON": b'{"text": "ba',
    "not a JSON object": b'["ba"]',
    "no such field": b'{"other": "ba"}',
    "null": b'{"text": null}',
    "not a string": b'{"text": 5}',
    "not UTF-8": b'{"text": "\xff"}',
}


def test_rows_without_text_are_counted_by_reason_and_stay_in_place(checkpoint, tmp_path):
    good = b'{"text": "ba bo"}'
    path = tmp_path / "in.jsonl"
    half = b'{"text": "\\ud83d"}'
    path.write_bytes(b"\n".join([good, *BAD_LINES.values(), half, good]))
    totals = score_files([path], tmp_path, checkpoint)
    assert totals.problems == {**dict.fromkeys(BAD_LINES, 1), "not UTF-8": 2}
    assert (totals.n_scored, totals.errors) == (2, {})
    table = pq.read_table(tmp_path / "in.jsonl.parquet")
    assert table["problem"].to_pylist() == [None, *BAD_LINES, "not UTF-8", None]
    for name in (*DETOXIFY_HEADS, "truncated"):
        valid = table[name].is_valid().to_pylist()
        assert valid == [True, *[False] * 7, True]


def test_bad_rows_of_parquet_and_csv(checkpoint, tmp_path):
    raw = pa.array([b"ba", None, b"\xff\xfe"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": [1, None]}), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_bytes(b'n,text\n1,"ba"\n2\n3,\xff\n')
    pq.write_table(pa.table({"text": pa.array(["ba", None]).dictionary_encode()}),
                   tmp_path / "d.parquet")  # fmt: skip
    files = [tmp_path / name for name in ("a.parquet", "b.parquet", "c.csv", "d.parquet")]
    score_files(files, tmp_path / "out", checkpoint)
    found = {
        path.name: pq.read_table(tmp_path / "out" / f"{path.name}.parquet")["problem"].to_pylist()
        for path in files
    }
    assert found == {
        "a.parquet": [None, "null", "not UTF-8"],
        "b.parquet": ["not a string", "null"],
        "c.csv": [None, "no such field", "not UTF-8"],
        "d.parquet": [None, "null"],
    }


def test_no_rows_at_all(checkpoint, tmp_path):
    totals = score_files([write(tmp_path / "in.csv", [])], tmp_path, checkpoint)
    assert (totals.n_files, totals.n_scored) == (1, 0)
    assert pq.read_table(tmp_path / "in.csv.parquet").num_rows == 0


def test_what_is_finished_is_skipped_until_something_changes(checkpoint, tmp_path):
    path, out = write(tmp_path / "in.jsonl", TEXTS[:4]), tmp_path / "out"
    first = score_files([path], out, checkpoint)
    target = out / "in.jsonl.parquet"
    stamp = target.stat().st_mtime_ns
    again = score_files([path], out, checkpoint, Scoring(batch_tokens=512))
    assert (again.n_skipped, target.stat().st_mtime_ns) == (1, stamp)
    assert (again.n_scored, again.n_flagged) == (first.n_scored, first.n_flagged)
    other = write_form("multilingual", tmp_path / "other", seed=2)
    changes = [
        (checkpoint, Scoring(threshold=0.2)),
        (checkpoint, Scoring(long_texts="windows")),
        (checkpoint, Scoring(precision="bf16")),
        (other, Scoring()),
    ]
    for model, scoring in changes:
        assert score_files([path], out, model, scoring).n_skipped == 0
        assert score_files([path], out, model, scoring).n_skipped == 1
    write(path, TEXTS[1:4])
    assert score_files([path], out, *changes[-1]).n_skipped == 0
    metadata = json.loads(pq.read_schema(target).metadata[b"wildpaper.score-toxicity"])
    assert metadata["annotator"] == annotator_name(other)


def test_a_file_that_cannot_be_read_does_not_stop_the_others(checkpoint, tmp_path, capsys):
    good = write(tmp_path / "good.csv", TEXTS)
    damaged, absent = tmp_path / "damaged.parquet", tmp_path / "absent.jsonl"
    damaged.write_bytes(b"PAR1 is not enough")
    other = write(tmp_path / "other.csv", TEXTS, column="prompt")
    text = tmp_path / "in.txt"
    text.write_text("ba", encoding="utf-8")
    bad = [damaged, absent, other, text]
    files = map(str, [*bad[:2], good, *bad[2:]])
    arguments = ["--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    assert main(["score-toxicity", *arguments, *files]) == 1
    told = capsys.readouterr()
    assert f"{len(TEXTS):,} texts scored" in told.out
    assert "4 files could not be scored" in told.out
    for path in bad:
        assert str(path) in told.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.csv.parquet"]


def test_nothing_of_the_users_is_overwritten(checkpoint, tmp_path):
    path = write(tmp_path / "in.csv", TEXTS)
    (tmp_path / "in.csv.parquet").write_bytes(b"mine")
    with pytest.raises(WildpaperError, match="in the way"):
        score_files([path], tmp_path, checkpoint)
    assert (tmp_path / "in.csv.parquet").read_bytes() == b"mine"
    (tmp_path / "b").mkdir()
    twin = write(tmp_path / "b" / "in.csv", TEXTS)
    with pytest.raises(WildpaperError, match="same name"):
        score_files([path, twin], tmp_path / "out", checkpoint)


def test_no_text_gets_out(checkpoint, tmp_path, capsys, caplog):
    secret = "zzsecretzz"
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"text": "{secret} ba"}}\n{{"text": "{secret}\n', encoding="utf-8")
    main(["score-toxicity", "--checkpoint", str(checkpoint), "--out", str(tmp_path), str(path)])
    told = capsys.readouterr()
    output = (tmp_path / "in.jsonl.parquet").read_bytes().decode("latin-1")
    for place in (told.out, told.err, caplog.text, output):
        assert secret not in place
    assert "1 rows without scores: not JSON" in told.out
