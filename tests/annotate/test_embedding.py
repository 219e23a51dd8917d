"""Embeddings of first prompts: which are sampled, and that each text is encoded once."""

import hashlib
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.annotate.embeddings import embed as embedding
from wildpaper.annotate.embeddings import sample as embedding_sample
from wildpaper.annotate.embeddings.embed import embed_prompts
from wildpaper.annotate.embeddings.encoder import Encoder
from wildpaper.annotate.embeddings.sample import sample_prompts
from wildpaper.annotate.sample_order import sample_ranks
from wildpaper.errors import WildpaperError
from wildpaper.schema import MESSAGES, embedding_schema

WIDTH = 5


class Fake:
    """An encoder that remembers what it was asked, and may be killed on the way."""

    def __init__(self, name="fake-1", killed_after=None):
        self.asked = []
        self.killed_after = killed_after
        self.encoder = Encoder(name, WIDTH, lambda texts: [len(t) for t in texts], self.encode)

    def encode(self, texts):
        if self.killed_after is not None and len(self.asked) >= self.killed_after:
            raise KeyboardInterrupt
        self.asked += texts
        return np.stack([vector_of(text) for text in texts])


def vector_of(text):
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(WIDTH)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def use(monkeypatch):
    def load(fake):
        monkeypatch.setattr(embedding, "_load", lambda *_: fake.encoder)
        return fake

    monkeypatch.setattr(embedding, "_PART_TEXTS", 10)
    return load


