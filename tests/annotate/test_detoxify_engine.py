"""Scores are those of `predict` for each text alone, whatever the batches and the precision."""

import logging

import numpy as np
import pytest
import torch
from detoxify_forms import write_form
from engine_models import (
    MEMORY_ERRORS,
    Wrapped,
    far_apart,
    ragged_texts,
    small_memory,
    with_model,
)
from hypothesis import given
from hypothesis import strategies as st

from wildpaper.annotate.detoxify.checkpoint import load_detoxify
from wildpaper.annotate.detoxify.engine import Engine
from wildpaper.annotate.detoxify.forward import forward, in_bf16
from wildpaper.annotate.detoxify.sequences import padded, plan_batches, tokenise
from wildpaper.errors import WildpaperError
from wildpaper.schema import DETOXIFY_HEADS

FORMS = ("original", "unbiased", "identities", "multilingual")
TEXTS = [*ragged_texts(32), "<pad> ba <pad>", "[PAD] bo", " \n", "é😀"]


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")
    return {name: load_detoxify(write_form(name, folder / name)) for name in FORMS}


@pytest.fixture(scope="module")
def multilingual(classifiers):
    return classifiers["multilingual"]


def between(scores, n):
    """Return `n` thresholds, each just between two scores: where a small error decides."""
    ranked = np.unique(scores.astype(np.float64))
    gaps = np.flatnonzero(np.diff(ranked) > 1e-5)
    chosen = gaps[np.linspace(0, len(gaps) - 1, n).round().astype(int)]
    return ((ranked[chosen] + ranked[chosen + 1]) / 2).tolist()


def alone(classifier, texts):
    found = [classifier.predict(text) for text in texts]
    return {head: np.array([scores[head] for scores in found]) for head in classifier.class_names}


@pytest.mark.parametrize("batch_tokens", [1, 1_500, 16_384])
@pytest.mark.parametrize("form", FORMS)
def test_scores_are_those_of_single_texts(classifiers, form, batch_tokens):
    classifier = classifiers[form]
    scores, _ = Engine(classifier, DETOXIFY_HEADS, batch_tokens).score(TEXTS)
    wanted = alone(classifier, TEXTS)
    assert np.ptp(wanted["toxicity"]) > 0.05
    for i, head in enumerate(DETOXIFY_HEADS):
        if head in wanted:
            assert np.abs(scores[:, i] - wanted[head]).max() < 1e-5
        else:
            assert (form, head) == ("original", "sexual_explicit")
            assert np.isnan(scores[:, i]).all()


def test_a_classifier_without_toxicity_is_refused(multilingual):
    other = with_model(multilingual, multilingual.model)
    other.class_names = ["obscene"]
    with pytest.raises(WildpaperError, match="toxicity") as caught:
        Engine(other, DETOXIFY_HEADS, where="a.parquet")
    assert caught.value.where == "a.parquet"


def test_no_texts_and_the_count_of_texts(multilingual):
    engine = Engine(multilingual, DETOXIFY_HEADS)
    scores, truncated = engine.score([])
    assert (scores.shape, truncated.shape) == ((0, 7), (0,))
    told = []
    engine.score(TEXTS, told.append)
    assert sum(told) == engine.n_texts == len(TEXTS)
    assert len(told) > 1


@pytest.mark.parametrize("form", ["original", "multilingual"])
def test_bf16_decides_as_fp32_at_any_threshold(classifiers, form):
    classifier = far_apart(classifiers[form], 4)
    exact = Engine(classifier, ["toxicity"]).score(TEXTS)[0][:, 0]
    ids = tokenise(classifier.tokenizer, TEXTS, windows=False).ids
    batches = plan_batches(ids, range(len(ids)), 1_024)
    rough = np.zeros(len(TEXTS))
    for batch, logits in forward(in_bf16(classifier.model), ids, batches, 1):
        rough[batch] = 1 / (1 + np.exp(-logits[:, 0]))
    n_wrong = 0
    for threshold in between(exact, 8):
        engine = Engine(classifier, ["toxicity"], threshold=threshold, precision="bf16")
        found = engine.score(TEXTS)[0][:, 0]
        assert ((found > threshold) == (exact > threshold)).all()
        assert engine.largest_error > 0
        n_wrong += ((rough > threshold) != (exact > threshold)).sum()
    assert n_wrong > 0  # else bf16 alone would do


