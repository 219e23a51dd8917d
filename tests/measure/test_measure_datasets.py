"""Table 1 recovers what was planted, exactly, whatever the shards."""

import json
import math
import statistics
from fractions import Fraction

import pyarrow.parquet as pq
import pytest
from planting import Planted, joined, measure, random_set, write_set

from wildpaper.errors import WildpaperError
from wildpaper.long_table import read_long_table
from wildpaper.measure.lengths import Moments, sum_dataset
from wildpaper.measure.shards import open_dataset
from wildpaper.measure.table_01_datasets import standard_deviation


def values(table, dataset="wildchat", without_duplicates=False):
    """Return {column: value} of a data set, with duplicates as the paper has them or without."""
    suffix = "-without-duplicates"
    return {
        cell.column.removesuffix(suffix): cell.value
        for cell in read_long_table(table)
        if cell.row == dataset and cell.column.endswith(suffix) == without_duplicates
    }


def test_a_set_counted_by_hand(tmp_path):
    planted = Planted("wildchat", [
        ("a", [("user", 3, "English"), ("assistant", 10, "English"), ("user", 5, "German")]),
        ("a", [("assistant", 0, "Nolang"), ("user", 4, "English")]),
        ("b", [("system", 1000, "English"), ("user", 0, "Nolang"), ("assistant", 20, "German")]),
    ])  # fmt: skip
    table, _ = measure(tmp_path, write_set(tmp_path, planted), minimum_prompts=1)
    assert values(table) == {
        "conversations": 3,
        "users": 2,
        "turns-per-conversation": 4 / 3,
        "user-tokens-mean": 3.0,
        "user-tokens-std": math.sqrt(3.5),
        "chatbot-tokens-mean": 10.0,
        "chatbot-tokens-std": math.sqrt(200 / 3),
        "languages": 2,
    }
    counts = {cell.column: cell.n for cell in read_long_table(table)}
    assert (counts["conversations"], counts["user-tokens-mean"]) == (3, 4)
    assert counts["chatbot-tokens-std"] == 3


@pytest.mark.parametrize("deviation", ["population", "sample"])
def test_planted_moments_are_recovered_exactly(tmp_path, deviation):
    planted = random_set()
    table, _ = measure(tmp_path, write_set(tmp_path, planted, 3), deviation=deviation)
    found = values(table)
    spread = {"population": statistics.pvariance, "sample": statistics.variance}[deviation]
    for name, role in (("user", "user"), ("chatbot", "assistant")):
        tokens = [Fraction(n) for n in planted.of(role)]
        assert found[f"{name}-tokens-mean"] == float(statistics.mean(tokens))
        assert found[f"{name}-tokens-std"] == math.sqrt(spread(tokens))
    assert found["users"] == len({user for user, _ in planted.conversations})
    turns = len(planted.of("user"))
    assert found["turns-per-conversation"] == turns / len(planted.conversations)


def test_clusters_are_users_in_the_order_of_their_first_conversation(tmp_path):
    users = ["z", "a", "m", "a", None, "z", "a", None, *(f"u{i}" for i in range(50))]
    one = [("user", 1, "English")]
    paths = write_set(tmp_path, Planted(conversations=[(user, one) for user in users]), 3, 1)
    labels = {"tokens": paths["tokens"], "language": paths["languages"]}
    report, conversations = paths["reports"][0], paths["conversations"]
    with open_dataset(report, conversations, paths["messages"], labels) as opened:
        clusters = sum_dataset(opened).clusters
    assert clusters[:, 0].tolist() == [2, 3, 1, 1, 1, *[1] * 50]
    assert (clusters[:, 0] == clusters[:, 2]).all()


def test_deviation_does_not_lose_digits_far_from_zero():
    numbers = [10**9 + i for i in range(3)]
    moments = Moments(3, sum(numbers), sum(n * n for n in numbers))
    assert standard_deviation(moments, "population") == math.sqrt(2 / 3)
    assert standard_deviation(moments, "sample") == 1.0


