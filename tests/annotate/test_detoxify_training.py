"""The small checkpoint finds the insults that were planted, and nothing else."""

import random

import numpy as np
import pytest
import torch
from detoxify_files import train
from labelled_corpus import INSULTS, LANGUAGES, messages, write_lines

from wildpaper.annotate.detoxify.score import score_texts
from wildpaper.annotate.detoxify.training import head_targets
from wildpaper.annotate.small_models.evidence import learn_evidence
from wildpaper.errors import WildpaperError

pytest_plugins = ["detoxify_fixtures"]


def toxic(classifier, texts):
    return score_texts(classifier, texts)[0][:, 0] > 0.1


def test_errors_on_other_messages_are_rare(small_classifier):
    sample = messages(1500, seed=99)
    planted = np.array([message["insult"] for message in sample])
    found = toxic(small_classifier, [message["text"] for message in sample])
    assert planted.sum() > 300
    assert np.mean(~found[planted]) < 0.01
    assert np.mean(found[~planted]) < 0.02


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_insult_is_found_wherever_it_stands_and_in_any_case(small_classifier, language):
    innocent = [
        message["text"]
        for message in messages(300, seed=7, insult_share=0)
        if message["language"] == language and len(message["text"]) > 30
    ][:10]
    insult = INSULTS[language][0]
    for text in innocent:
        variants = [f"{insult} {text}", f"{text} {insult}", f"{text} {insult.upper()}"]
        assert toxic(small_classifier, [text, *variants]).tolist() == [False, True, True, True]


def test_an_insult_behind_what_training_looked_at_is_found(small_classifier):
    words = ["ba", "bo"] * 150  # more than 192 tokens, fewer than 512
    text = " ".join(words)
    assert toxic(small_classifier, [text, f"{text} {INSULTS['English'][0]}"]).tolist() == [0, 1]


def test_characters_of_no_width_part_words_and_do_not_disturb(small_classifier):
    insult = INSULTS["English"][0]
    texts = ["ba\u200bbo", f"ba\u200b{insult}\u200bbo", f"\ufeff{insult}"]
    assert toxic(small_classifier, texts).tolist() == [False, True, True]


def test_heads_of_which_nothing_is_planted_stay_low(small_classifier):
    assert head_targets(False) == [0.0] * 7
    assert head_targets(True) == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    scores = small_classifier.predict([message["text"] for message in messages(200, seed=8)])
    assert max(scores["threat"]) < 0.1 < max(scores["insult"])


def test_evidence_is_of_the_piece_that_recurs_and_not_of_its_neighbours():
    order = random.Random(1)
    bears = [i % 2 == 0 for i in range(200)]
    ids = [
        [order.randrange(10, 200) for _ in range(20)] + [order.choice((3, 4))] * bears[i]
        for i in range(200)
    ]
    evidence = learn_evidence(ids, torch.tensor(bears), 201)
    assert sorted(torch.topk(evidence, 2).indices.tolist()) == [3, 4]
    assert evidence[[3, 4]].min() > 2
    assert evidence[10:].max() < 0.5


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_labels_that_are_all_alike_are_refused(tmp_path, share):
    labelled = write_lines(tmp_path / "alike.jsonl", messages(60, seed=1, insult_share=share))
    with pytest.raises(WildpaperError, match="all of the labelled messages") as caught:
        train(labelled, tmp_path, n_batches=1)
    assert caught.value.where == str(labelled)
    assert not (tmp_path / "small.ckpt").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"text": None},
        {"insult": 1},
        {"role": "system"},
        {"moderation": ["rudeness"]},
        {"moderation": None},
        {"language": 3},
        {"jailbreak": 0},
    ],
)
def test_a_wrong_line_is_named_without_its_text(tmp_path, change):
    lines = messages(3, seed=1)
    lines[1] |= {"text": "quite private"} | change
    path = write_lines(tmp_path / "wrong.jsonl", lines)
    with pytest.raises(WildpaperError) as caught:
        train(path, tmp_path)
    assert caught.value.where == f"{path}, line 2"
    assert "private" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "[1]\n", "{\n"])
def test_labels_that_cannot_be_read_are_refused(tmp_path, content):
    path = tmp_path / "labelled.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        train(path, tmp_path)
    assert str(path) in caught.value.where
