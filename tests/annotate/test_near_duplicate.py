"""Near-duplicates against sets of shingles compared one by one."""

import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wildpaper.annotate.near_duplicates import candidates as near_duplicate_candidates
from wildpaper.annotate.near_duplicates import find as near_duplicate
from wildpaper.annotate.near_duplicates.candidates import (
    Signatures,
    doubtful_estimates,
    rows_per_band,
)
from wildpaper.annotate.near_duplicates.find import find_near_duplicates
from wildpaper.annotate.near_duplicates.shingles import hash_shingles, in_pieces, normalise
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS, MESSAGES

SETTINGS = {"threshold": 0.8, "shingle_characters": 8, "n_permutations": 128, "seed": 1}
WORDS = ["".join(random.Random(i).choices("abcdeéfgh漢字", k=5)) for i in range(400)]


def write(folder, rows, n_shards=1, shuffle=None):
    """Write (conversation, position, role, text) as shards of messages."""
    folder.mkdir(parents=True)
    paths = []
    for shard in range(n_shards):
        own = [row for row in rows if row[0] % n_shards == shard]
        if shuffle is not None:
            random.Random(shuffle).shuffle(own)
        listed = [
            {"conversation_id": c, "position": p, "turn": None, "role": r, "text": t}
            for c, p, r, t in own
        ]
        paths.append(folder / f"messages-{shard}.parquet")
        pq.write_table(pa.Table.from_pylist(listed, MESSAGES), paths[-1])
    return paths


def clusters_of(folder, rows, n_shards=1, shuffle=None, turned=False, **options):
    """Return {(conversation, position): cluster} of all messages."""
    messages = write(folder, rows, n_shards, shuffle)
    messages = messages[::-1] if turned else messages
    labels = [folder / "labels" / path.name for path in messages]
    find_near_duplicates(messages, labels, "planted", **(SETTINGS | options))
    found = {}
    for source, target in zip(messages, labels, strict=True):
        table = pq.read_table(target)
        assert table.schema.equals(LABELS["near_duplicate"])
        keys = pq.read_table(source).select(["conversation_id", "position"])
        assert table.select(["conversation_id", "position"]).equals(keys)
        columns = (table.column(name).to_pylist() for name in table.column_names)
        found |= {(c, p): cluster for c, p, cluster in zip(*columns, strict=True)}
    assert sorted(path.name for path in (folder / "labels").iterdir()) == sorted(
        path.name for path in labels
    ), "nothing else is left behind"
    return found


def of_texts(folder, texts, **options):
    """Return the cluster of each of some user messages."""
    found = clusters_of(folder, [(i, 0, "user", text) for i, text in enumerate(texts)], **options)
    return [found[i, 0] for i in range(len(texts))]


def shingles(text, n):
    text = " ".join(text.lower().split())
    return {text[i : i + n] for i in range(len(text) - n + 1)}


def similar_pairs(texts, n_characters, threshold):
    """Return the pairs whose Jaccard similarity reaches the threshold."""
    sets = [shingles(text, n_characters) for text in texts]
    pairs = []
    for i, j in combinations(range(len(texts)), 2):
        shared = len(sets[i] & sets[j])
        if shared and shared / (len(sets[i]) + len(sets[j]) - shared) >= threshold:
            pairs.append((i, j))
    return pairs


def edited(draw, words, n):
    words = list(words)
    for _ in range(n):
        words[draw.randrange(len(words))] = draw.choice(WORDS)
    return words


def families(seed, n_families=25, size=10):
    """Return texts that differ from others in a few words: similarities on both sides of 0.8."""
    draw = random.Random(seed)
    texts = []
    for _ in range(n_families):
        words = draw.choices(WORDS, k=draw.choice([6, 25, 80]))
        for _ in range(size):
            n_edits = round(len(words) * draw.choice([0, 0.02, 0.04, 0.06, 0.1, 0.3]))
            texts.append(" ".join(edited(draw, words, n_edits)))
    template = draw.choices(WORDS, k=30)
    texts += [" ".join([*template, *draw.choices(WORDS, k=12)]) for _ in range(60)]
    draw.shuffle(texts)
    return texts


@pytest.mark.parametrize(
    ("threshold", "n_characters", "n_permutations"),
    [(0.8, 8, 128), (0.8, 8, 32), (0.5, 3, 128), (0.9, 8, 64), (1.0, 4, 16)],
)
def test_links_are_true_and_few_are_missed(tmp_path, threshold, n_characters, n_permutations):
    texts = families(3)
    true_pairs = similar_pairs(texts, n_characters, threshold)
    assert len(true_pairs) > 30
    options = {"shingle_characters": n_characters, "n_permutations": n_permutations}
    found = of_texts(tmp_path / "a", texts, threshold=threshold, **options)
    ends = np.array(true_pairs).T
    links = coo_array((np.ones(len(true_pairs)), ends), shape=(len(texts),) * 2)
    component = connected_components(links, directed=False)[1]
    joined = {(i, j) for i, j in combinations(range(len(texts)), 2)
              if found[i] is not None and found[i] == found[j]}  # fmt: skip
    assert all(component[i] == component[j] for i, j in joined), "nothing is made up"
    # A pair at the threshold is missed at most 1 time in 100, and most lie above it.
    assert sum(pair in joined for pair in true_pairs) >= 0.99 * len(true_pairs)


