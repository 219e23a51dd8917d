"""Labels planted in a release come back under the keys that ingest gives the messages."""

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recording import (
    BOTH,
    NAMES,
    SLASHED,
    acquire,
    by_key,
    ingested,
    keep,
    labelled_row,
    release_schema,
)

from wildpaper.annotate.recorded import keep as recorded
from wildpaper.errors import WildpaperError
from wildpaper.ingest import parquet_rows
from wildpaper.schema import DETOXIFY_HEADS, LABELS, MODERATION_CATEGORIES, label_metadata


@pytest.fixture
def planted(tmp_path):
    """Two files with rows that are quarantined, and labels that are null, in between."""
    rng = random.Random(11)
    rows = [labelled_row(rng, i, rng.randint(1, 6)) for i in range(60)]
    rows[5]["conversation"] = None
    rows[17]["conversation"][0]["content"] = None
    rows[30]["conversation"][0]["role"] = "moderator"
    rows[41]["conversation"] = rows[41]["openai_moderation"] = []
    for i in (8, 22, 44):
        rows[i]["conversation"][0]["language"] = None
        rows[i]["openai_moderation"][0] = None
        rows[i]["detoxify_moderation"][0] = None
    rows[50]["openai_moderation"] = None
    rows[51]["detoxify_moderation"] = []
    schema = release_schema(BOTH)
    tables = [pa.Table.from_pylist(part, schema) for part in (rows[:25], rows[25:])]
    good = [row for i, row in enumerate(rows) if i not in (5, 17, 30, 41)]
    return acquire(tmp_path / "raw", *tables), good


def expected(good, keys):
    """Return the label rows that must come out, from what was planted and ingest's keys."""
    found = {name: {} for name in NAMES}
    for row in good:
        for j, message in enumerate(row["conversation"]):
            key = keys[message["content"]]
            if message["language"] is not None:
                found["language"][key] = {"language": message["language"], "confidence": 1.0}
            if row["detoxify_moderation"] and row["detoxify_moderation"][j]:
                heads = row["detoxify_moderation"][j]
                found["detoxify"][key] = {**heads, "truncated": False}
            if row["openai_moderation"] and row["openai_moderation"][j]:
                given = row["openai_moderation"][j]
                scores = {f"{c}_score": given["category_scores"][c] for c in MODERATION_CATEGORIES}
                categories = {c: given["categories"][c] for c in MODERATION_CATEGORIES}
                found["moderation"][key] = {"flagged": given["flagged"], **categories, **scores}
    return found


@pytest.mark.parametrize("n_shards", [1, 5])
def test_planted_labels_come_back_under_the_keys_of_ingest(tmp_path, planted, n_shards):
    acquired, good = planted
    wanted = expected(good, ingested(acquired, tmp_path))
    paths = keep(acquired, tmp_path, n_shards=n_shards)
    for name in ("language", "moderation"):
        assert by_key(paths[name]) == wanted[name]
    found = by_key(paths["detoxify"])
    assert found.keys() == wanted["detoxify"].keys()
    for key, row in found.items():
        assert row == pytest.approx(wanted["detoxify"][key], abs=1e-7)
    n_messages = sum(len(row["conversation"]) for row in good)
    assert 0 < n_messages - len(wanted["language"]) == 3


def test_shards_hold_their_conversations_sorted_in_the_contract(tmp_path, planted):
    acquired, _ = planted
    for name, paths in keep(acquired, tmp_path, n_shards=5).items():
        for shard, path in enumerate(paths):
            table = pq.read_table(path)
            assert table.schema.equals(LABELS[name])
            assert table.schema.metadata == label_metadata("wildchat-1m release", "recorded")
            keys = [(row["conversation_id"], row["position"]) for row in table.to_pylist()]
            assert keys == sorted(keys)
            assert {number % 5 for number, _ in keys} == {shard}


def test_small_buffers_and_batches_change_no_row(tmp_path, planted, monkeypatch):
    acquired, _ = planted
    whole = keep(acquired, tmp_path / "whole", n_shards=2)
    monkeypatch.setattr(recorded, "_BUFFERED_ROWS", 18)
    monkeypatch.setattr(parquet_rows, "_BATCH_ROWS", 3)
    small = keep(acquired, tmp_path / "small", n_shards=2)
    for name in NAMES:
        for left, right in zip(whole[name], small[name], strict=True):
            assert pq.read_table(left).equals(pq.read_table(right))
            assert pq.read_metadata(right).num_row_groups > pq.read_metadata(left).num_row_groups


