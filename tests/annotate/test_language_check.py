"""What is sampled to check recorded languages, and what is said of it."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.annotate.language import check as language_check
from wildpaper.annotate.language.check import check_language, count_languages
from wildpaper.annotate.language.detect import build_detector, detect
from wildpaper.annotate.message_sample import message_ranks
from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS, MESSAGES

FEW = ("English", "German", "Chinese", "French")
ENGLISH = "The children walked home slowly through the quiet evening streets of the old town."
GERMAN = "Die Kinder gingen langsam durch die stillen abendlichen Straßen der Stadt nach Hause."
FRENCH = "Les enfants rentraient lentement chez eux par les rues tranquilles de la vieille ville."
CHINESE = "孩子们慢慢地穿过老城区安静的街道走回家，路上他们看见许多灯光，听见远处的音乐声。"
TEXTS = (ENGLISH, GERMAN, FRENCH, CHINESE, "", " \n", "12 + 3", "Gute Nacht", f" {ENGLISH} ")
ROLES = ("user", "assistant", "system")
SAMPLED = {"n_messages": 40, "n_mixed": 15}


@pytest.fixture(scope="module")
def detector():
    return build_detector(FEW, "high")


def random_messages(n=120, seed=1):
    draw = random.Random(seed)
    return [
        {"conversation_id": number, "position": position, "turn": None, "timestamp": None}
        | {"role": draw.choice(ROLES), "text": draw.choice(TEXTS)}
        for number in range(n // 3)
        for position in range(3)
    ]


def check(folder, rows, n_shards=1, shuffle=None, **options):
    """Return the rows of the labels, sorted by key, and the files."""
    folder.mkdir()
    messages, labels = [], []
    for shard in range(n_shards):
        own = [row for row in rows if row["conversation_id"] % n_shards == shard]
        if shuffle is not None:
            random.Random(shuffle).shuffle(own)
        messages.append(folder / f"messages-{shard}.parquet")
        labels.append(folder / f"labels-{shard}.parquet")
        pq.write_table(pa.Table.from_pylist(own, MESSAGES), messages[-1])
    given = {"dataset": "wildchat", "languages": FEW, "seed": 7} | SAMPLED | options
    check_language(messages, labels, **given)
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


def test_ranks_are_spread_evenly_and_depend_on_all_three():
    n = 20_000
    numbers, positions = np.arange(n, dtype=np.int64) // 4, np.arange(n, dtype=np.int32) % 4
    found = message_ranks(7, numbers, positions)
    assert len(set(found.tolist())) == n
    # 3.7 standard deviations of a binomial count, in each tenth.
    tenths = np.bincount((found >> np.uint64(32)).astype(np.int64) * 10 >> 32, minlength=10)
    assert np.abs(tenths - n / 10).max() < 3.7 * (n * 0.09) ** 0.5
    for other in (message_ranks(8, numbers, positions), message_ranks(7, numbers + n, positions)):
        assert not (found == other).any()


def test_the_sample_is_that_of_the_lowest_ranks_of_both_roles(tmp_path):
    rows = random_messages()
    found, _ = check(tmp_path / "a", rows)
    spoken = [row for row in rows if row["role"] != "system"]
    first = sorted(spoken, key=lambda row: rank(7, *key_of(row)))
    assert [key_of(row) for row in found] == sorted(key_of(row) for row in first[:40])
    into = {key_of(row) for row in first[:15]}
    for row in found:
        looked_into = key_of(row) in into and row["language"] != NO_LANGUAGE
        assert (row["n_languages"] > 0) == looked_into
    assert 0 < sum(row["n_languages"] > 0 for row in found) < 15


@pytest.mark.parametrize(("n_shards", "shuffle"), [(2, None), (5, 3), (1, 4)])
def test_shards_and_order_do_not_matter(tmp_path, n_shards, shuffle, monkeypatch):
    rows = random_messages()
    whole, _ = check(tmp_path / "a", rows)
    monkeypatch.setattr(language_check, "_BATCH_MESSAGES", 7)
    monkeypatch.setattr(language_check, "_BATCH_TEXTS", 4)
    parted, files = check(tmp_path / "b", rows, n_shards, shuffle)
    assert parted == whole
    for shard, path in enumerate(files):
        numbers = pq.read_table(path)["conversation_id"].to_pylist()
        assert numbers
        assert {number % n_shards for number in numbers} == {shard}


def test_a_smaller_sample_is_part_of_a_larger_one_and_another_seed_gives_another(tmp_path):
    rows = random_messages()
    small, _ = check(tmp_path / "a", rows, n_messages=10, n_mixed=0)
    large, _ = check(tmp_path / "b", rows, n_messages=30, n_mixed=0)
    other, _ = check(tmp_path / "c", rows, n_messages=10, n_mixed=0, seed=8)
    assert len(small) == 10
    assert [row for row in large if row in small] == small
    assert other != small


def test_a_sample_larger_than_the_data_set_is_all_of_it(tmp_path):
    rows = random_messages(30)
    found, _ = check(tmp_path / "a", rows, n_messages=10**6)
    assert [key_of(row) for row in found] == [
        key_of(row) for row in rows if row["role"] != "system"
    ]


# ------------------------------------------------------------------ labels


def test_labels_say_language_and_length(tmp_path, detector):
    rows = random_messages()
    found, (path,) = check(tmp_path / "a", rows, n_messages=10**6)
    texts = {key_of(row): row["text"] for row in rows}
    for row in found:
        text = texts[key_of(row)]
        language, confidence = detect(detector, [text])[0]
        assert row["language"] == language
        assert row["confidence"] == pytest.approx(confidence, rel=1e-6)
        assert row["n_characters"] == len(text.strip())
    assert {row["language"] for row in found} == {*FEW, NO_LANGUAGE}
    schema = pq.read_schema(path)
    assert schema.remove_metadata().equals(LABELS["language_check"])
    assert schema.metadata[b"annotator"].endswith(b"-high-4-languages")
    assert schema.metadata[b"route"] == b"computed"


@pytest.mark.parametrize("rows", [[], random_messages(6)], ids=["no messages", "none wanted"])
def test_nothing_to_check_gives_files_without_rows(tmp_path, rows):
    found, files = check(tmp_path / "a", rows, 2, n_messages=0 if rows else 5)
    assert found == []
    for path in files:
        assert pq.read_schema(path).remove_metadata().equals(LABELS["language_check"])


MIXED = {
    ENGLISH: 1,
    CHINESE: 1,
    f"{ENGLISH} {GERMAN}": 2,
    f"{GERMAN}\n\n{ENGLISH}": 2,
    f"Translate this into English: {CHINESE}": 2,
    f"{ENGLISH} {CHINESE} {FRENCH}": 3,
    f"{ENGLISH} {ENGLISH} {ENGLISH} Gute Nacht": 1,
    ENGLISH * 13 + GERMAN * 13: 1,  # German begins after the part that is looked at
    f"{ENGLISH} 😀🎉 12,5 + 3": 1,
    "Gute Nacht": 1,
    "x": 1,
}


def test_languages_of_a_text_are_counted(detector):
    assert count_languages(detector, list(MIXED)) == list(MIXED.values())
    assert count_languages(detector, []) == []
    alone = [count_languages(detector, [text])[0] for text in MIXED]
    assert alone == list(MIXED.values())


def test_a_language_that_is_not_certain_does_not_count(detector, monkeypatch):
    monkeypatch.setattr(language_check, "MIXED_CONFIDENCE", 1.01)
    assert count_languages(detector, list(MIXED)) == [1] * len(MIXED)


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, FRENCH, f"{ENGLISH} {GERMAN}"])
@pytest.mark.parametrize(
    "hidden", ["<PRESIDIO_ANONYMIZED_PERSON>", "<DETECT_SECRETS_REDACTED_AWS>"]
)
def test_redaction_does_not_add_a_language(detector, text, hidden):
    words = text.split(" ")
    (n,) = count_languages(detector, [text])
    covered = [*words[:2], hidden, *words[2:], hidden, hidden]
    assert count_languages(detector, [" ".join(covered)]) == [n]
    if n == 1:
        found = [detect(detector, [" ".join(some)])[0][0] for some in (words, covered[:-2])]
        assert found[0] == found[1]


# ------------------------------------------------------------------ bad input


def test_a_shard_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "messages-0.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(WildpaperError) as caught:
        check_language([path], [tmp_path / "labels-0.parquet"], "wildchat", FEW)
    assert caught.value.where == str(path)
    assert not (tmp_path / "labels-0.parquet").exists()


def test_unknown_languages_are_refused(tmp_path):
    with pytest.raises(WildpaperError, match="Klingon"):
        check(tmp_path / "a", random_messages(6), languages=("English", "Klingon"))


def test_as_many_labels_as_shards(tmp_path):
    with pytest.raises(ValueError, match="as many"):
        check_language([tmp_path / "a"], [], "wildchat", FEW)
