"""A converted model scores as its checkpoint does, to the last bit, and only if unchanged."""

import json
import os
import shutil
import socket
from hashlib import sha256

import pytest
import torch
from detoxify import Detoxify
from detoxify_forms import IDENTITY_HEADS, UNBIASED_HEADS, write_form
from labelled_corpus import INSULTS, messages

from wildpaper.annotate.detoxify.checkpoint import annotator_name, load_detoxify
from wildpaper.annotate.detoxify.convert import convert_detoxify
from wildpaper.annotate.detoxify.converted import ABOUT, CHECKED, WEIGHTS
from wildpaper.errors import WildpaperError
from wildpaper.schema import DETOXIFY_HEADS

TEXTS = [
    *("", " \n", "ba", "ba bo du " * 400, INSULTS["English"][0], "😀🎉", "a\u200bb"),
    *("<s> </s> [SEP]", "Ba BO, Du!", *(message["text"] for message in messages(3, seed=2))),
]


def convert(checkpoint, folder):
    convert_detoxify(checkpoint, *(folder / name for name in CHECKED), folder / ABOUT)
    return folder


@pytest.fixture(scope="module", params=["original", "unbiased", "identities", "multilingual"])
def form(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = write_form(request.param, folder)
    return request.param, checkpoint, convert(checkpoint, folder / "converted")


@pytest.fixture
def copied(form, tmp_path):
    return shutil.copytree(form[2], tmp_path / "elsewhere" / "model")


def predictions(classifier):
    return {text: classifier.predict(text) for text in TEXTS}


def test_scores_are_those_of_detoxify_itself_bit_for_bit(form, copied, monkeypatch):
    def no_network(*_):
        raise AssertionError("loading a folder asked for the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    name, checkpoint, _ = form
    monkeypatch.chdir(checkpoint.parent)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    wanted = predictions(Detoxify(checkpoint=checkpoint.name))
    spread = [scores["toxicity"] for scores in wanted.values()]
    assert max(spread) - min(spread) > 0.01
    for path in (checkpoint, copied, copied / ABOUT):
        assert predictions(load_detoxify(path)) == wanted
    batch = load_detoxify(copied).predict(TEXTS)
    assert batch == load_detoxify(checkpoint).predict(TEXTS)
    heads = {"original": DETOXIFY_HEADS[:-1], "identities": UNBIASED_HEADS + IDENTITY_HEADS}
    assert set(wanted["ba"]) == set(heads.get(name, DETOXIFY_HEADS))


def test_the_folder_says_what_it_is_and_the_annotator_stays_the_same(form):
    _, checkpoint, folder = form
    about = json.loads((folder / ABOUT).read_bytes())
    digest = sha256(checkpoint.read_bytes()).hexdigest()
    assert (about["source"], about["source_sha256"]) == (checkpoint.name, digest)
    assert about["sha256"][WEIGHTS] == sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert about["max_tokens"] == 512
    assert "toxicity" in about["class_names"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*CHECKED, ABOUT])
    assert annotator_name(folder) == annotator_name(folder / ABOUT) == annotator_name(checkpoint)
    assert annotator_name(folder).endswith(digest[:8])


def test_the_same_checkpoint_gives_the_same_bytes_and_no_path(form, tmp_path):
    _, checkpoint, folder = form
    again = convert(checkpoint, tmp_path / "again")
    for name in (*CHECKED, ABOUT):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
        for place in (tmp_path, folder, os.getcwd()):
            assert str(place).encode() not in (again / name).read_bytes()


@pytest.mark.parametrize("file", CHECKED)
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_changed_file_is_refused_by_name(small_folder, tmp_path, file, harm):
    folder = shutil.copytree(small_folder, tmp_path / "model")
    content = (folder / file).read_bytes()
    if harm == "remove":
        (folder / file).unlink()
    else:
        changed = content[:-1] if harm == "cut" else content[:-1] + bytes([content[-1] ^ 1])
        (folder / file).write_bytes(changed)
    with pytest.raises(WildpaperError, match=file) as caught:
        load_detoxify(folder)
    assert caught.value.where == str(folder)


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return convert(write_form("multilingual", folder), folder / "converted")


def _forge(folder, change):
    about = json.loads((folder / ABOUT).read_bytes())
    change(about)
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda about: about["class_names"].remove("toxicity"), "toxicity"),
        (lambda about: about["class_names"].append("kindness"), "8 heads"),
        (lambda about: about.update(model="pipeline"), "ValidationError"),
        (lambda about: about.update(model="AnyForSequenceClassification"), "AnyFor"),
        (lambda about: about.update(tokenizer="os.Tokenizer"), "ValidationError"),
        (lambda about: about.update(max_tokens=100), "100 tokens"),
        (lambda about: about["sha256"].pop(WEIGHTS), "checksum"),
        (lambda about: about.pop("source_sha256"), "ValidationError"),
    ],
)
def test_a_forged_description_is_refused(small_folder, tmp_path, change, told):
    folder = shutil.copytree(small_folder, tmp_path / "model")
    _forge(folder, change)
    with pytest.raises(WildpaperError, match=told) as caught:
        load_detoxify(folder)
    assert caught.value.hint


def test_a_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(WildpaperError, match=ABOUT):
        load_detoxify(tmp_path)


@pytest.mark.parametrize("head", ["toxicity", "severe_toxicity", "insult"])
def test_a_checkpoint_without_a_head_is_not_converted(tmp_path, head):
    checkpoint = write_form("unbiased", tmp_path)
    saved = torch.load(checkpoint, weights_only=True)
    classes = saved["config"]["dataset"]["args"]["classes"]
    classes[classes.index(head)] = "kindness"
    torch.save(saved, checkpoint)
    with pytest.raises(WildpaperError, match=head):
        convert(checkpoint, tmp_path / "converted")
    assert not (tmp_path / "converted").exists()


def test_outputs_that_stand_apart_and_converted_inputs_are_refused(small_folder, tmp_path):
    files = [tmp_path / name for name in CHECKED]
    with pytest.raises(WildpaperError, match="one folder"):
        convert_detoxify(small_folder, *files, tmp_path / "apart" / ABOUT)
    with pytest.raises(WildpaperError, match="already"):
        convert_detoxify(small_folder, *files, tmp_path / ABOUT)