def write(folder, name, conversations, n_shards=1):
    """Write conversations, each a list of (role, text); return the shards."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [[] for _ in range(n_shards)]
    for i, messages in enumerate(conversations):
        for position, (role, text) in enumerate(messages):
            row = dict.fromkeys(MESSAGES.names) | {"conversation_id": i, "position": position}
            rows[i % n_shards].append(row | {"role": role, "text": text})
    paths = [folder / f"{name}-messages-{k}.parquet" for k in range(n_shards)]
    for path, own in zip(paths, rows, strict=True):
        pq.write_table(pa.Table.from_pylist(own, MESSAGES), path)
    return paths


def chats(n, seed, length=3):
    """Return conversations, many of whose first prompts are equal."""
    draw = random.Random(seed)
    words = ["sun", "moon", "tide", "wind"]
    first = [" ".join(draw.choices(words, k=draw.randint(1, length))) for _ in range(n)]
    return [[("user", text), ("assistant", "?"), ("user", f"{text}, again")] for text in first]


def embed(folder, messages, datasets=("wildchat",), per_dataset=1000, seed=3):
    labels = [folder / path.name.replace("messages-", "") for path in messages]
    embed_prompts(messages, labels, list(datasets), per_dataset, seed)
    return labels


def rows_of(labels):
    rows = [row for path in labels for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: row["conversation_id"])


# ------------------------------------------------------------------ the sample


def test_the_first_user_message_is_taken_and_a_blank_one_leaves_the_conversation_out(tmp_path):
    conversations = [
        [("user", "one"), ("assistant", "x"), ("user", "later")],
        [("system", "x"), ("assistant", "x"), ("user", "two")],
        [("user", " \n\u3000"), ("assistant", "x"), ("user", "after a blank")],
        [("assistant", "alone")],
        [("user", ""), ("user", "after nothing")],
        [("user", "one"), ("user", "x")],
    ]
    found = sample_prompts(write(tmp_path, "w", conversations, 2), "wildchat", 99, 3)
    assert [(p.conversation_id, p.position, p.text, p.shard) for p in found] == [
        (0, 0, "one", 0),
        (1, 2, "two", 1),
        (5, 0, "one", 1),
    ]


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_neither_shards_nor_batches_matter_to_the_sample(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(embedding_sample, "_BATCH_MESSAGES", batch)
    conversations = chats(90, 1)
    conversations[7:7] = [[("assistant", "x")] * 4 + [("user", "y")] * 3, [("user", " ")]]
    wanted = [c[0][1] for c in conversations]
    samples = []
    for n_shards in (1, 4):
        found = sample_prompts(write(tmp_path, f"w{n_shards}", conversations, n_shards), "w", 20, 3)
        samples.append([(p.conversation_id, p.position, p.text) for p in found])
    assert samples[0] == samples[1]
    assert len(samples[0]) == 20
    ranks = sample_ranks(3, "w", np.arange(92))
    lowest = sorted((i for i in range(92) if i != 8), key=lambda i: ranks[i])[:20]
    assert [i for i, _, _ in samples[0]] == sorted(lowest)
    assert all(text == wanted[i] or i == 7 for i, _, text in samples[0])


def test_samples_are_spread_out_nested_and_differ_by_seed_and_data_set():
    ids = np.arange(20_000)
    ranks = {(seed, name): sample_ranks(seed, name, ids) for seed in (1, 2) for name in ("a", "b")}
    chosen = {key: set(np.argsort(r)[:5000].tolist()) for key, r in ranks.items()}
    for own in chosen.values():
        assert np.mean(sorted(own)) == pytest.approx(10_000, rel=0.03)
        assert sum(i % 4 == 0 for i in own) == pytest.approx(1250, rel=0.1)
    keys = list(chosen)
    for i, key in enumerate(keys):
        for other in keys[:i]:
            assert len(chosen[key] & chosen[other]) == pytest.approx(1250, rel=0.1)
    shuffled = np.random.default_rng(1).permutation(ids)
    assert (sample_ranks(1, "a", shuffled) == ranks[1, "a"][shuffled]).all()


def test_messages_out_of_order_are_refused(tmp_path):
    (path,) = write(tmp_path, "w", chats(9, 1))
    table = pq.read_table(path)
    for rows in ([1, 0, 2], [0, 0, 1], [3, 0, 1]):
        pq.write_table(table.take(rows), path)
        with pytest.raises(WildpaperError, match="not sorted") as caught:
            sample_prompts([path], "w", 9, 3)
        assert caught.value.where == str(path)
    pq.write_table(table, path)
    with pytest.raises(WildpaperError, match="another shard"):
        sample_prompts([path, path], "w", 99, 3)


# ------------------------------------------------------------------ labels


def test_labels_hold_the_vector_of_each_sampled_prompt(tmp_path, use):
    use(Fake())
    conversations = chats(40, 1)
    labels = embed(tmp_path, write(tmp_path, "w", conversations, 2))
    for path in labels:
        table = pq.read_table(path)
        assert table.schema.remove_metadata().equals(embedding_schema(WIDTH))
        ids = table["conversation_id"].to_pylist()
        assert ids == sorted(ids)
        metadata = pq.read_schema(path).metadata
        assert (metadata[b"annotator"], metadata[b"route"]) == (b"fake-1", b"computed")
    rows = rows_of(labels)
    assert [row["conversation_id"] for row in rows] == list(range(40))
    for row, conversation in zip(rows, conversations, strict=True):
        assert row["position"] == 0
        assert row["vector"] == vector_of(conversation[0][1]).tolist()


def test_each_distinct_text_is_encoded_once_over_all_data_sets(tmp_path, use):
    fake = use(Fake())
    sets = {"wildchat": chats(60, 1, 2), "dolly": chats(50, 2, 2), "alpaca": []}
    messages = [p for name, c in sets.items() for p in write(tmp_path, name, c, 2)]
    labels = embed(tmp_path, messages, sets)
    texts = {c[0][1] for conversations in sets.values() for c in conversations}
    assert sorted(fake.asked) == sorted(texts)
    assert [pq.read_metadata(path).num_rows for path in labels] == [30, 30, 25, 25, 0, 0]
    assert pq.read_schema(labels[-1]).field("vector").type == pa.list_(pa.float32(), WIDTH)
    lengths = [len(text) for text in fake.asked]
    assert lengths == sorted(lengths)


def test_neither_shards_nor_other_data_sets_change_a_label(tmp_path, use):
    use(Fake())
    found = []
    for n_shards, names in ((1, ["wildchat"]), (3, ["dolly", "wildchat"])):
        folder = tmp_path / str(n_shards)
        own = {"wildchat": chats(60, 1), "dolly": chats(50, 2)}
        messages = [p for name in names for p in write(folder, name, own[name], n_shards)]
        labels = embed(folder, messages, names, per_dataset=25)
        found.append(rows_of(labels[-n_shards:]))
    assert found[0] == found[1]
    assert len(found[0]) == 25


def killed(folder, messages):
    with pytest.raises(KeyboardInterrupt):
        embed(folder, messages)


def test_a_killed_job_goes_on_where_it_was(tmp_path, use):
    messages = write(tmp_path, "w", chats(150, 1, 4), 2)
    use(Fake(killed_after=25))
    killed(tmp_path / "killed", messages)
    assert not list((tmp_path / "killed").glob("*.parquet"))
    second = use(Fake())
    labels = embed(tmp_path / "killed", messages)
    n_all = len({text for path in messages for text in firsts(path)})
    assert n_all - 30 <= len(second.asked) <= n_all - 20, "parts of 10 texts are kept"
    assert sorted((tmp_path / "killed").iterdir()) == labels, "nothing else is left"
    fresh = embed(tmp_path / "fresh", messages)
    for one, other in zip(labels, fresh, strict=True):
        assert one.read_bytes() == other.read_bytes()


def firsts(path):
    table = pq.read_table(path)
    return table.filter(pa.compute.equal(table["position"], 0))["text"].to_pylist()


@pytest.mark.parametrize("spoil", ["another encoder", "damaged", "another width"])
def test_vectors_that_do_not_belong_are_not_taken_up(tmp_path, use, spoil):
    messages = write(tmp_path, "w", chats(150, 1, 4))
    use(Fake(killed_after=25))
    killed(tmp_path / "l", messages)
    kept = list((tmp_path / "l").rglob("*.npy"))
    assert kept
    if spoil == "damaged":
        for path in kept:
            path.write_bytes(path.read_bytes()[:-7])
    if spoil == "another width":
        for path in kept:
            np.save(path, np.zeros((10, WIDTH + 1), np.float32))
    second = use(Fake("fake-2" if spoil == "another encoder" else "fake-1"))
    (labels,) = embed(tmp_path / "l", messages)
    assert len(second.asked) == len(set(firsts(messages[0])))
    assert not list(labels.parent.rglob("*.npy"))


@pytest.mark.parametrize("wrong", [0.0, 2.0, float("nan"), float("inf")])
def test_vectors_without_a_direction_are_refused_and_not_kept(tmp_path, use, wrong):
    fake = Fake()
    encoder = Encoder("odd-1", WIDTH, fake.encoder.lengths, lambda t: wrong * fake.encode(t))
    fake.encoder = encoder
    use(fake)
    with pytest.raises(WildpaperError, match="no direction for 4 texts"):
        embed(tmp_path / "l", write(tmp_path, "w", chats(30, 1, 1)))
    assert not list((tmp_path / "l").rglob("*.npy"))


def test_batches_hold_as_many_tokens_as_they_may():
    lengths = [1, 1, 1, 2, 4, 9, 30]
    found = [lengths[part] for part in embedding._batches(lengths, 8)]
    assert found == [[1, 1, 1, 2], [4], [9], [30]]
    assert list(embedding._batches([], 8)) == []
