"""Files of embeddings that cannot be right are refused, and named."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_vectors import cloud, together, write_vectors

from wildpaper.errors import WildpaperError
from wildpaper.measure.embeddings import read_embeddings


def broken(folder, change):
    paths = write_vectors(folder, "wildchat", cloud(6, 1))
    table = change(pq.read_table(paths["embeddings"][0]))
    pq.write_table(table, paths["embeddings"][0])
    return paths


def with_vector(table, row, vector):
    vectors = table["vector"].to_pylist()
    vectors[row] = vector
    return table.set_column(2, "vector", pa.array(vectors, pa.list_(pa.float32(), 8)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: with_vector(t, 2, [float("nan")] * 8), "length 1"),
        (lambda t: with_vector(t, 2, [float("inf"), *[0.0] * 7]), "length 1"),
        (lambda t: with_vector(t, 2, [0.0] * 8), "length 1"),
        (lambda t: with_vector(t, 2, None), "nulls"),
        (lambda t: t.drop_columns(["vector"]), "lacks the columns"),
        (lambda t: t.set_column(2, "vector", pa.array([[1.0]] * 6)), "vectors are list"),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "two vectors"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_by_name(tmp_path, change, problem):
    paths = broken(tmp_path, change)
    with pytest.raises(WildpaperError, match=problem) as caught:
        read_embeddings(**paths)
    assert "wildchat-0.parquet" in caught.value.where


def test_what_is_no_parquet_is_refused_by_name(tmp_path):
    paths = write_vectors(tmp_path, "wildchat", cloud(6, 1))
    for text in (b"", b"PAR1 no"):
        paths["embeddings"][0].write_bytes(text)
        with pytest.raises(WildpaperError) as caught:
            read_embeddings(**paths)
        assert "wildchat-0.parquet" in caught.value.where


@pytest.mark.parametrize("options", [{"vectors": cloud(6, 1, width=9)}, {"encoder": "another"}])
def test_vectors_of_two_encoders_are_not_compared(tmp_path, options):
    one = write_vectors(tmp_path, "wildchat", cloud(6, 1))
    other = write_vectors(tmp_path, "dolly", **({"vectors": cloud(6, 1)} | options))
    with pytest.raises(WildpaperError, match="different encoders") as caught:
        read_embeddings(**together(one, other))
    assert "dolly-0.parquet" in caught.value.where
    assert "wildchat-0.parquet" in caught.value.where
