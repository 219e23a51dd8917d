"""One shard of messages in, one shard of token labels out."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.annotate.tokens import count as tokens
from wildpaper.annotate.tokens.count import count_tokens
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS

WORDS = ["", "Hello world", " ", "日本 😀", "<s>", "a\n\nb", "x = 1;\t// y²"]


def messages(n):
    return pa.table(
        {
            "conversation_id": pa.array([i // 3 for i in range(n)], pa.int64()),
            "position": pa.array([i % 3 for i in range(n)], pa.int32()),
            "text": pa.array([WORDS[i % 7] * (i % 5) for i in range(n)], pa.string()),
        }
    )


def labels_of(table, tokenizer_file, folder, name="alpaca-0", memo=1000):
    source, labels = folder / f"{name}-in.parquet", folder / f"{name}.parquet"
    pq.write_table(table, source)
    count_tokens(source, tokenizer_file, labels, memo_max_units=memo)
    return pq.read_table(labels)


def test_labels_keep_the_contract(tokenizer_file, tmp_path):
    table = messages(50)
    labels = labels_of(table, tokenizer_file, tmp_path)
    assert labels.schema.equals(LABELS["tokens"])
    assert labels.select([0, 1]).equals(table.select([0, 1]).cast(labels.schema.remove(2)))
    metadata = pq.read_schema(tmp_path / "alpaca-0.parquet").metadata
    assert metadata[b"annotator"].startswith(b"llama2-sentencepiece-32000-")
    assert metadata[b"route"] == b"computed"


def test_counts_do_not_depend_on_shards_batches_or_memo(tokenizer_file, tmp_path, monkeypatch):
    table = messages(500)
    whole = labels_of(table, tokenizer_file, tmp_path)
    monkeypatch.setattr(tokens, "_BATCH_MESSAGES", 7)
    parts = [
        labels_of(table.slice(start, 100), tokenizer_file, tmp_path, f"part-{start}", memo=2)
        for start in range(0, 500, 100)
    ]
    assert pa.concat_tables(parts).equals(whole)


def test_a_shard_without_messages(tokenizer_file, tmp_path):
    assert labels_of(messages(0), tokenizer_file, tmp_path).num_rows == 0


def test_a_null_text_is_named_by_file_and_row(tokenizer_file, tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "_BATCH_MESSAGES", 4)
    table = messages(10)
    texts = table["text"].to_pylist()
    texts[6] = None
    table = table.set_column(2, "text", pa.array(texts, pa.string()))
    with pytest.raises(WildpaperError) as caught:
        labels_of(table, tokenizer_file, tmp_path)
    assert caught.value.where.endswith("alpaca-0-in.parquet, row 6")
    assert not (tmp_path / "alpaca-0.parquet").exists()


def test_a_missing_column_is_named(tokenizer_file, tmp_path):
    with pytest.raises(WildpaperError, match="text"):
        labels_of(messages(3).drop_columns(["text"]), tokenizer_file, tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 is not enough"])
def test_a_damaged_shard_is_refused(content, tokenizer_file, tmp_path):
    source = tmp_path / "messages.parquet"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(WildpaperError) as caught:
        count_tokens(source, tokenizer_file, tmp_path / "labels.parquet", memo_max_units=10)
    assert str(source) in caught.value.where
    assert not (tmp_path / "labels.parquet").exists()