def test_a_subset_of_the_labels_is_the_same_and_in_any_order(tmp_path, planted):
    acquired, _ = planted
    whole = keep(acquired, tmp_path / "whole")
    some = keep(acquired, tmp_path / "some", names=["moderation", "language"])
    for name in some:
        assert some[name][0].read_bytes() == whole[name][0].read_bytes()


@pytest.mark.parametrize("spellings", [list(MODERATION_CATEGORIES), [
    SLASHED.get(name, name) for name in MODERATION_CATEGORIES]])  # fmt: skip
def test_either_spelling_of_the_categories_is_read(tmp_path, spellings):
    rows = [labelled_row(random.Random(3), i, 4, spellings) for i in range(10)]
    acquired = acquire(tmp_path / "raw", pa.Table.from_pylist(rows, release_schema(spellings)))
    found = by_key(keep(acquired, tmp_path, names=["moderation"])["moderation"])
    for i, row in enumerate(rows):
        for j, given in enumerate(row["openai_moderation"]):
            values = dict(zip(MODERATION_CATEGORIES, spellings, strict=True))
            for plain, spelled in values.items():
                assert found[i, j][plain] == given["categories"][spelled]
                assert found[i, j][f"{plain}_score"] == given["category_scores"][spelled]


def test_a_category_that_the_release_lacks_is_false(tmp_path):
    spellings = [name for name in MODERATION_CATEGORIES if "self_harm" not in name]
    rows = [labelled_row(random.Random(3), i, 2, spellings) for i in range(3)]
    acquired = acquire(tmp_path / "raw", pa.Table.from_pylist(rows, release_schema(spellings)))
    found = by_key(keep(acquired, tmp_path, names=["moderation"])["moderation"])
    assert len(found) == 6
    assert all(row["self_harm"] is False and row["self_harm_score"] == 0 for row in found.values())
    assert any(row[name] for row in found.values() for name in spellings)


def test_the_spelling_of_2023_becomes_title_case(tmp_path):
    rows = [labelled_row(random.Random(1), 0, 3)]
    for message, name in zip(rows[0]["conversation"], ("CHINESE", "Nolang", ""), strict=True):
        message["language"] = name
    acquired = acquire(tmp_path / "raw", pa.Table.from_pylist(rows, release_schema(BOTH)))
    found = by_key(keep(acquired, tmp_path, names=["language"])["language"])
    assert {key: row["language"] for key, row in found.items()} == {
        (0, 0): "Chinese",
        (0, 1): "Nolang",
    }


def test_lists_that_do_not_match_the_messages_are_left_out_and_said(tmp_path, caplog):
    rows = [labelled_row(random.Random(1), i, 4) for i in range(3)]
    rows[1]["openai_moderation"].pop()
    acquired = acquire(tmp_path / "raw", pa.Table.from_pylist(rows, release_schema(BOTH)))
    caplog.set_level("INFO", "wildpaper")
    found = by_key(keep(acquired, tmp_path, names=["moderation"])["moderation"])
    assert {number for number, _ in found} == {0, 2}
    assert "1 conversations have another number of moderation labels" in caplog.text
    assert "8 of 12 messages have a recorded label moderation" in caplog.text


def test_a_head_that_is_null_means_that_no_score_is_recorded(tmp_path):
    rows = [labelled_row(random.Random(1), 0, 3)]
    rows[0]["detoxify_moderation"][1]["threat"] = None
    acquired = acquire(tmp_path / "raw", pa.Table.from_pylist(rows, release_schema(BOTH)))
    found = by_key(keep(acquired, tmp_path, names=["detoxify"])["detoxify"])
    assert set(found) == {(0, 0), (0, 2)}


