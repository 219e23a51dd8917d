"""Scores of shards are those of Detoxify's own `predict`, text by text."""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from detoxify_files import ENDLESS, write_shard
from detoxify_forms import write_form
from engine_models import MEMORY_ERRORS, small_memory
from labelled_corpus import INSULTS, messages

from wildpaper.annotate.detoxify import score as detoxify
from wildpaper.annotate.detoxify.checkpoint import load_detoxify
from wildpaper.annotate.detoxify.score import score_detoxify, score_texts
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file
from wildpaper.schema import DETOXIFY_HEADS, LABELS

pytest_plugins = ["detoxify_fixtures"]

INSULT = INSULTS["English"][0]
LONG = "ba bo du " * ENDLESS
RAGGED = [
    "",
    " \n",
    "ba",
    LONG,
    INSULT,
    f"{LONG}{INSULT}",
    f"{INSULT} {LONG}",
    "😀🎉",
    "a\u200bb",
    "<s> </s> <pad>",
    *(message["text"] for message in messages(60, seed=21)),
]


def scored(folder, texts, checkpoint, name="wildchat-0", **options):
    path = folder / f"{name}.parquet"
    shard = write_shard(folder / f"{name}-in.parquet", texts)
    score_detoxify([shard], checkpoint, [path], ["wildchat"], **options)
    return pq.read_table(path)


def test_several_shards_at_once_get_the_scores_that_each_gets_alone(tmp_path, small_checkpoint):
    parts = [RAGGED[:4], [], RAGGED[2:9]]
    for i, texts in enumerate(parts):
        scored(tmp_path, texts, small_checkpoint, f"alone-{i}")
    together = [tmp_path / f"together-{i}.parquet" for i in range(3)]
    score_detoxify([tmp_path / f"alone-{i}-in.parquet" for i in range(3)], small_checkpoint,
                 together, ["alpaca", "dolly", "sharegpt"])  # fmt: skip
    for i, path in enumerate(together):
        assert path.read_bytes() == (tmp_path / f"alone-{i}.parquet").read_bytes()


def matrix(table):
    return np.column_stack([table[head].to_numpy() for head in DETOXIFY_HEADS])


def alone(classifier, texts, heads=DETOXIFY_HEADS):
    found = [classifier.predict(text) for text in texts]
    return np.array([[scores[head] for head in heads] for scores in found])


@pytest.mark.parametrize("batch_tokens", [1, 700, 16_384])
def test_scores_are_those_of_single_texts(small_classifier, batch_tokens):
    scores, _ = score_texts(small_classifier, RAGGED, batch_tokens)
    wanted = alone(small_classifier, RAGGED)
    assert np.ptp(wanted[:, 0]) > 0.5
    assert np.abs(scores - wanted).max() < 1e-5


def test_truncated_says_where_the_end_was_not_read(small_checkpoint, tmp_path):
    table = scored(tmp_path, RAGGED, small_checkpoint)
    cut = [text for text, t in zip(RAGGED, table["truncated"].to_pylist(), strict=True) if t]
    assert cut == [LONG, f"{LONG}{INSULT}", f"{INSULT} {LONG}"]
    toxicity = dict(zip(RAGGED, table["toxicity"].to_pylist(), strict=True))
    assert toxicity[f"{LONG}{INSULT}"] == pytest.approx(toxicity[LONG], abs=1e-5)
    assert toxicity[f"{INSULT} {LONG}"] > 0.5


def test_a_text_of_just_the_limit_is_not_truncated(small_classifier):
    words = ["ba"] * 600
    n_tokens = len(small_classifier.tokenizer(" ".join(words), verbose=False)["input_ids"])
    assert n_tokens == 602
    _, truncated = score_texts(small_classifier, [" ".join(words[:n]) for n in (510, 511)])
    assert truncated.tolist() == [False, True]


