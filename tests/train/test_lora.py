"""An adapter learns beside frozen weights, goes on after a kill, and ends as a plain model."""

import json

import pytest
import torch
from safetensors.torch import load_file
from test_resume import arguments, content, data, stop_at  # noqa: F401 - a fixture among them
from training_data import tiny_recipe
from transformers import AutoModelForCausalLM

from wildpaper.errors import WildpaperError
from wildpaper.train.fine_tune import train_model

ADAPTER = {
    "architecture": None,
    "adapter": {"rank": 4, "alpha": 8, "targets": ["q_proj", "down_proj"]},
    **{"checkpoint_steps": 3, "optimiser__max_tokens": None, "optimiser__max_steps": 10},
    "optimiser__learning_rate": 0.02,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory, data):  # noqa: F811 - the fixture
    folder = tmp_path_factory.mktemp("base")
    train_model(**arguments(folder, data, tiny_recipe(folder / "small.yaml",
                                                      optimiser__max_tokens=600)))  # fmt: skip
    return folder / "model.safetensors"


def tune(folder, data, base, **changes):  # noqa: F811 - the fixture
    folder.mkdir(exist_ok=True)
    recipe = tiny_recipe(folder / "tuned.yaml", base=str(base.parent), **(ADAPTER | changes))
    train_model(**arguments(folder / "out", data, recipe, base=[base]))
    return folder / "out"


def test_it_learns_and_changes_the_named_layers_alone(tmp_path, data, base):  # noqa: F811
    out = tune(tmp_path, data, base)
    held_out = json.loads((out / "losses.json").read_text())["held_out"]
    assert held_out[-1]["loss_nats"] < held_out[0]["loss_nats"]
    before, after = load_file(base), load_file(out / "model.safetensors")
    assert before.keys() == after.keys()
    changed = {name.split(".")[-2] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"q_proj", "down_proj"}
    AutoModelForCausalLM.from_pretrained(out, local_files_only=True)


def test_it_goes_on_after_a_kill_to_the_same_bytes(tmp_path, data, base, monkeypatch):  # noqa: F811
    whole = content(tune(tmp_path / "whole", data, base))
    stop_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path / "killed", data, base)
    monkeypatch.undo()
    out = tune(tmp_path / "killed", data, base)
    assert json.loads((out / "speed.json").read_text())["resumed_from_step"] == 6
    assert content(out) == whole


def test_layers_that_are_not_there_are_named(tmp_path, data, base):  # noqa: F811
    with pytest.raises(WildpaperError, match="no layers for the adapter") as caught:
        tune(tmp_path, data, base, adapter={"targets": ["nowhere"]})
    assert "targets" in caught.value.where


def test_a_base_that_is_not_what_the_recipe_says_is_refused(tmp_path, data, base):  # noqa: F811
    stated = {"hidden_size": 16, "intermediate_size": 16, "n_layers": 5, "n_heads": 2,
              "tied_embeddings": False}  # fmt: skip
    with pytest.raises(WildpaperError, match="n_layers 1 instead of 5"):
        tune(tmp_path, data, base, architecture=stated)
