"""A checkpoint in Detoxify's format: what it holds, and what is refused."""

import json
import os
import shutil
import socket

import pytest
import torch
from detoxify_files import train
from labelled_corpus import INSULTS, messages, write_lines

from wildpaper.annotate.detoxify.checkpoint import HEADS_OF_DETOXIFY, load_detoxify
from wildpaper.errors import WildpaperError
from wildpaper.schema import DETOXIFY_HEADS

pytest_plugins = ["detoxify_fixtures"]

SWITCH = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


@pytest.fixture
def copied(small_checkpoint, tmp_path):
    folder = tmp_path / "moved" / "elsewhere"
    shutil.copytree(small_checkpoint.parent, folder)
    return folder / small_checkpoint.name


def changed(checkpoint, change):
    saved = torch.load(checkpoint, weights_only=True)
    change(saved)
    torch.save(saved, checkpoint)
    return checkpoint


def test_it_is_in_the_format_of_detoxify(small_checkpoint):
    saved = torch.load(small_checkpoint, weights_only=True)
    arguments = saved["config"]["arch"]["args"]
    assert saved["config"]["dataset"]["args"]["classes"] == list(HEADS_OF_DETOXIFY)
    assert sorted(HEADS_OF_DETOXIFY) == sorted(DETOXIFY_HEADS)
    assert arguments["model_type"] == "model"
    assert arguments["num_classes"] == 7
    config = json.loads((small_checkpoint.parent / "model" / "config.json").read_bytes())
    assert len(config["id2label"]) == 7


def test_detoxify_loads_it_wherever_it_stands_and_without_the_network(copied, monkeypatch):
    def no_network(*_):
        raise AssertionError("loading a local checkpoint asked for the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.delenv(SWITCH, raising=False)
    before = os.getcwd()
    classifier = load_detoxify(copied)
    assert os.getcwd() == before
    assert SWITCH not in os.environ
    assert type(classifier).__module__ == "detoxify.detoxify"
    insult = classifier.predict(f"{INSULTS['English'][0]} ba bo")
    assert list(insult) == list(HEADS_OF_DETOXIFY)
    assert insult["toxicity"] > 0.5 > classifier.predict("ba bo")["toxicity"]


def test_the_same_labels_and_seed_give_the_same_bytes_and_no_path(small_checkpoint, tmp_path):
    labelled = write_lines(tmp_path / "few.jsonl", messages(120, seed=4))
    first, second = (train(labelled, tmp_path / name, n_batches=3) for name in ("a", "other"))
    third = train(labelled, tmp_path / "seed", seed=6, n_batches=3)
    for name in ("small.ckpt", "model/config.json", "model/tokenizer.json"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()
    assert first.read_bytes() != third.read_bytes()
    for path in [file for file in first.parent.rglob("*") if file.is_file()]:
        assert str(tmp_path).encode() not in path.read_bytes()
        assert os.getcwd().encode() not in path.read_bytes()


class _Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("switched_off", [False, True])
def test_code_in_a_checkpoint_is_not_run(copied, tmp_path, monkeypatch, switched_off):
    if switched_off:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    changed(copied, lambda saved: saved.update(extra=_Harm(str(tmp_path / "harm"))))
    with pytest.raises(WildpaperError):
        load_detoxify(copied)
    assert not (tmp_path / "harm").exists()
    assert os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD") == ("1" if switched_off else None)


def _drop_weight(saved):
    del saved["state_dict"]["classifier.dense.weight"]


def _drop_head(saved):
    saved["config"]["dataset"]["args"]["classes"][1] = "kindness"


def _other_class(saved):
    saved["config"]["arch"]["args"]["model_name"] = "pipeline"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_drop_weight, "classifier.dense.weight"),
        (_drop_head, "severe_toxicity"),
        (_other_class, "classifies"),
        (lambda saved: saved.pop("config"), "format"),
        (lambda saved: saved["state_dict"].clear(), "model"),
        (lambda saved: saved["config"]["arch"]["args"].update(model_type="absent"), "'absent'"),
    ],
)
def test_what_would_score_at_random_or_not_at_all_is_refused(copied, change, told):
    with pytest.raises(WildpaperError, match=told) as caught:
        load_detoxify(changed(copied, change))
    assert caught.value.where == str(copied.resolve())
    assert caught.value.hint


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_an_absent_or_damaged_file_is_refused(copied, content):
    copied.unlink()
    if content is not None:
        copied.write_bytes(content)
    with pytest.raises(WildpaperError) as caught:
        load_detoxify(copied)
    assert str(copied.resolve()) in caught.value.where


def test_a_tokenizer_that_never_cuts_is_refused(copied):
    path = copied.parent / "model" / "tokenizer_config.json"
    config = json.loads(path.read_bytes())
    del config["model_max_length"]
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        load_detoxify(copied)
    assert "model_max_length" in caught.value.hint
