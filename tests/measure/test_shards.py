"""A data set is opened whole, checked and in little memory, however its files are cut."""

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planting import Planted, measure, random_set, write_set

from wildpaper.errors import WildpaperError
from wildpaper.measure.shards import open_dataset
from wildpaper.schema import write_labels

KEYS = ["conversation_id", "position"]
SLOWLY = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def opening(paths, **options):
    labels = {"tokens": paths["tokens"], "language": paths["languages"]}
    return open_dataset(
        paths["reports"][0], paths["conversations"], paths["messages"], labels, **options
    )


def rows_of(opened, table="messages"):
    listed = opened.connection.execute(f"FROM {table}")
    found = pd.DataFrame(listed.fetchall(), columns=[name for name, *_ in listed.description])
    return found.sort_values(KEYS if table == "messages" else KEYS[0], ignore_index=True)


def merged(paths):
    """Return the messages as pandas joins them: the slow oracle."""
    read = {
        kind: pd.concat(map(pd.read_parquet, paths[kind])) for kind in paths if kind != "reports"
    }
    rows = read["messages"].merge(read["tokens"], "left", KEYS)
    rows = rows.merge(read["languages"], "left", KEYS, indicator="in_language")
    first = read["conversations"].sort_values("conversation_id")
    owner = first["user"].fillna(first["conversation_id"].astype(str) + " alone")
    cluster = dict(zip(first["conversation_id"], pd.factorize(owner)[0], strict=True))
    rows["cluster"] = rows["conversation_id"].map(cluster)
    rows["has_language"] = rows["in_language"] == "both"
    rows["role"] = rows["role"].astype(str)
    return rows.sort_values(KEYS, ignore_index=True)


def same_messages(opened, expected):
    found = rows_of(opened)
    assert found["has_tokens"].all()
    for name in [*KEYS, "cluster", "role", "n_tokens", "has_language"]:
        assert found[name].tolist() == expected[name].tolist(), name
    assert found["language"].fillna("").tolist() == expected["language"].fillna("").tolist()
    return found


def relabel(path, change, label="language", route="recorded"):
    """Write a label file anew."""
    table = change(pq.read_table(path))
    write_labels(path, label, table, "planted", route)


def take(order):
    return lambda table: table.take(pa.array(order, pa.int64()))


# ------------------------------------------------------------------ what is joined


@given(
    n=st.integers(0, 30),
    seed=st.integers(0, 10**6),
    n_shards=st.integers(1, 4),
    shuffle=st.booleans(),
    moved=st.booleans(),
    share=st.sampled_from([0.0, 0.5, 1.0]),
)
@SLOWLY
def test_messages_are_those_that_pandas_joins(
    tmp_path_factory, n, seed, n_shards, shuffle, moved, share
):
    folder = tmp_path_factory.mktemp("set")
    paths = write_set(folder, random_set(n, seed, users=3), n_shards, seed if shuffle else None)
    draw = random.Random(seed)
    for path in paths["languages"]:
        kept = [i for i in range(pq.read_metadata(path).num_rows) if draw.random() < share]
        if moved:
            draw.shuffle(kept)
        relabel(path, take(kept))
    with opening(paths) as opened:
        found = same_messages(opened, merged(paths))
        assert opened.n_messages == len(found)
        assert opened.n_labelled["language"] == found["has_language"].sum()


def test_a_label_in_another_order_is_joined_by_key(tmp_path):
    """As many rows as messages, all of them right, and none in its place."""
    planted = random_set(40)
    table, _ = measure(tmp_path / "a", write_set(tmp_path / "a", planted, 2))
    paths = write_set(tmp_path / "b", planted, 2)
    for path in paths["tokens"]:
        n = pq.read_metadata(path).num_rows
        relabel(path, take(range(n - 1, -1, -1)), "tokens", "computed")
    again, _ = measure(tmp_path / "b", paths)
    assert table.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("threads", ["1", "4"])
