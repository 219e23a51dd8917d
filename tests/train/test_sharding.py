"""Where each process holds a part of the weights, the result is that of one process."""

import json

import pytest
import torch
import two_processes
from safetensors.torch import load_file
from test_lora import ADAPTER
from test_resume import RECIPE, arguments, data  # noqa: F401 - a fixture
from test_several_devices import environment, losses  # noqa: F401 - a fixture
from training_data import tiny_recipe

from wildpaper.train.fine_tune import train_model
from wildpaper.train.launch import across_devices

pytestmark = pytest.mark.e2e

SHARDED = {
    "hardware__device": "auto",
    "hardware__n_gpus": 2,
    "hardware__sharding": "fsdp-full",
    "hardware__gradient_checkpointing": True,
}
STEPS = 10  # of both recipes


def test_all_weights_and_an_adapter_after_a_stop(tmp_path, data, environment):  # noqa: F811
    changes = RECIPE | {"optimiser__max_steps": STEPS}
    base = tmp_path / "two"
    recipes = {
        f"{name}-{how}": tiny_recipe(tmp_path / f"{name}-{how}.yaml", **settings)
        for name, settings in (("all", changes), ("adapter", ADAPTER | {"base": str(base)}))
        for how, settings in (("one", settings), ("two", settings | SHARDED))
    }
    given = arguments(base, data, recipes["all-two"])
    tuned = {"tuned": recipes["adapter-two"], "out": tmp_path / "two-tuned", "stop_at": 8}
    across_devices(two_processes.sharded, given | tuned, 2)
    train_model(**arguments(tmp_path / "one", data, recipes["all-one"]))
    train_model(**arguments(tmp_path / "one-tuned", data, recipes["adapter-one"],
                            base=[base / "model.safetensors"]))  # fmt: skip
    for name in ("", "-tuned"):
        one, two = tmp_path / f"one{name}", tmp_path / f"two{name}"
        assert losses(one) == pytest.approx(losses(two), abs=1e-4)
        weights, parts = load_file(one / "model.safetensors"), load_file(two / "model.safetensors")
        assert weights.keys() == parts.keys()
        assert all(torch.allclose(weights[key], parts[key], atol=1e-3) for key in weights)
        facts = [json.loads((out / "speed.json").read_text()) for out in (one, two)]
        assert facts[1]["resumed_from_step"] == 6
        assert facts[0]["flops_per_token"] == facts[1]["flops_per_token"]
        assert not list(two.glob("checkpoints-*"))
