"""What is sampled to check recorded scores, and that the scores are those of the texts."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildpaper.annotate import message_sample
from wildpaper.annotate.detoxify import rescore as detoxify_check
from wildpaper.annotate.detoxify.rescore import check_detoxify
from wildpaper.annotate.message_sample import message_ranks, sample_messages
from wildpaper.errors import WildpaperError
from wildpaper.schema import DETOXIFY_HEADS, LABELS, MESSAGES

pytest_plugins = ["detoxify_fixtures"]

ROLES = ("user", "assistant", "system")
TEXTS = ("ba", "bo du", "", "du " * 9, "ba bo", "é")


class Model:
    """Stands in for Detoxify: a score tells its text, and what was asked is remembered."""

    def __init__(self, monkeypatch, lacks=()):
        self.asked, self.lacks, self.n_loaded = [], lacks, 0
        monkeypatch.setattr(detoxify_check, "load_detoxify", self.load)
        monkeypatch.setattr(detoxify_check, "score_texts", self.score)
        monkeypatch.setattr(detoxify_check, "scorer_name", lambda *used: "-".join(used))

    def load(self, checkpoint, device):
        self.n_loaded += 1
        return self

    def score(self, classifier, texts, *options, **further):
        assert classifier is self
        self.options = further
        self.asked.append(list(texts))
        scores = np.array(
            [[self.of(text, head) for head in DETOXIFY_HEADS] for text in texts], np.float32
        )
        return scores, np.array([len(text) > 20 for text in texts])

    def of(self, text, head):
        return np.nan if head in self.lacks else (len(text) + DETOXIFY_HEADS.index(head)) / 64


def random_messages(n=40, seed=1):
    draw = random.Random(seed)
    return [
        {"conversation_id": number, "position": position, "turn": None, "timestamp": None}
        | {"role": draw.choice(ROLES), "text": draw.choice(TEXTS)}
        for number in range(n)
        for position in range(3)
    ]


def write_messages(folder, rows, n_shards=1, shuffle=None):
    folder.mkdir()
    paths = []
    for shard in range(n_shards):
        own = [row for row in rows if row["conversation_id"] % n_shards == shard]
        if shuffle is not None:
            random.Random(shuffle).shuffle(own)
        paths.append(folder / f"messages-{shard}.parquet")
        pq.write_table(pa.Table.from_pylist(own, MESSAGES), paths[-1])
    return paths


def check(folder, rows, n_shards=1, shuffle=None, checkpoint="small.ckpt", **options):
    """Return the rows of the labels, sorted by key, and the files."""
    messages = write_messages(folder, rows, n_shards, shuffle)
    labels = [path.with_name(f"labels-{i}.parquet") for i, path in enumerate(messages)]
    given = {"n_messages": 25, "seed": 7} | options
    check_detoxify(messages, labels, checkpoint, "wildchat", **given)
    found = [row for path in labels for row in pq.read_table(path).to_pylist()]
    return sorted(found, key=key_of), labels


def key_of(row):
    return row["conversation_id"], row["position"]


# ------------------------------------------------------------------ sample


def rank(seed, number, position):
    """SplitMix64 in whole numbers, over three values one after another."""
    state = 0
    for value in (seed, number, position):
        state = ((state ^ value) + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        state ^= state >> 31
    return state


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1))
def test_ranks_are_those_of_whole_numbers(seed, number, position):
    found = message_ranks(seed, np.array([number], np.int64), np.array([position], np.int32))
    assert found.tolist() == [rank(seed, number, position)]


@pytest.mark.parametrize("batch", [7, 10_000])
def test_samples_of_several_sizes_are_the_lowest_ranks(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(message_sample, "_BATCH_MESSAGES", batch)
    rows = random_messages()
    shards = write_messages(tmp_path / "a", rows, n_shards=3, shuffle=2)
    sizes = (25, 4, 0, 10**6)
    spoken = sorted(
        (row for row in rows if row["role"] != "system"), key=lambda row: rank(7, *key_of(row))
    )
    for n, marks in zip(sizes, sample_messages(shards, sizes, 7), strict=True):
        marked = [
            row
            for path, own in zip(shards, marks, strict=True)
            for row, mark in zip(pq.read_table(path).to_pylist(), own, strict=True)
            if mark
        ]
        assert sorted(map(key_of, marked)) == sorted(map(key_of, spoken[:n]))


# ------------------------------------------------------------------ labels


def test_each_sampled_message_has_the_scores_of_its_text(tmp_path, monkeypatch):
    model = Model(monkeypatch)
    rows = random_messages()
    found, (path,) = check(tmp_path / "a", rows, precision="bf16")
    assert model.options == {"precision": "bf16"}
    spoken = [row for row in rows if row["role"] != "system"]
    first = sorted(spoken, key=lambda row: rank(7, *key_of(row)))[:25]
    assert [key_of(row) for row in found] == sorted(map(key_of, first))
    texts = {key_of(row): row["text"] for row in rows}
    for row in found:
        text = texts[key_of(row)]
        assert [row[head] for head in DETOXIFY_HEADS] == [model.of(text, h) for h in DETOXIFY_HEADS]
        assert row["truncated"] == (len(text) > 20)
    assert len({row["toxicity"] for row in found}) > 3
    schema = pq.read_schema(path)
    assert schema.remove_metadata().equals(LABELS["detoxify_check"])
    assert schema.metadata[b"annotator"] == b"small.ckpt-bf16-truncate"
    assert schema.metadata[b"route"] == b"computed"


@pytest.mark.parametrize(("n_shards", "shuffle"), [(2, None), (5, 3), (1, 4)])
def test_the_model_is_asked_the_same_whatever_the_shards(tmp_path, monkeypatch, n_shards, shuffle):
    model = Model(monkeypatch)
    rows = random_messages()
    whole, _ = check(tmp_path / "a", rows)
    monkeypatch.setattr(detoxify_check, "_BATCH_MESSAGES", 7)
    parted, files = check(tmp_path / "b", rows, n_shards, shuffle)
    assert parted == whole
    once, again = model.asked
    assert once == again
    assert once == sorted(set(once))  # each text once
    for shard, path in enumerate(files):
        numbers = pq.read_table(path)["conversation_id"].to_pylist()
        assert {number % n_shards for number in numbers} == {shard}


def test_a_head_that_the_model_lacks_is_null(tmp_path, monkeypatch):
    Model(monkeypatch, lacks=("sexual_explicit",))
    found, _ = check(tmp_path / "a", random_messages())
    assert {row["sexual_explicit"] for row in found} == {None}
    assert None not in {row["insult"] for row in found}


@pytest.mark.parametrize("rows", [[], random_messages(6)], ids=["no messages", "none wanted"])
def test_nothing_to_check_gives_files_without_rows_and_loads_no_model(tmp_path, monkeypatch, rows):
    model = Model(monkeypatch)
    found, files = check(tmp_path / "a", rows, 2, n_messages=0 if rows else 5)
    assert (found, model.n_loaded) == ([], 0)
    for path in files:
        assert pq.read_schema(path).remove_metadata().equals(LABELS["detoxify_check"])


def test_scores_of_a_real_model_are_those_of_predict(small_checkpoint, small_classifier, tmp_path):
    rows = random_messages()
    found, _ = check(tmp_path / "a", rows, checkpoint=small_checkpoint, n_messages=12)
    texts = {key_of(row): row["text"] for row in rows}
    for row in found:
        wanted = small_classifier.predict(texts[key_of(row)])
        assert row["toxicity"] == pytest.approx(float(wanted["toxicity"]), abs=1e-5)
    assert len(found) == 12


# ------------------------------------------------------------------ bad input


def test_a_shard_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    Model(monkeypatch)
    path = tmp_path / "messages-0.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(WildpaperError) as caught:
        check_detoxify([path], [tmp_path / "labels-0.parquet"], "small.ckpt", "wildchat")
    assert caught.value.where == str(path)
    assert not (tmp_path / "labels-0.parquet").exists()


def test_as_many_labels_as_shards(tmp_path):
    with pytest.raises(ValueError, match="as many"):
        check_detoxify([tmp_path / "a"], [], "small.ckpt", "wildchat")
