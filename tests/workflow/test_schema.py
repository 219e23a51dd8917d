"""A wrong column fails where it is written, by name; a right one is written whole."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.errors import WildpaperError
from wildpaper.schema import CONVERSATIONS, LABELS, MESSAGES, check_table, write_labels

TOKENS = LABELS["tokens"]
GOOD = {"conversation_id": [0, 1], "position": [0, 0], "n_tokens": [3, 0]}


def refused(table, path, schema=TOKENS):
    with pytest.raises(WildpaperError) as caught:
        check_table(table, schema, path)
    assert caught.value.where == str(path)
    return caught.value.what


def test_wider_integers_and_plain_strings_are_cast(tmp_path):
    assert check_table(pa.table(GOOD), TOKENS, tmp_path).schema.equals(TOKENS)
    column = pa.table({"text": ["a", "b"]})
    large = column.cast(pa.schema([("text", pa.large_string())]))
    wanted = pa.schema([pa.field("text", pa.dictionary(pa.int32(), pa.string()))])
    for table in (column, large):
        assert check_table(table, wanted, tmp_path)["text"].to_pylist() == ["a", "b"]


def test_columns_come_in_the_order_of_the_contract(tmp_path):
    shuffled = pa.table(dict(reversed(GOOD.items())))
    assert check_table(shuffled, TOKENS, tmp_path).column_names == TOKENS.names


def test_missing_and_unknown_columns_are_named(tmp_path):
    table = pa.table({"conversation_id": [0], "position": [0], "tokens": [1]})
    what = refused(table, tmp_path / "t.parquet")
    assert "missing columns ['n_tokens']" in what
    assert "unknown columns ['tokens']" in what


def test_nulls_where_there_may_be_none_are_counted(tmp_path):
    what = refused(pa.table({**GOOD, "n_tokens": [1, None]}), tmp_path / "t.parquet")
    assert "'n_tokens' holds 1 nulls" in what
    with_null = pa.table({name: [None] for name in MESSAGES.names})
    assert "'conversation_id'" in refused(with_null, tmp_path / "m.parquet", MESSAGES)


@pytest.mark.parametrize(
    "values",
    [["3", "4"], [1.5, 2.0], [True, False], ["private words", "x"], [[1], [2]]],
)
def test_another_type_is_refused_by_name_and_without_its_values(tmp_path, values):
    what = refused(pa.table({**GOOD, "n_tokens": values}), tmp_path / "t.parquet")
    assert "'n_tokens'" in what
    assert "private words" not in what


def test_a_number_too_wide_is_refused(tmp_path):
    refused(pa.table({**GOOD, "n_tokens": [1, 2**31]}), tmp_path / "t.parquet")


def test_null_columns_may_stay_null(tmp_path):
    row = dict.fromkeys(CONVERSATIONS.names) | {
        **{"dataset": "alpaca", "conversation_id": 0, "source_id": "0"},
        **{"n_turns": 1, "n_messages": 2, "duplicate": False},
    }
    table = check_table(pa.Table.from_pylist([row]), CONVERSATIONS, tmp_path)
    assert table.schema.equals(CONVERSATIONS)


def test_labels_carry_annotator_and_route(tmp_path):
    path = tmp_path / "deep" / "alpaca-0.parquet"
    write_labels(path, "tokens", pa.table(GOOD), "counter-1", "recorded")
    schema = pq.read_schema(path)
    assert schema.metadata[b"annotator"] == b"counter-1"
    assert schema.metadata[b"route"] == b"recorded"
    assert schema.remove_metadata().equals(TOKENS)
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_refused_labels_leave_no_file(tmp_path):
    path = tmp_path / "alpaca-0.parquet"
    with pytest.raises(WildpaperError):
        write_labels(path, "tokens", pa.table({"conversation_id": [1]}), "a", "computed")
    assert list(tmp_path.iterdir()) == []