def test_bf16_scores_again_what_it_must_and_no_more(multilingual):
    classifier = far_apart(multilingual, 8)
    exact = Engine(classifier, ["toxicity"]).score(TEXTS)[0][:, 0]
    engine = Engine(classifier, ["toxicity"], precision="bf16", threshold=0.1)
    engine.score(TEXTS)
    assert 8 <= engine.n_rescored < len(TEXTS)
    exact = exact.clip(1e-6, 1 - 1e-6)
    distance = np.abs(np.log(exact / (1 - exact)) - np.log(1 / 9))
    assert engine.n_rescored >= (distance < 0.2).sum()


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_the_margin_follows_the_error_that_is_measured(multilingual, size):
    classifier = far_apart(multilingual, 6)

    def meddle(tokens, logits):
        if logits is None:
            return None
        away = torch.where(tokens.sum(1) % 2 == 0, size, -size)
        return logits + away[:, None] * torch.ones(1, logits.shape[1])

    exact = Engine(classifier, ["toxicity"]).score(TEXTS)[0][:, 0]
    for threshold in between(exact, 3):
        engine = Engine(classifier, ["toxicity"], threshold=threshold, precision="bf16")
        engine._fast = Wrapped(classifier.model, meddle)
        found = engine.score(TEXTS)[0][:, 0]
        assert engine.largest_error == pytest.approx(size, rel=1e-3)
        assert ((found > threshold) == (exact > threshold)).all()


@pytest.mark.parametrize("kind", MEMORY_ERRORS)
def test_without_memory_batches_are_halved_until_they_fit(multilingual, kind, caplog, monkeypatch):
    monkeypatch.setattr("wildpaper.annotate.detoxify.engine.CPU_BATCH_TOKENS", 2_048)
    wanted = Engine(multilingual, DETOXIFY_HEADS).score(TEXTS)[0]
    starved, sizes = small_memory(multilingual, 600, MEMORY_ERRORS[kind])
    engine = Engine(starved, DETOXIFY_HEADS, where="a.parquet")
    told = []
    with caplog.at_level(logging.WARNING, "wildpaper"):
        scores, _ = engine.score(TEXTS, told.append)
    assert np.abs(scores - wanted).max() < 1e-6
    assert sum(told) == len(TEXTS)
    assert 1 <= sum(size > 600 for size in sizes) <= 2
    assert 256 <= engine.batch_tokens <= 600
    assert len(caplog.records) == 1
    assert "a.parquet: memory ran out" in caplog.text
    sizes.clear()
    engine.score(TEXTS)
    assert max(sizes) <= 600


def test_a_text_that_does_not_fit_alone_is_an_error_without_the_text(multilingual):
    starved, _ = small_memory(multilingual, 100, MEMORY_ERRORS["cuda"])
    with pytest.raises(WildpaperError, match="512 tokens") as caught:
        Engine(starved, DETOXIFY_HEADS, where="a.parquet").score(TEXTS)
    assert caught.value.where == "a.parquet"
    assert not any(word in str(caught.value) for word in ("kelu", "du ", "ba "))