@pytest.mark.parametrize("column", ["null", "absent"])
def test_the_one_head_that_models_may_lack_may_be_missing(tmp_path, column):
    rows = [labelled_row(random.Random(1), 0, 2)]
    table = pa.Table.from_pylist(rows, release_schema(BOTH))
    if column == "null":
        for scores in rows[0]["detoxify_moderation"]:
            scores["sexual_explicit"] = None
        table = pa.Table.from_pylist(rows, release_schema(BOTH))
    else:
        heads = [{h: v for h, v in scores.items() if h != "sexual_explicit"}
                 for scores in rows[0]["detoxify_moderation"]]  # fmt: skip
        table = table.drop_columns("detoxify_moderation")
        table = table.append_column("detoxify_moderation", pa.array([heads]))
    acquired = acquire(tmp_path / "raw", table)
    found = by_key(keep(acquired, tmp_path, names=["detoxify"])["detoxify"])
    assert [row["sexual_explicit"] for row in found.values()] == [None, None]
    wanted = [scores["threat"] for scores in rows[0]["detoxify_moderation"]]
    assert [row["threat"] for row in found.values()] == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_nulls_gives_no_rows_and_a_missing_one_stops(tmp_path, name):
    chat = [[{"content": "a", "role": "user", "language": None}]]
    empty = pa.table(
        {"conversation": chat, "openai_moderation": [None], "detoxify_moderation": [None]}
    )
    acquired = acquire(tmp_path / "raw", empty)
    assert by_key(keep(acquired, tmp_path, names=[name])[name]) == {}
    bare = pa.table({"conversation": [[{"content": "a", "role": "user"}]]})
    acquired = acquire(tmp_path / "bare", bare)
    with pytest.raises(WildpaperError, match=f"no labels of the kind '{name}'") as caught:
        keep(acquired, tmp_path / "out", names=[name])
    assert "train-0.parquet" in caught.value.where
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("moderation", "openai_moderation", [["hate"]]),
        ("moderation", "openai_moderation", ["hate"]),
        ("moderation", "openai_moderation", [[{"flagged": "yes"}]]),
        ("moderation", "openai_moderation", [[{"categories": {"hate": True}}]]),
        ("moderation", "openai_moderation", [[{"flagged": True, "categories": {"hate": 0.5}}]]),
        ("detoxify", "detoxify_moderation", [[{"toxicity": 0.5}]]),
        ("detoxify", "detoxify_moderation", [[dict.fromkeys(DETOXIFY_HEADS, "high")]]),
        ("language", "conversation", [[{"content": "a", "role": "user", "language": 7}]]),
    ],
)
def test_labels_of_another_form_stop_the_run_with_file_and_row(tmp_path, name, column, value):
    columns = {"conversation": [[{"content": "a", "role": "user"}]], column: value}
    acquired = acquire(tmp_path / "raw", pa.table(columns))
    with pytest.raises(WildpaperError, match=f"{column} does not hold {name} labels") as caught:
        keep(acquired, tmp_path / "out", names=[name])
    assert "train-0.parquet, rows 0 to 0" in caught.value.where


def test_a_language_that_is_not_utf8_is_cleaned(tmp_path):
    names = pa.Array.from_buffers(pa.string(), 1, pa.array([b"Tha\xffi"]).buffers())
    text = pa.array(["a"])
    role = pa.array(["user"])
    message = pa.StructArray.from_arrays([text, role, names], ["content", "role", "language"])
    chat = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), message)
    acquired = acquire(tmp_path / "raw", pa.table({"conversation": chat}))
    found = by_key(keep(acquired, tmp_path, names=["language"])["language"])
    assert found[0, 0]["language"] == "Thai"


def test_lmsys_records_moderation_alone(tmp_path):
    rows = [labelled_row(random.Random(5), i, 2) for i in range(4)]
    table = pa.Table.from_pylist(rows, release_schema(BOTH)).drop_columns("detoxify_moderation")
    acquired = acquire(tmp_path / "raw", table, name="official")
    options = {"dataset": "lmsys_chat_1m", "native_format": "lmsys-parquet"}
    (path,) = keep(acquired, tmp_path, names=["moderation"], **options)["moderation"]
    assert len(by_key([path])) == 8
    metadata = pq.read_schema(path).metadata
    assert metadata[b"annotator"] == b"lmsys_chat_1m-official release"
    with pytest.raises(WildpaperError, match="no labels of the kind 'language'"):
        keep(acquired, tmp_path, names=["language"], **options)


def test_formats_without_labels_are_refused(tmp_path):
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")
    acquired = acquire(tmp_path)
    content = json.loads(acquired.read_text(encoding="utf-8"))
    content["files"] = [{"name": "a.json"}]
    acquired.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(WildpaperError, match="No recorded labels are read"):
        keep(acquired, tmp_path, names=["language"], native_format="alpaca-json")


def test_a_damaged_file_leaves_nothing_behind(tmp_path, planted):
    acquired, _ = planted
    path = acquired.parent / "train-1.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WildpaperError, match="Not a whole parquet file"):
        keep(acquired, tmp_path / "out", n_shards=3)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.realdata
def test_the_real_extract_records_none(tmp_path, realdata):
    real = pq.read_table(realdata / "wildchat" / "train-00000-of-00001.parquet")
    acquired = acquire(tmp_path / "raw", real, name="wildchat-1m-extract-300")
    for name, paths in keep(acquired, tmp_path, n_shards=2).items():
        assert by_key(paths) == {}, name
