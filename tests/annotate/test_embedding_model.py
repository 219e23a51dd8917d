"""The sentence encoder: MiniLM as transformers computes it, and models that are refused."""

import json
import shutil
from fnmatch import fnmatch

import numpy as np
import pytest

from wildpaper.annotate.embeddings.encoder import PACKAGE
from wildpaper.annotate.embeddings.model import load_encoder
from wildpaper.errors import WildpaperError


def minilm():
    return __import__(PACKAGE.replace("-", "_")).get_model_path()


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def test_minilm_means_what_transformers_computes(encoder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    texts = [
        "How do I boil an egg?",
        "What is the way to cook eggs in water?",
        "Who won the football match yesterday?",
        "wörter " * 400,  # more tokens than the model reads
    ]
    vectors = encoder.encode(texts)
    assert vectors.shape == (4, encoder.width) == (4, 384)
    assert vectors.dtype == np.float32
    cosine = vectors @ vectors.T
    assert cosine[0, 1] > 0.6 > 0.3 > cosine[0, 2]
    assert encoder.lengths(texts)[3] == 256
    tokenizer = AutoTokenizer.from_pretrained(minilm())
    model = AutoModel.from_pretrained(minilm(), use_safetensors=True).eval()
    for text, vector in zip(texts, vectors, strict=True):
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            mean = model(**inputs).last_hidden_state[0].mean(dim=0).numpy()
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_the_end_of_a_text_of_5_mb_is_not_looked_at(encoder):
    long = "tide and wind " * 360_000
    assert encoder.lengths([long, "sun"]) == [256, 3]
    vectors = encoder.encode([long, long[:20_000]])
    assert (vectors[0] == vectors[1]).all()


def test_a_folder_is_named_after_its_files_and_holds_safetensors(tmp_path, encoder, capfd):
    assert encoder.name == f"{PACKAGE}-0.1.0"
    folder = tmp_path / "mine"
    shutil.copytree(minilm(), folder)
    own = load_encoder(str(folder))
    assert own.name.startswith("mine-")
    assert (own.encode(["sun"]) == encoder.encode(["sun"])).all()
    vocabulary = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(vocabulary | {"note": 1}))
    assert load_encoder(str(folder)).name not in (own.name, encoder.name)
    assert capfd.readouterr() == ("", ""), "no bars, no notes"
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WildpaperError, match=r"no config\.json with weights as safetensors"):
        load_encoder(str(folder))


@pytest.mark.parametrize("model", ["no-such-package", "/no/such/folder", "a/b/c", "", "./none"])
def test_what_is_no_encoder_is_refused_with_the_key(model):
    with pytest.raises(WildpaperError, match="There is no folder") as caught:
        load_encoder(model)
    assert caught.value.where == "config key annotate.embedding.model"
    assert "owner/name" in caught.value.hint


def test_a_repository_is_fetched_without_pickled_weights_and_named_by_its_commit(monkeypatch):
    asked = []

    def fetch(repository, revision, allow_patterns):
        asked.append((repository, revision))
        assert not any(fnmatch("pytorch_model.bin", pattern) for pattern in allow_patterns)
        assert not any(fnmatch("own.py", pattern) for pattern in allow_patterns)
        return minilm()

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert load_encoder("some/encoder", "v1").name == f"some/encoder@{minilm().name}"
    assert asked == [("some/encoder", "v1")]

    def fail(*_, **__):
        raise OSError("We cannot connect\nand more")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(WildpaperError, match="We cannot connect") as caught:
        load_encoder("some/encoder")
    assert "and more" not in caught.value.what
    assert "network" in caught.value.hint


def test_a_folder_whose_files_are_none_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WildpaperError, match=r"no config\.json with weights"):
        load_encoder(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"none")
    with pytest.raises(WildpaperError, match="Cannot load"):
        load_encoder(str(tmp_path))


def test_code_that_comes_with_a_model_is_not_run(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(minilm(), folder)
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: pass\n")
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "own.Own"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(WildpaperError, match="third-party code"):
        load_encoder(str(folder))
    assert not (tmp_path / "ran").exists()


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(WildpaperError, match="no device 'cuda'"):
        load_encoder(device="cuda")