def test_rows_keep_their_place_beside_others_in_other_groups(tmp_path, monkeypatch, threads):
    """Threads read groups of rows in any order, and files have other groups."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    paths = write_set(tmp_path, random_set(3000, users=50), 2)
    for kind, size in (("messages", 700), ("tokens", 501)):
        for path in paths[kind]:
            pq.write_table(pq.read_table(path), path, row_group_size=size)
    with opening(paths) as opened:
        assert opened.one("SELECT current_setting('threads')") == int(threads)
        same_messages(opened, merged(paths))


def test_columns_that_are_not_asked_for_are_not_read(tmp_path):
    paths = write_set(tmp_path, random_set())
    with opening(paths, columns=("country",)) as few, opening(paths) as every:
        assert set(rows_of(few, "conversations")) == {
            *("conversation_id", "n_turns", "n_messages", "duplicate"),
            *("country", "has_user", "cluster"),
        }
        assert "timestamp" not in rows_of(few)
        assert {"timestamp", "user", "model", "source_id"} <= {
            *rows_of(every), *rows_of(every, "conversations")
        }  # fmt: skip


def test_conversations_that_are_left_out_take_their_messages_along(tmp_path):
    paths = write_set(tmp_path, random_set(), 3)
    with opening(paths) as opened:
        before = rows_of(opened)
        opened.connection.execute("UPDATE conversations SET duplicate = conversation_id % 2 = 1")
        opened.leave_out("duplicate")
        opened.leave_out("conversation_id < 10")
        left = before[(before["conversation_id"] % 2 == 0) & (before["conversation_id"] >= 10)]
        pd.testing.assert_frame_equal(rows_of(opened), left.reset_index(drop=True))
        kept = rows_of(opened, "conversations")["conversation_id"].tolist()
        assert kept == list(range(10, 60, 2))


# ------------------------------------------------------------------ what does not belong together


def test_a_conversation_twice_is_an_error(tmp_path):
    paths = write_set(tmp_path, random_set(), 2)
    table = pq.read_table(paths["conversations"][1])
    pq.write_table(pa.concat_tables([table, table.slice(2, 3)]), paths["conversations"][1])
    with pytest.raises(WildpaperError, match="3 conversations occur twice") as caught:
        opening(paths)
    assert str(paths["conversations"][1]) in caught.value.where


def test_a_message_of_no_conversation_is_an_error(tmp_path):
    paths = write_set(tmp_path, random_set(), 2)
    table = pq.read_table(paths["conversations"][1])
    last = table["n_messages"][len(table) - 1].as_py()
    pq.write_table(table.slice(0, len(table) - 1), paths["conversations"][1])
    with pytest.raises(
        WildpaperError, match=f"{last} messages belong to no conversation"
    ) as caught:
        opening(paths)
    assert str(paths["messages"][0]) in caught.value.where


@pytest.mark.parametrize("column", KEYS)
def test_labels_of_other_messages_are_an_error(tmp_path, column):
    """As many labels as messages, in their order, but of another ingest."""
    paths = write_set(tmp_path, random_set())
    table = pq.read_table(paths["tokens"][0])
    moved = pa.array(np.asarray(table[column]) + 1).cast(table.schema.field(column).type)
    relabel(
        paths["tokens"][0], lambda t: t.set_column(t.column_names.index(column), column, moved),
        "tokens", "computed",
    )  # fmt: skip
    with pytest.raises(WildpaperError, match="messages with tokens") as caught:
        opening(paths)
    assert caught.value.where == str(paths["tokens"][0])


def test_a_message_in_place_of_another_is_noticed(tmp_path):
    """In order, as many as the conversations have, and one of them twice."""
    one = [("user", 1, "English"), ("assistant", 1, "English")]
    paths = write_set(tmp_path, Planted(conversations=[("a", one), ("b", one)]))
    for kind, label in (("messages", None), ("tokens", "tokens"), ("languages", "language")):
        twice = pq.read_table(paths[kind][0]).take([0, 1, 0, 1])
        if label is None:
            pq.write_table(twice, paths[kind][0])
        else:
            write_labels(paths[kind][0], label, twice, "planted", "computed")
    with pytest.raises(WildpaperError, match="2 messages or labels occur twice"):
        opening(paths)


@pytest.mark.parametrize("kind", ["conversations", "messages", "tokens"])
def test_a_damaged_file_is_named(tmp_path, kind):
    paths = write_set(tmp_path, random_set(), 2)
    path = paths[kind][1]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WildpaperError, match="cannot be read") as caught:
        opening(paths)
    assert str(path) in caught.value.where


def test_labels_of_two_routes_are_an_error(tmp_path):
    paths = write_set(tmp_path, random_set(), 2)
    relabel(paths["languages"][1], lambda table: table, route="recorded")
    with pytest.raises(WildpaperError, match=r"routes \['computed', 'recorded'\]"):
        opening(paths)


def test_paths_may_have_any_name(tmp_path):
    folder = tmp_path / "it's [a] *folder? 数"
    paths = write_set(folder, random_set(), 2)
    with opening(paths) as opened:
        same_messages(opened, merged(paths))