@pytest.mark.parametrize(("n", "deviation"), [(0, "population"), (0, "sample"), (1, "sample")])
def test_an_undefined_deviation_is_none(n, deviation):
    assert standard_deviation(Moments(n, 5 * n, 25 * n), deviation) is None


@pytest.mark.parametrize("n_shards", [1, 3, 7])
def test_shards_and_order_of_rows_change_no_byte(tmp_path, n_shards):
    planted = [random_set(), random_set(25, 2, "alpaca", users=0)]
    reference = measure(tmp_path / "a", joined(*(write_set(tmp_path / "a", p) for p in planted)))
    sets = [write_set(tmp_path / "b", p, n_shards, shuffle=n_shards) for p in planted]
    for left, right in zip(reference, measure(tmp_path / "b", joined(*sets)), strict=True):
        assert left.read_bytes() == right.read_bytes()


def test_two_data_sets_do_not_mix(tmp_path):
    planted = [random_set(), random_set(25, 2, "alpaca", users=0)]
    sets = [write_set(tmp_path, p, 2) for p in planted]
    table, _ = measure(tmp_path, joined(*sets))
    rows = [cell.row for cell in read_long_table(table) if not cell.claim.startswith("own.")]
    assert rows == ["wildchat"] * 8 + ["alpaca"] * 8
    alone, _ = measure(tmp_path / "alone", sets[1])
    assert values(table, "alpaca") == values(alone, "alpaca")


@pytest.mark.parametrize(("kind", "label"), [("tokens", "tokens"), ("languages", "language")])
def test_a_missing_label_is_an_error(tmp_path, kind, label):
    paths = write_set(tmp_path, random_set(), 2)
    labels = pq.read_table(paths[kind][1])
    pq.write_table(labels.slice(1), paths[kind][1])
    with pytest.raises(WildpaperError, match=f"messages with {label}") as caught:
        measure(tmp_path, paths)
    assert str(paths[kind][1]) in caught.value.where


@pytest.mark.parametrize("kind", ["tokens", "languages", "messages"])
def test_a_row_twice_does_not_hide_one_that_is_missing(tmp_path, kind):
    paths = write_set(tmp_path, random_set())
    table = pq.read_table(paths[kind][0])
    taken = [0, 0, *range(2, table.num_rows)]
    pq.write_table(table.take(taken), paths[kind][0])
    with pytest.raises(WildpaperError, match="occur twice"):
        measure(tmp_path, paths)


def test_messages_that_are_missing_are_noticed(tmp_path):
    paths = write_set(tmp_path, random_set())
    for kind in ("messages", "tokens", "languages"):
        pq.write_table(pq.read_table(paths[kind][0]).slice(1), paths[kind][0])
    with pytest.raises(WildpaperError, match="of them are there"):
        measure(tmp_path, paths)


def test_a_data_set_without_conversations(tmp_path):
    sets = [write_set(tmp_path, Planted("alpaca"), 2), write_set(tmp_path, random_set(), 2)]
    table, notes = measure(tmp_path, joined(*sets))
    found = values(table, "alpaca")
    assert found.pop("conversations") == 0
    assert found.pop("languages") == 0
    assert set(found.values()) == {None}
    explained = json.loads(notes.read_text(encoding="utf-8"))
    assert "no user messages" in explained["table-01.alpaca.user-tokens-mean"]
    assert values(table)["conversations"] == 60


def test_unknown_users_are_none_and_explained(tmp_path):
    table, notes = measure(tmp_path, write_set(tmp_path, random_set(users=0)))
    assert values(table)["users"] is None
    explained = json.loads(notes.read_text(encoding="utf-8"))
    assert "do not tell users apart" in explained["table-01.wildchat.users"]


