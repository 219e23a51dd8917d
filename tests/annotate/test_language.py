"""Languages of sentences whose language is beyond doubt, and of texts that have none."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.annotate.language import detect as language
from wildpaper.annotate.language.detect import build_detector, detect, detect_language
from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS

FEW = ("English", "German", "Chinese")
SENTENCES = {
    "The children walked home slowly through the quiet evening streets.": "English",
    "Die Kinder gingen langsam durch die stillen abendlichen Straßen nach Hause.": "German",
    "孩子们慢慢地穿过安静的街道走回家。": "Chinese",
}
WITHOUT = ["", " ", "\n\t \u3000", "12345 67.8", "?!… — ()", "😀🎉 👍🏽", "3 + 4 = 7"]


@pytest.fixture(scope="module")
def detector():
    return build_detector(FEW, "high")


def labels_of(folder, texts, name="alpaca-0", **options):
    table = pa.table(
        {
            "conversation_id": pa.array(range(len(texts)), pa.int64()),
            "position": pa.array([0] * len(texts), pa.int32()),
            "text": pa.array(texts, pa.string()),
        }
    )
    pq.write_table(table, folder / "messages.parquet")
    path = folder / f"{name}.parquet"
    detect_language([folder / "messages.parquet"], [path], ["alpaca"], FEW, **options)
    return path


def test_sentences_get_their_language(detector):
    found = detect(detector, list(SENTENCES))
    assert [name for name, _ in found] == list(SENTENCES.values())
    assert all(0.5 < confidence <= 1 for _, confidence in found)


@pytest.mark.parametrize("text", WITHOUT)
def test_texts_without_words_have_no_language(detector, text):
    assert detect(detector, [text]) == [(NO_LANGUAGE, 0.0)]


def test_no_texts(detector):
    assert detect(detector, []) == []


def test_several_shards_at_once_get_the_labels_that_each_gets_alone(tmp_path):
    shards, alone = [], []
    for i, texts in enumerate(([*SENTENCES, ""], WITHOUT, list(SENTENCES)[:1])):
        alone.append(labels_of(tmp_path, texts, f"alone-{i}"))
        shards.append((tmp_path / "messages.parquet").rename(tmp_path / f"messages-{i}.parquet"))
    together = [tmp_path / f"together-{i}.parquet" for i in range(3)]
    detect_language(shards, together, ["alpaca", "dolly", "sharegpt"], FEW)
    assert [p.read_bytes() for p in together] == [p.read_bytes() for p in alone]


def test_labels_keep_the_contract(tmp_path):
    path = labels_of(tmp_path, [*SENTENCES, ""])
    table = pq.read_table(path)
    assert table.schema.remove_metadata().equals(LABELS["language"])
    assert table["language"].to_pylist() == [*SENTENCES.values(), NO_LANGUAGE]
    assert table["conversation_id"].to_pylist() == [0, 1, 2, 3]
    metadata = pq.read_schema(path).metadata
    assert metadata[b"annotator"].startswith(b"lingua-")
    assert metadata[b"annotator"].endswith(b"-high-3-languages")
    assert metadata[b"route"] == b"computed"


def test_looking_once_at_equal_texts_gives_the_same_labels(tmp_path, detector, monkeypatch):
    texts = [*SENTENCES, *WITHOUT] * 5 + ["gut", "the", "gut"]
    looked_at = []

    def watched(chosen, new):
        looked_at.extend(new)
        return detect(chosen, new)

    monkeypatch.setattr(language, "detect", watched)
    monkeypatch.setattr(language, "_BATCH_TEXTS", 4)
    labels = pq.read_table(labels_of(tmp_path, texts))
    assert sorted(looked_at) == sorted(set(texts))
    alone = [detect(detector, [text])[0][0] for text in texts]
    assert labels["language"].to_pylist() == alone


def test_forgetting_what_was_seen_changes_no_label(tmp_path, monkeypatch):
    # With batches of one text the memory of 100 texts is emptied before the 102nd, here
    # one that it held.
    texts = [f"{sentence} {i}" for i in range(34) for sentence in SENTENCES][:101]
    wanted = ([*SENTENCES.values()] * 34)[:101]
    monkeypatch.setattr(language, "_BATCH_TEXTS", 1)
    labels = pq.read_table(labels_of(tmp_path, texts + texts[:3]))
    assert labels["language"].to_pylist() == wanted + wanted[:3]


def test_order_changes_no_label(tmp_path):
    texts = [*SENTENCES, "ok", "Haus", "no", *WITHOUT]
    found = pq.read_table(labels_of(tmp_path, texts))["language"].to_pylist()
    turned = pq.read_table(labels_of(tmp_path, texts[::-1]))["language"].to_pylist()
    assert turned[::-1] == found


def test_an_empty_shard(tmp_path):
    assert pq.read_table(labels_of(tmp_path, [])).num_rows == 0


def test_names_are_taken_in_any_case():
    assert detect(build_detector(["ENGLISH", "german"], "low"), ["Straßen und Häuser"])[0][0] == (
        "German"
    )


@pytest.mark.parametrize("names", [["English", "Klingon"], ["English"], [], ["English", "english"]])
def test_names_that_lingua_cannot_use_are_refused(names):
    with pytest.raises(WildpaperError) as caught:
        build_detector(names, "high")
    assert caught.value.where == "config key annotate.language.languages"
    assert "German" in caught.value.hint
    assert ("Klingon" in caught.value.what) == ("Klingon" in names)


def test_a_text_of_5_mb_passes(tmp_path):
    # lingua needs 2.6 s and 180 MB for 5 MB of words with all its languages.
    sentence = next(iter(SENTENCES)) + " "
    labels = pq.read_table(labels_of(tmp_path, [sentence * (5_000_000 // len(sentence)), ""]))
    assert labels["language"].to_pylist() == ["English", NO_LANGUAGE]