def test_other_errors_of_the_model_are_not_taken_for_memory(multilingual):
    broken, sizes = small_memory(multilingual, 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        Engine(broken, DETOXIFY_HEADS).score(TEXTS)
    assert len(sizes) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(multilingual, value):
    def meddle(tokens, logits):
        return None if logits is None else logits * torch.tensor([1.0] * 6 + [value])

    broken = with_model(multilingual, Wrapped(multilingual.model, meddle))
    with pytest.raises(WildpaperError, match="no number"):
        Engine(broken, DETOXIFY_HEADS, where="a.parquet").score(TEXTS)


def windows_of(ids, limit):
    """Windows by hand: the tokens at the ends of each, half of what is between from one to next."""
    first, *content, last = ids
    room = limit - 2
    step = room - room // 2
    starts = range(0, max(len(content) - room, 0) + step, step)
    return [[first, *content[start : start + room], last] for start in starts]


@pytest.mark.parametrize("form", ["original", "multilingual"])
def test_windows_give_the_maximum_of_each_head(classifiers, form):
    classifier = classifiers[form]
    texts = [text for text in ragged_texts(20, seed=8, longest=2_500) if text]
    scores, truncated = Engine(classifier, DETOXIFY_HEADS, long_texts="windows").score(texts)
    assert not truncated.any()
    n_windows = []
    for text, found in zip(texts, scores, strict=True):
        ids = classifier.tokenizer(text, verbose=False)["input_ids"]
        windows = windows_of(ids, 512)
        n_windows.append(len(windows))
        with torch.no_grad():
            logits = [classifier.model(input_ids=torch.tensor([one]))[0][0] for one in windows]
        most = torch.sigmoid(torch.stack(logits)).max(0).values.numpy()
        for i, head in enumerate(DETOXIFY_HEADS):
            if head in classifier.class_names:
                assert abs(found[i] - most[classifier.class_names.index(head)]) < 1e-5
    assert min(n_windows) == 1
    assert max(n_windows) > 3


def test_windows_change_long_texts_only(multilingual):
    texts = ragged_texts(20, seed=8, longest=1_200)
    cut, long = Engine(multilingual, ["toxicity"]).score(texts)
    engine = Engine(multilingual, ["toxicity"], long_texts="windows")
    told = []
    whole, _ = engine.score(texts, told.append)
    assert long.any()
    assert np.abs(whole - cut)[~long].max() < 1e-6
    assert (whole >= cut - 1e-6).all()
    assert np.abs(whole - cut)[long].max() > 1e-4
    assert sum(told) == len(texts)
    assert engine.n_long == long.sum()
    assert f"{100 * long.mean():.1f} % of them longer than 512" in engine.summary()


@pytest.mark.parametrize("seed", [1, 2])
def test_bf16_decides_as_fp32_over_windows(multilingual, seed):
    classifier = far_apart(multilingual, 6)
    texts = ragged_texts(24, seed, longest=1_800)
    exact = Engine(classifier, ["toxicity"], long_texts="windows").score(texts)[0][:, 0]
    for threshold in between(exact, 3):
        options = {"threshold": threshold, "precision": "bf16", "long_texts": "windows"}
        found = Engine(classifier, ["toxicity"], **options).score(texts)[0][:, 0]
        assert ((found > threshold) == (exact > threshold)).all()


@given(
    st.lists(st.integers(1, 40), max_size=60),
    st.integers(1, 200),
    st.randoms(use_true_random=False),
)
def test_every_sequence_is_in_one_batch_that_keeps_its_size(lengths, batch_tokens, rng):
    ids = [[7] * length for length in lengths]
    rows = [row for row in range(len(ids)) if rng.random() < 0.8]
    batches = plan_batches(ids, rows, batch_tokens)
    assert sorted(row for batch in batches for row in batch) == rows
    for batch in batches:
        tokens, mask = padded([ids[row] for row in batch], pad_id=1)
        assert len(batch) == 1 or tokens.size <= batch_tokens
        assert mask.sum(1).tolist() == [lengths[row] for row in batch]
        assert (tokens == np.where(mask, 7, 1)).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_decides_as_the_cpu(tmp_path, precision):
    checkpoint = write_form("multilingual", tmp_path / "form")
    on_cpu = Engine(load_detoxify(checkpoint), ["toxicity"]).score(TEXTS)[0][:, 0]
    threshold = float(np.median(on_cpu)) + 1e-3
    gpu = load_detoxify(checkpoint, "cuda")
    engine = Engine(gpu, ["toxicity"], threshold=threshold, precision=precision)
    found = engine.score(TEXTS)[0][:, 0]
    far = np.abs(on_cpu - threshold) > 1e-4
    assert ((found > threshold) == (on_cpu > threshold))[far].all()
    if precision == "fp32":
        assert np.abs(found - on_cpu).max() < 1e-4
