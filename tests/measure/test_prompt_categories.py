"""Table 4 recovers the planted shares of the sample, with Wilson's intervals."""

import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pytest
from planting import Chat, Measured, Said, run_measure, write_chats
from scipy.stats import binomtest

from wildpaper.annotate.categories.sample import in_random_order
from wildpaper.errors import WildpaperError
from wildpaper.measure.table_04_prompt_categories import (
    CATEGORIES,
    OTHER,
    measure_prompt_categories,
)
from wildpaper.schema import LABELS, write_labels

NAMES = (*CATEGORIES, OTHER)
OWN = "own.table-04-prompt-categories."
SEEDS = pytest.mark.parametrize("seed", range(3))


@dataclass
class Corpus:
    """Conversations; {conversation: (position, category, probability)} of the sample."""

    chats: list[Chat]
    labels: dict[int, tuple[int, str, float]]
    n_english: int


def corpus(n: int = 300, share: float = 0.5, seed: int = 1) -> Corpus:
    """Return conversations, of which some begin in English and some of these are sampled."""
    draw = random.Random(seed)
    chats, labels, n_english = [], {}, 0
    for i in range(n):
        before = draw.choice([[], [], [Said("assistant")], [Said("system")]])
        language = draw.choice(["English", "English", "English", "German", None])
        rest = [Said("assistant"), Said("user", language="English")] * draw.randrange(3)
        chats.append(Chat([*before, Said("user", language=language), *rest], f"u{i % 40}"))
        if language == "English":
            n_english += 1
            if draw.random() < share:
                name = draw.choices(NAMES, [6, 3, 2, 1, 1, 2])[0]
                labels[i] = (len(before), name, draw.choice([0.3, 0.4999, 0.5, 0.9]))
    return Corpus(chats, labels, n_english)


def measure(folder, made: Corpus, n_sample: int = 100, n_shards: int = 1, **options) -> Measured:
    shuffle = options.pop("shuffle", None)
    paths = write_chats(folder, made.chats, n_shards=n_shards, shuffle=shuffle)
    paths["categories"] = []
    for shard in range(n_shards):
        rows = [
            {"conversation_id": i, "position": at, "category": name, "probability": probability}
            for i, (at, name, probability) in made.labels.items()
            if i % n_shards == shard
        ]
        path = folder / f"category-{shard}.parquet"
        table = pa.Table.from_pylist(rows, LABELS["category"])
        write_labels(path, "category", table, "planted", "computed")
        paths["categories"].append(path)
    return run_measure(measure_prompt_categories, folder, paths, n_sample=n_sample, **options)


@SEEDS
def test_shares_are_those_of_the_sample(tmp_path, seed):
    made = corpus(seed=seed)
    found = measure(tmp_path, made)
    counts = Counter(name for _, name, _ in made.labels.values())
    n = len(made.labels)
    for name in NAMES:
        cell = found.cells[name, "percent"]
        assert cell.claim == (OWN + name if name == OTHER else f"table-04.{name}")
        assert (cell.value, cell.n) == (100 * counts[name] / n, n)
        exact = binomtest(counts[name], n).proportion_ci(method="wilson")
        assert (cell.ci_low, cell.ci_high) == pytest.approx((100 * exact.low, 100 * exact.high))
        assert cell.unit == "percent of sampled prompts"
        assert cell.route == "recorded"
    assert sum(found.values[name, "percent"] for name in NAMES) == pytest.approx(100)
    assert found.claims[f"{OWN}sample.prompts"].value == n
    assert found.claims[f"{OWN}sample.english-first-prompts"].value == made.n_english


@SEEDS
def test_prompts_that_the_classifier_is_unsure_of_can_be_left_out(tmp_path, seed):
    made = corpus(seed=seed)
    found = measure(tmp_path, made)
    sure = Counter(name for _, name, probability in made.labels.values() if probability >= 0.5)
    n = sum(sure.values())
    assert 0 < n < len(made.labels)
    assert found.claims[f"{OWN}sample.confident"].value == n
    for name in NAMES:
        cell = found.claims[f"{OWN}{name}.confident"]
        assert (cell.value, cell.n) == (100 * sure[name] / n, n)


