"""An adapter learns beside frozen weights, goes on after a kill, and ends as a plain model."""

import copy
import json

import pytest
import torch
from safetensors.torch import load_file
from test_packing import SHAPE, alone, conversations
from test_resume import arguments, content, data, stop_at  # noqa: F401 - a fixture among them
from training_data import tiny_recipe
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from wildpaper.errors import WildpaperError
from wildpaper.train.attention import use_packed_attention
from wildpaper.train.fine_tune import train_model
from wildpaper.train.lora import causal_model, merged, with_adapter
from wildpaper.train.loss import return_logits, return_losses
from wildpaper.train.packing import pack
from wildpaper.train.settings import AdapterSettings

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


def adapted(targets):
    """A small model and the same with an adapter that does something."""
    torch.manual_seed(3)
    plain = LlamaForCausalLM(LlamaConfig(**SHAPE))
    adapter = with_adapter(copy.deepcopy(plain), AdapterSettings(rank=4, alpha=8, targets=targets))
    for name, part in adapter.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(part, std=3.0)
    return plain, adapter


@pytest.mark.parametrize("targets", [("q_proj", "down_proj"), ("v_proj", "lm_head")])
def test_its_loss_is_that_of_transformers_and_of_the_merged_model(targets):
    plain, net = adapted(targets)
    pair = conversations(5, 1)[0]
    theirs, before = alone(net, pair), alone(plain, pair)
    use_packed_attention(net)
    return_losses(causal_model(net))
    batch = pack([pair])
    ours = net(**batch)
    assert abs(float(ours.detach()) - float(before.detach())) > 0.1
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)
    assert float(net(per_token=True, **batch).sum()) == pytest.approx(
        float(ours.detach()), rel=1e-5
    )
    trained = {name for name, part in net.named_parameters() if part.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    return_logits(causal_model(net))
    assert float(alone(merged(net), pair).detach()) == pytest.approx(
        float(theirs.detach()), rel=1e-4
    )