def test_estimates_are_unbiased_with_at_most_the_binomial_error(tmp_path):
    draw, n, estimates, truth = random.Random(5), 128, [], []
    signatures = Signatures(tmp_path, 800, 0.8, n, 1)
    for i in range(400):
        words = draw.choices(WORDS, k=60)
        pair = [normalise(" ".join(w)) for w in (words, edited(draw, words, 3))]
        signatures.add(np.array([2 * i, 2 * i + 1]), *hash_shingles(pair, 8))
        first, second = (shingles(text, 8) for text in pair)
        truth.append(len(first & second) / len(first | second))
    pairs = np.arange(800).reshape(-1, 2)
    estimates = signatures._estimates(pairs[:, 0], pairs[:, 1])
    errors = (estimates - truth) / np.sqrt(np.multiply(truth, np.subtract(1, truth)) / n)
    assert 0.7 < np.mean(truth) < 0.9
    assert abs(errors.mean()) < 4 / 20
    assert 0.5 < errors.std() < 1.1


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_are_as_long_as_their_recall_allows(threshold):
    def recall(rows):
        return 1 - (1 - threshold**rows) ** (128 // rows)

    rows = rows_per_band(threshold, 128)
    assert recall(rows) >= 0.995
    assert all(recall(more) < 0.995 for more in range(rows + 1, 129))
    low, high = doubtful_estimates(threshold, 128)
    assert threshold - 0.14 < low <= threshold <= high < threshold + 0.14
    assert rows_per_band(0.05, 16) == 1


# ------------------------------------------------------------------ shingles


@given(st.lists(st.text(st.sampled_from("ab é漢😀"), max_size=12), max_size=6), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_hashes_are_equal_where_shingles_are(texts, n):
    hashes, offsets = hash_shingles(texts, n)
    expected = [text[i : i + n] for text in texts for i in range(len(text) - n + 1)]
    assert offsets.tolist() == np.cumsum(
        [0, *(max(len(text) - n + 1, 0) for text in texts)]).tolist()  # fmt: skip
    assert len(hashes) == len(expected)
    known = dict(zip(expected, hashes.tolist(), strict=True))
    assert [known[shingle] for shingle in expected] == hashes.tolist()
    assert len(set(known.values())) == len(known)


def test_pieces_hold_every_text_once():
    texts = ["a" * n for n in (5, 700_000, 400_000, 3_000_000, 1, 1)]
    pieces = list(in_pieces(texts))
    assert [text for piece in pieces for text in texts[piece]] == texts
    assert len(pieces) == 4
    assert list(in_pieces([])) == []


# ------------------------------------------------------------------ what counts as the same


def test_case_and_space_do_not_count_and_short_texts_must_be_equal(tmp_path):
    texts = [
        "Tell me a joke about cats, please",
        "hi",
        "tell  me A\njoke about cats, please ",
        "HI ",
        "hi!",
        "😀😀",
        "😀😀",
        "😀😀😀",
        "",
        "",
        "  \n",
        "A sentence of its own",
    ]
    assert of_texts(tmp_path / "a", texts) == [0, 1, 0, 1, None, 2, 2, *[None] * 5]


def test_only_messages_of_users_are_compared(tmp_path):
    text = "the very same words in each message"
    rows = [
        (0, 0, "system", text),
        (0, 1, "user", text),
        (0, 2, "assistant", text),
        (1, 0, "assistant", text),
        (2, 0, "user", "x" * 30),
        (2, 1, "assistant", "x" * 30),
    ]
    assert set(clusters_of(tmp_path / "a", rows).values()) == {None}
    rows.append((3, 0, "user", text))
    found = clusters_of(tmp_path / "b", rows)
    assert {key for key, cluster in found.items() if cluster == 0} == {(0, 1), (3, 0)}
    assert set(found.values()) == {0, None}


def test_likeness_is_passed_on(tmp_path):
    words = [f"word{i:03d}" for i in range(100)]
    chain = [" ".join(["other"] * i + words[i:]) for i in range(0, 40, 4)]
    pairs = similar_pairs(chain, 8, 0.8)
    assert (0, 9) not in pairs
    assert of_texts(tmp_path / "a", chain) == [0] * 10


def test_clusters_are_numbered_by_their_first_members(tmp_path):
    a, b, c = ("prompt about " + word * 9 for word in ("apples", "bears", "clouds"))
    rows = [(5, 2, "user", a), (5, 0, "user", b), (3, 4, "user", c), (9, 0, "user", a + "!"),
            (8, 0, "user", b), (7, 0, "user", c), (1, 0, "user", "something else")]  # fmt: skip
    found = clusters_of(tmp_path / "a", rows)
    expected = {(3, 4): 0, (7, 0): 0, (5, 0): 1, (8, 0): 1, (5, 2): 2, (9, 0): 2, (1, 0): None}
    assert found == expected


def conversations():
    draw, rows = random.Random(8), []
    for i, text in enumerate(families(9, 12)):
        rows.append((i, 0, "user", text))
        rows.append((i, 1, "assistant", "a reply"))
        if draw.random() < 0.3:
            rows.append((i, 2, "user", draw.choice([text, "more", ""])))
    return rows


def test_shards_and_the_order_of_rows_do_not_matter(tmp_path):
    rows = conversations()
    once = clusters_of(tmp_path / "a", rows)
    assert len(set(once.values())) > 10
    assert clusters_of(tmp_path / "b", rows, n_shards=3) == once
    assert clusters_of(tmp_path / "c", rows, n_shards=4, shuffle=1, turned=True) == once


def test_batches_and_pieces_do_not_matter(tmp_path, monkeypatch):
    rows = conversations()
    once = clusters_of(tmp_path / "a", rows)
    monkeypatch.setattr(near_duplicate, "_BATCH_MESSAGES", 7)
    monkeypatch.setattr(near_duplicate_candidates, "_BLOCK_PAIRS", 5)
    assert clusters_of(tmp_path / "b", rows) == once


def test_a_second_copy_of_everything_puts_all_in_clusters(tmp_path):
    texts = families(4, 10)
    once = of_texts(tmp_path / "a", texts)
    twice = of_texts(tmp_path / "b", texts * 2)
    assert twice[: len(texts)] == twice[len(texts) :]
    assert None not in twice
    together = {(i, j) for i, j in combinations(range(len(texts)), 2)
                if once[i] is not None and once[i] == once[j]}  # fmt: skip
    assert all(twice[i] == twice[j] for i, j in together)


# ------------------------------------------------------------------ much of the same


def test_copies_are_signed_once(tmp_path, monkeypatch):
    signed = []
    add = Signatures.add

    def counted(self, texts, hashes, offsets):
        signed.extend(texts)
        add(self, texts, hashes, offsets)

    monkeypatch.setattr(Signatures, "add", counted)
    copies = ["Write me a prompt for a painting of a ship"] * 50_000
    found = of_texts(tmp_path / "a", [*copies, "Something that is not at all like it"])
    assert found == [0] * 50_000 + [None]
    assert sorted(signed) == [0, 1]


def test_pairs_grow_with_the_texts_however_many_are_alike(tmp_path, monkeypatch):
    found_pairs = []
    candidates = Signatures.candidates

    def counted(self, dataset):
        pairs = candidates(self, dataset)
        found_pairs.append(len(pairs))
        return pairs

    monkeypatch.setattr(Signatures, "candidates", counted)
    draw, body = random.Random(2), " ".join(WORDS[:60])
    texts = [f"{body} {draw.randrange(10**9)}" for _ in range(3000)]
    assert set(of_texts(tmp_path / "a", texts)) == {0}
    assert 2999 <= found_pairs[0] <= 5 * 3000


def test_a_very_long_text_is_compared_whole(tmp_path):
    long = " ".join(random.Random(1).choices(WORDS, k=60_000))
    half = long[: len(long) // 2]
    assert of_texts(tmp_path / "a", [long, "short", half, long + " the end"]) == [0, None, None, 0]


# ------------------------------------------------------------------ odd input


def test_no_user_messages_give_labels_without_clusters(tmp_path):
    assert clusters_of(tmp_path / "a", []) == {}
    rows = [(0, 0, "assistant", "only a reply"), (1, 0, "user", " ")]
    assert clusters_of(tmp_path / "b", rows, n_shards=3) == {(0, 0): None, (1, 0): None}


def test_what_cannot_be_used_is_named(tmp_path):
    (path,) = write(tmp_path / "a", [(0, 0, "user", "secret words")])
    with pytest.raises(WildpaperError, match="1 shards of messages, but 0 of labels"):
        find_near_duplicates([path], [], "planted", **SETTINGS)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(path.read_bytes()[:100])
    for source, problem in ((broken, "Cannot read"), (tmp_path / "absent.parquet", "Cannot read")):
        with pytest.raises(WildpaperError, match=problem) as raised:
            find_near_duplicates([source], [tmp_path / "l.parquet"], "planted", **SETTINGS)
        assert str(source) in str(raised.value)
    assert not Path(tmp_path / "l.parquet").exists()