def test_a_language_counts_from_the_threshold_on_and_nolang_never(tmp_path):
    languages = ["English"] * 5 + ["German"] * 4 + ["French"] * 3 + ["Nolang"] * 9
    planted = Planted(conversations=[
        (None, [("user", 1, language), ("assistant", 1, "Dutch")]) for language in languages
    ])  # fmt: skip
    paths = write_set(tmp_path, planted, 2)
    counts = {}
    for minimum in (1, 4, 5, 6):
        table, notes = measure(tmp_path, paths, minimum_prompts=minimum)
        counts[minimum] = values(table)["languages"]
        note = json.loads(notes.read_text(encoding="utf-8"))["table-01.wildchat.languages"]
        assert "Nolang" not in note
        assert "Dutch" not in note
    assert counts == {1: 3, 4: 2, 5: 1, 6: 0}


def test_duplicates_count_as_in_the_paper_and_are_left_out_beside_it(tmp_path):
    planted = random_set()
    planted.duplicates = {3, 17, 40}
    distinct = Planted(
        conversations=[c for i, c in enumerate(planted.conversations) if i not in (3, 17, 40)]
    )
    table, _ = measure(tmp_path / "a", write_set(tmp_path / "a", planted, 2))
    alone, _ = measure(tmp_path / "b", write_set(tmp_path / "b", distinct, 2))
    assert values(table)["conversations"] == 60
    assert values(table, without_duplicates=True) == values(alone)
    claims = [cell.claim for cell in read_long_table(table) if "without" in cell.column]
    assert all(claim.startswith("own.table-01-datasets.wildchat.") for claim in claims)


def test_users_known_in_part_are_counted_and_explained(tmp_path):
    one = [("user", 1, "English")]
    planted = Planted(conversations=[("a", one), (None, one), ("b", one), (None, one)])
    table, notes = measure(tmp_path, write_set(tmp_path, planted))
    (cell,) = [cell for cell in read_long_table(table) if cell.column == "users"]
    assert (cell.value, cell.n) == (2, 2)
    explained = json.loads(notes.read_text(encoding="utf-8"))
    assert "2 of 4 conversations only" in explained["table-01.wildchat.users"]


def test_who_counts_as_a_user_is_said_where_the_paper_counts_others(tmp_path):
    one = [("user", 1, "English")]
    sets = [
        Planted("open_assistant", [("a", one), ("b", one), ("a", one), (None, one)]),
        Planted("wildchat", [("a", one)]),
    ]
    table, notes = measure(tmp_path, joined(*(write_set(tmp_path, planted) for planted in sets)))
    assert values(table, "open_assistant")["users"] == 2
    explained = json.loads(notes.read_text(encoding="utf-8"))
    assert "authors of opening prompts" in explained["table-01.open_assistant.users"]
    assert "3 of 4 conversations only" in explained["table-01.open_assistant.users"]
    assert "table-01.wildchat.users" not in explained


def test_simulated_data_say_so_in_every_line(tmp_path):
    planted = random_set()
    planted.simulated = True
    table, _ = measure(tmp_path, write_set(tmp_path, planted))
    assert {cell.route for cell in read_long_table(table)} == {"simulated"}


def test_means_have_intervals_and_counts_do_not(tmp_path):
    table, _ = measure(tmp_path, write_set(tmp_path, random_set()), n_replicates=200)
    for cell in read_long_table(table):
        if cell.column in ("turns-per-conversation", "user-tokens-mean", "chatbot-tokens-mean"):
            assert cell.ci_low < cell.value < cell.ci_high
        else:
            assert cell.ci_low is cell.ci_high is None


def test_claims_are_those_of_the_published_table(tmp_path, project):
    table, _ = measure(tmp_path, write_set(tmp_path, random_set()))
    text = (project / "data/published.yaml").read_text(encoding="utf-8")
    for cell in read_long_table(table):
        own = cell.claim.startswith("own.")
        assert (f"- id: {cell.claim}\n" in text) != own
