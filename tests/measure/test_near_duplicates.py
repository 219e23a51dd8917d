"""What repeats itself, counted again by hand; and Table 1 over what is left."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from planting import Measured, Planted, joined, measure, random_set, run_measure, write_set

from wildpaper.errors import WildpaperError
from wildpaper.long_table import read_long_table
from wildpaper.measure.near_duplicates import WITHOUT, measure_near_duplicates
from wildpaper.measure.shares import shares_of
from wildpaper.schema import LABELS, write_labels

OPTIONS = {"deviation": "population"}
OWN = "own.near-duplicates.wildchat."
REPETITION = ("clusters", "largest-cluster", "messages-in-clusters", "conversations-repeated")
Clusters = dict[tuple[int, int], int]


def random_clusters(planted: Planted, seed: int = 1, n_clusters: int = 15) -> Clusters:
    """Return clusters of some user messages, each of at least two."""
    draw = random.Random(seed)
    found = {
        (i, position): draw.randrange(n_clusters)
        for i, (_, messages) in enumerate(planted.conversations)
        for position, (role, _, _) in enumerate(messages)
        if role == "user" and draw.random() < 0.4
    }
    often = Counter(found.values())
    return {key: cluster for key, cluster in found.items() if often[cluster] > 1}


def write(folder, planted: Planted, clusters: Clusters, n_shards: int = 1, shuffle=None) -> dict:
    paths = write_set(folder, planted, n_shards, shuffle)
    paths["near_duplicates"] = []
    for shard in range(n_shards):
        rows = [
            {"conversation_id": i, "position": p, "cluster": clusters.get((i, p))}
            for i, (_, messages) in enumerate(planted.conversations)
            for p in range(len(messages))
            if i % n_shards == shard
        ]
        path = folder / planted.name / f"near_duplicates-{shard}.parquet"
        table = pa.Table.from_pylist(rows, LABELS["near_duplicate"])
        write_labels(path, "near_duplicate", table, "planted", "computed")
        paths["near_duplicates"].append(path)
    return paths


def measured(folder, planted: Planted, clusters: Clusters, **options) -> Measured:
    paths = write(folder / "in", planted, clusters, **options)
    return run_measure(measure_near_duplicates, folder / "out", paths, **OPTIONS)


def repeated(planted: Planted, clusters: Clusters) -> set[int]:
    """Return the conversations whose first user message is like that of an earlier one."""
    seen, found = set(), set()
    for i, (_, messages) in enumerate(planted.conversations):
        first = next((p for p, (role, _, _) in enumerate(messages) if role == "user"), None)
        cluster = clusters.get((i, first)) if first is not None else None
        if cluster is not None and cluster in seen:
            found.add(i)
        seen.add(cluster)
    return found


def left_of(planted: Planted, dropped: set[int]) -> Planted:
    kept = [c for i, c in enumerate(planted.conversations) if i not in dropped]
    return Planted(planted.name, kept)


@pytest.mark.parametrize(("seed", "users"), [(1, 9), (2, 0), (3, 30)])
def test_repetition_is_counted_by_message_cluster_and_conversation(tmp_path, seed, users):
    planted = random_set(80, seed, users=users)
    clusters = random_clusters(planted, seed)
    claims = measured(tmp_path, planted, clusters).claims
    n_user = len(planted.of("user"))
    dropped = repeated(planted, clusters)
    assert 5 < len(dropped) < 60
    values = {name: claims[OWN + name].value for name in REPETITION}
    assert values == {
        "clusters": len(set(clusters.values())),
        "largest-cluster": max(Counter(clusters.values()).values()),
        "messages-in-clusters": 100 * len(clusters) / n_user,
        "conversations-repeated": 100 * len(dropped) / 80,
    }
    totals = [claims[OWN + name].n for name in REPETITION]
    assert totals == [n_user, n_user, n_user, 80]


def test_the_interval_draws_users(tmp_path):
    planted = random_set(80, 4, users=12)
    clusters = random_clusters(planted)
    cell = measured(tmp_path, planted, clusters).claims[OWN + "messages-in-clusters"]
    order = list(dict.fromkeys(user for user, _ in planted.conversations))
    counts = np.zeros((len(order), 2), np.int64)
    for i, (user, messages) in enumerate(planted.conversations):
        counts[order.index(user), 0] += sum((i, p) in clusters for p in range(len(messages)))
        counts[order.index(user), 1] += sum(role == "user" for role, _, _ in messages)
    (share,) = shares_of(counts[:, :1], counts[:, 1:], 15, 7, "near-duplicates.wildchat")
    assert (cell.value, cell.ci_low, cell.ci_high) == (share.percent, *share.interval)


@pytest.mark.parametrize("deviation", ["population", "sample"])
def test_what_is_left_is_measured_as_table_1_measures_it(tmp_path, deviation):
    planted = random_set(70, 5)
    clusters = random_clusters(planted, 5)
    paths = write(tmp_path / "in", planted, clusters)
    found = run_measure(measure_near_duplicates, tmp_path / "out", paths, deviation=deviation)
    rest = write_set(tmp_path / "rest", left_of(planted, repeated(planted, clusters)))
    table, _ = measure(tmp_path / "t1", rest, deviation=deviation)
    expected = {
        (c.row, c.column + WITHOUT): (c.value, c.n)
        for c in read_long_table(table)
        if not c.column.endswith("-without-duplicates")
    }
    own = {key: (c.value, c.n) for key, c in found.cells.items() if key[1].endswith(WITHOUT)}
    assert own == expected
    assert len(own) == 8
    for (row, column), cell in found.cells.items():
        assert cell.claim == f"own.near-duplicates.{row}.{column}"
        assert column == "messages-in-clusters" or cell.ci_low is None


def test_only_first_user_messages_make_a_conversation_repeated(tmp_path):
    said = {"a": ("assistant", 1, "English"), "u": ("user", 1, "English")}
    planted = Planted("wildchat", [("x", [said[c] for c in roles]) for roles in
                                   ("uau", "au", "ua", "uau", "a", "u")])  # fmt: skip
    # The second message of conversation 0 and the first of 2 are alike: not both are first.
    clusters = {(0, 2): 0, (2, 0): 0, (0, 0): 1, (1, 1): 1, (3, 0): 2, (3, 2): 2, (5, 0): 0}
    claims = measured(tmp_path, planted, clusters).claims
    assert claims[OWN + "conversations-repeated"].value == 100 * 2 / 6
    assert claims[OWN + "conversations" + WITHOUT].value == 4
    assert claims[OWN + "turns-per-conversation" + WITHOUT].value == 5 / 4


def test_marks_of_exact_duplicates_do_not_matter(tmp_path):
    planted = random_set(40, 6)
    clusters = random_clusters(planted)
    once = measured(tmp_path / "a", planted, clusters)
    planted.duplicates = {3, 4, 5, 20}
    assert measured(tmp_path / "b", planted, clusters).bytes == once.bytes


def test_shards_and_the_order_of_rows_do_not_matter(tmp_path):
    planted = random_set(50, 7)
    clusters = random_clusters(planted)
    once = measured(tmp_path / "a", planted, clusters)
    assert measured(tmp_path / "b", planted, clusters, n_shards=3, shuffle=1).bytes == once.bytes


def test_each_data_set_is_measured_by_itself(tmp_path):
    sets = [random_set(30, 8, "wildchat"), random_set(40, 9, "alpaca", users=0)]
    clusters = [random_clusters(planted) for planted in sets]
    alone = [measured(tmp_path / p.name, p, c).cells for p, c in zip(sets, clusters, strict=True)]
    paths = joined(*(write(tmp_path / "in", p, c, 2) for p, c in zip(sets, clusters, strict=True)))
    found = run_measure(measure_near_duplicates, tmp_path / "out", paths, **OPTIONS)
    assert found.cells == alone[0] | alone[1]
    assert list(dict.fromkeys(row for row, _ in found.cells)) == ["wildchat", "alpaca"]


def test_nothing_alike_leaves_everything(tmp_path):
    planted = random_set(30, 10)
    values = measured(tmp_path, planted, {}).values
    assert [values["wildchat", name] for name in REPETITION] == [0, 0, 0.0, 0.0]
    assert values["wildchat", "conversations" + WITHOUT] == 30


def test_no_user_messages_have_no_share_and_a_note(tmp_path):
    planted = Planted("wildchat", [(None, [("assistant", 3, "English")])])
    found = measured(tmp_path, planted, {})
    assert found.values["wildchat", "messages-in-clusters"] is None
    assert found.values["wildchat", "conversations-repeated"] == 0
    assert found.notes == {OWN + "messages-in-clusters": "wildchat, planted: no user messages"}


def test_labels_of_another_ingest_are_refused(tmp_path):
    planted = random_set(20, 11)
    paths = write(tmp_path / "in", planted, {})
    other = write(tmp_path / "other", random_set(21, 12), {})
    paths["near_duplicates"] = other["near_duplicates"]
    with pytest.raises(WildpaperError, match="near_duplicate"):
        run_measure(measure_near_duplicates, tmp_path / "out", paths, **OPTIONS)