def test_labels_keep_the_contract(small_checkpoint, tmp_path):
    table = scored(tmp_path, RAGGED, small_checkpoint)
    assert table.schema.remove_metadata().equals(LABELS["detoxify"])
    assert table["conversation_id"].to_pylist() == [i // 2 for i in range(len(RAGGED))]
    metadata = table.schema.metadata
    version = sha256_file(small_checkpoint)[:8].encode()
    assert metadata[b"annotator"] == b"detoxify-0.5.4-" + version
    assert metadata[b"route"] == b"computed"


def test_scores_do_not_depend_on_shards_order_or_batches(small_checkpoint, tmp_path, monkeypatch):
    whole = matrix(scored(tmp_path, RAGGED, small_checkpoint))
    monkeypatch.setattr(detoxify, "_BATCH_MESSAGES", 7)
    cut = len(RAGGED) // 3
    parts = [
        matrix(scored(tmp_path, texts, small_checkpoint, "part", batch_tokens=900))
        for texts in (RAGGED[:cut], RAGGED[cut:])
    ]
    turned = matrix(scored(tmp_path, RAGGED[::-1], small_checkpoint, "turned"))[::-1]
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-6
    assert np.abs(turned - whole).max() < 1e-6


def test_each_distinct_text_is_scored_once(small_checkpoint, tmp_path, monkeypatch):
    looked_at = []

    class Watched(detoxify.Engine):
        def score(self, texts, *options):
            looked_at.extend(texts)
            return super().score(texts, *options)

    monkeypatch.setattr(detoxify, "Engine", Watched)
    monkeypatch.setattr(detoxify, "_BATCH_MESSAGES", 4)
    texts = [RAGGED[i] for i in (2, 4, 2, 0, 4, 7, 0, 0, 2, 11)]
    table = scored(tmp_path, texts, small_checkpoint)
    assert sorted(looked_at) == sorted(set(texts))
    single = dict(zip(texts, table["toxicity"].to_pylist(), strict=True))
    assert table["toxicity"].to_pylist() == [single[text] for text in texts]


def test_near_the_threshold_the_score_is_that_of_the_text_alone(small_classifier):
    texts = RAGGED[:10]
    wanted = alone(small_classifier, texts).astype(np.float32)
    for row in (2, 4):
        scores, _ = score_texts(small_classifier, texts, threshold=float(wanted[row, 0]))
        assert (scores[row] == wanted[row]).all()


@pytest.mark.parametrize(
    ("options", "suffix"),
    [
        ({"precision": "bf16"}, "-bf16"),
        ({"long_texts": "windows"}, "-windows"),
        ({"precision": "bf16", "long_texts": "windows"}, "-bf16-windows"),
    ],
)
def test_labels_tell_how_they_were_made(small_checkpoint, tmp_path, options, suffix):
    table = scored(tmp_path, RAGGED, small_checkpoint, **options)
    version = sha256_file(small_checkpoint)[:8]
    assert table.schema.metadata[b"annotator"].decode() == f"detoxify-0.5.4-{version}{suffix}"


def test_windows_read_to_the_end(small_checkpoint, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "wildpaper"):
        whole = scored(tmp_path, RAGGED, small_checkpoint, "whole", long_texts="windows")
        cut = scored(tmp_path, RAGGED, small_checkpoint, "cut")
    assert not any(whole["truncated"].to_pylist())
    end = RAGGED.index(f"{LONG}{INSULT}")
    assert whole["toxicity"][end].as_py() > 0.5 > cut["toxicity"][end].as_py()
    share = 100 * sum(cut["truncated"].to_pylist()) / len(set(RAGGED))
    told = f"{len(set(RAGGED))} texts scored, {share:.1f} % of them longer than 512 tokens"
    assert f"{told} (scored in windows)" in caplog.text
    assert f"{told} (their beginning was scored)" in caplog.text


def test_bf16_labels_decide_as_those_of_fp32(small_checkpoint, tmp_path):
    exact = matrix(scored(tmp_path, RAGGED, small_checkpoint, "fp32"))[:, 0]
    for threshold in (0.02, 0.1, 0.5, 0.9):
        options = {"precision": "bf16", "threshold": threshold}
        rough = matrix(scored(tmp_path, RAGGED, small_checkpoint, "bf16", **options))[:, 0]
        assert ((rough > threshold) == (exact > threshold)).all()
    assert (rough != exact).any()


def test_a_head_that_the_model_lacks_is_null(tmp_path):
    checkpoint = write_form("original", tmp_path / "form")
    table = scored(tmp_path, ["ba bo", "du", "ba bo"], checkpoint)
    assert table["sexual_explicit"].null_count == 3
    assert table["identity_attack"].null_count == table["toxicity"].null_count == 0
    wanted = alone(load_detoxify(checkpoint), ["ba bo", "du", "ba bo"], DETOXIFY_HEADS[:6])
    assert np.abs(matrix(table)[:, :6].astype(float) - wanted).max() < 1e-5


def test_a_device_that_is_not_there_is_named(small_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(WildpaperError, match="no GPU") as caught:
        scored(tmp_path, ["ba"], small_checkpoint, device="cuda")
    assert caught.value.where == "annotate.detoxify.device: cuda"


def test_a_text_that_does_not_fit_names_the_shard(small_checkpoint, tmp_path, monkeypatch):
    def starved(checkpoint, device):
        return small_memory(load_detoxify(checkpoint, device), 40, MEMORY_ERRORS["cpu"])[0]

    monkeypatch.setattr(detoxify, "load_detoxify", starved)
    with pytest.raises(WildpaperError, match="Memory ran out") as caught:
        scored(tmp_path, RAGGED, small_checkpoint)
    assert caught.value.where.endswith("wildchat-0-in.parquet")
    assert INSULT not in str(caught.value)
    assert not (tmp_path / "wildchat-0.parquet").exists()


def test_a_shard_without_messages(small_checkpoint, tmp_path):
    table = scored(tmp_path, [], small_checkpoint)
    assert table.num_rows == 0
    assert table.schema.remove_metadata().equals(LABELS["detoxify"])


def test_a_null_text_is_named_by_file_and_row(small_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(detoxify, "_BATCH_MESSAGES", 4)
    with pytest.raises(WildpaperError) as caught:
        scored(tmp_path, ["ba"] * 5 + [None, "bo"], small_checkpoint)
    assert caught.value.where.endswith("wildchat-0-in.parquet, row 5")
    assert not (tmp_path / "wildchat-0.parquet").exists()


def test_messages_that_lack_a_column_are_refused(small_checkpoint, tmp_path):
    pq.write_table(pa.table({"text": ["ba"]}), tmp_path / "in.parquet")
    with pytest.raises(WildpaperError, match="conversation_id"):
        score_detoxify(
            [tmp_path / "in.parquet"], small_checkpoint, [tmp_path / "out.parquet"], ["x"]
        )


@pytest.mark.parametrize("content", [None, b"", b"PAR1 is not enough"])
def test_a_damaged_shard_is_refused(small_checkpoint, tmp_path, content):
    path = tmp_path / "in.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WildpaperError) as caught:
        score_detoxify([path], small_checkpoint, [tmp_path / "out.parquet"], ["x"])
    assert caught.value.where == str(path)