@SEEDS
def test_fifths_are_disjoint_parts_of_the_sample_in_random_order(tmp_path, seed):
    made = corpus(seed=seed)
    found = measure(tmp_path, made, seed=7)
    order = in_random_order(7, "wildchat", list(made.labels))
    n = len(order)
    parts = [order[n * i // 5 : n * (i + 1) // 5] for i in range(5)]
    assert sorted(number for part in parts for number in part) == sorted(made.labels)
    for name in NAMES:
        shares = sorted(
            100 * sum(made.labels[number][1] == name for number in part) / len(part)
            for part in parts
        )
        low, high = (found.claims[f"{OWN}{name}.{end}-fifth"] for end in ("lowest", "highest"))
        assert (low.value, high.value) == (shares[0], shares[-1])
        assert {low.n, high.n} <= {n // 5, n // 5 + 1}
        assert low.value <= found.values[name, "percent"] <= high.value
    other = measure(tmp_path / "other", made, seed=8)
    assert other.values[NAMES[0], "percent"] == found.values[NAMES[0], "percent"]
    assert [other.values[name, "lowest-fifth"] for name in NAMES] != [
        found.values[name, "lowest-fifth"] for name in NAMES
    ]


def test_neither_shards_nor_order_of_rows_matter(tmp_path):
    made = corpus(seed=5)
    one = measure(tmp_path / "one", made)
    many = measure(tmp_path / "many", made, n_shards=4, shuffle=3)
    assert one.bytes == many.bytes


def test_a_note_says_what_was_sampled(tmp_path):
    made = corpus(seed=2)
    n = len(made.labels)
    drawn = measure(tmp_path / "a", made, n_sample=n).notes
    claims = {f"table-04.{name}" for name in CATEGORIES} | {OWN + OTHER}
    assert set(drawn) == claims
    assert f"{n:,} of the {made.n_english:,}" in drawn["table-04.coding"]
    whole = corpus(seed=2, share=1.1)
    assert len(whole.labels) == whole.n_english
    few = measure(tmp_path / "b", whole, n_sample=1000).notes["table-04.coding"]
    assert f"no more than {whole.n_english:,}" in few


def test_without_prompts_there_are_no_shares_and_a_reason(tmp_path):
    made = corpus(n=40)
    made.chats = [Chat([Said("user", language="German"), Said("assistant")]) for _ in range(9)]
    made.labels = {}
    found = measure(tmp_path, made)
    for name in NAMES:
        assert found.values[name, "percent"] is None
        assert (name, "lowest-fifth") not in found.cells
    assert "no first user message is labelled English" in found.notes["table-04.coding"]


def test_fewer_prompts_than_fifths_are_not_cut(tmp_path):
    made = Corpus([Chat([Said("user")]) for _ in range(4)], {0: (0, "coding", 0.9)}, 4)
    found = measure(tmp_path, made)
    assert found.values["coding", "percent"] == 100.0
    assert found.cells["coding", "percent"].ci_high == 100.0
    assert ("coding", "lowest-fifth") not in found.cells


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ((2, "coding", 0.9), "1 labels belong to no first user message"),
        ((0, "cooking", 0.9), "unknown categories: ['cooking']"),
        ((9, "coding", 0.9), "labels"),
    ],
)
def test_labels_of_other_messages_or_categories_are_refused(tmp_path, label, said):
    said_all = [Said("user"), Said("assistant"), Said("user")]
    made = Corpus([Chat(list(said_all)) for _ in range(3)], {1: label}, 3)
    with pytest.raises(WildpaperError) as caught:
        measure(tmp_path, made)
    assert said in str(caught.value)
    assert "category-0.parquet" in caught.value.where


def test_a_label_of_a_prompt_in_another_language_is_refused(tmp_path):
    made = Corpus([Chat([Said("user", language="German")])], {0: (0, "coding", 0.9)}, 0)
    with pytest.raises(WildpaperError, match="1 labels belong to no first"):
        measure(tmp_path, made)


def test_no_model_is_loaded_to_measure(project):
    code = (
        "import sys; import wildpaper.measure.table_04_prompt_categories as t; "
        "import wildpaper.present.table_04_prompt_categories; "
        "print({'torch', 'transformers', 'lingua'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=project / "workflow")  # fmt: skip
    assert done.stdout == "set()\n"
