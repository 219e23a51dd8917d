"""The plan of a training: what it promises is what happens, and what cannot fit is refused."""

import argparse
import dataclasses
import json
import logging

import pytest
from training_data import ROOT, tiny_recipe

from wildpaper.commands import plan_training as command
from wildpaper.errors import WildpaperError
from wildpaper.train import estimate, hardware
from wildpaper.train.estimate import announce, plan_training
from wildpaper.train.expected import DataSize, counted, expected
from wildpaper.train.hardware import Gpu, Machine
from wildpaper.train.order import training_order
from wildpaper.train.recipe import load_recipe

GB = 10**9
DATA = DataSize(500_000_000, 400_000, "counted")
GPU_RECIPES = ["wildllama-7b", "wildllama-7b-one-gpu"]


def recipe_of(name, **hardware):
    known = load_recipe(ROOT / f"data/recipes/{name}.yaml")
    return known.model_copy(update={"hardware": known.hardware.model_copy(update=hardware)})


def machine(n=0, gb=80, name="NVIDIA A100-SXM4-80GB", memory_gb=2000, disk_gb=2000):
    gpus = tuple(Gpu(i, name, int(gb * GB), f"GPU-{i}") for i in range(n))
    return Machine(gpus, memory_gb * GB, disk_gb * GB)


@pytest.mark.parametrize("name", GPU_RECIPES)
def test_a_recipe_for_gpus_fits_the_hardware_that_it_states(name):
    recipe = recipe_of(name)
    least = recipe.hardware.min_gpu_memory_gb
    plan = plan_training(recipe, DATA, machine(recipe.hardware.n_gpus, least), 6)
    assert plan.lacking == ()
    assert plan.micro_batch_tokens == recipe.optimiser.micro_batch_tokens
    assert plan.memory_bytes <= least * GB


def test_one_gpu_and_four_do_the_same_training():
    four, one = (recipe_of(name) for name in GPU_RECIPES)
    same = {"name", "title", "hardware"}
    assert four.model_dump(exclude=same) == one.model_dump(exclude=same)


def test_states_of_a_full_training_take_sixteen_bytes_a_parameter():
    plan = plan_training(recipe_of("wildllama-7b-one-gpu"), DATA, machine(1, 150))
    parts = ("weights", "gradients", "optimiser states")
    assert sum(plan.memory[part] for part in parts) == 16 * plan.size.n_parameters
    shared = plan_training(recipe_of("wildllama-7b"), DATA, machine(4))
    assert sum(shared.memory[part] for part in parts) == 4 * plan.size.n_parameters


def test_steps_and_tokens_are_those_of_the_order_of_training(tmp_path):
    lengths = [100 + 7 * i % 60 for i in range(230)]
    data = DataSize(sum(lengths), len(lengths), "counted")
    for change in ({"max_tokens": 20_000}, {"epochs": 2, "max_tokens": None},
                   {"max_steps": 9, "max_tokens": None}):  # fmt: skip
        changes = {f"optimiser__{key}": value for key, value in change.items()}
        recipe = load_recipe(tiny_recipe(tmp_path / "small.yaml", **changes))
        order = training_order(lengths, recipe.optimiser, 1, "a")
        n_steps = -(-len(order) // recipe.optimiser.batch)
        run = plan_training(recipe, data, machine()).runs[0]
        assert run.n_steps == pytest.approx(n_steps * run.n_models, abs=run.n_models)
        n_tokens = sum(lengths[i] for i in order) * run.n_models
        assert run.n_tokens == pytest.approx(n_tokens, rel=0.05)


def test_subsets_are_planned_by_their_shares():
    recipe = recipe_of("wildllama-7b")
    runs = {run.title: run for run in plan_training(recipe, DATA, machine(4), 6).runs}
    sizes = recipe.data_size
    wanted = 2 * sum(sizes.shares) * sizes.max_tokens
    assert runs["sizes of the data"].n_tokens == pytest.approx(wanted, abs=1)
    assert runs["coverage matrix"].n_tokens == 6 * recipe.coverage.optimiser.max_tokens
    assert runs["coverage matrix"].n_finished == 6
    assert runs["sizes of the data"].n_finished == 0


def test_hours_follow_the_hardware():
    recipe = recipe_of("wildllama-7b")
    slow = plan_training(recipe, DATA, machine(4))
    fast = plan_training(recipe, DATA, machine(4, name="NVIDIA H100 80GB HBM3"))
    assert slow.runs[0].hours / fast.runs[0].hours == pytest.approx(989 / 312)
    assert "A100" in slow.on
    absent = plan_training(recipe, DATA, machine(0))
    assert absent.runs[0].hours == slow.runs[0].hours
    assert "no such GPU here" in absent.on
    other = plan_training(recipe, DATA, machine(4, name="Unheard-of 9"))
    assert "its own is not known" in other.on


def test_tokens_at_a_time_are_halved_where_that_is_enough():
    recipe = recipe_of("wildllama-7b-one-gpu")
    tight = plan_training(recipe, DATA, machine(1, 132, name="NVIDIA H200"))
    assert tight.micro_batch_tokens == recipe.optimiser.micro_batch_tokens // 2
    assert tight.memory_bytes <= 132 * GB


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("wildllama-7b", machine(3), ["4 GPU(s): there are 3", "another recipe"]),
        ("wildllama-7b", machine(4, 24, "NVIDIA RTX 4090"), ["24 GB", "optimiser", "LoRA"]),
        ("wildllama-7b", machine(4, 60), ["as the recipe says", "min_gpu_memory_gb"]),
        ("wildllama-7b-one-gpu", machine(1, 80), ["131 GB of memory on each GPU", "fsdp-full"]),
        ("wildllama-7b", machine(4, disk_gb=100), ["of disk", "100 GB are free", "Make room"]),
        ("wildllama-7b", machine(4, memory_gb=64), ["108 GB of memory", "has 64 GB"]),
        ("wildllama-7b", machine(4, 90, "Tesla V100-SXM2-90GB"), ["bf16", "float32"]),
        ("tiny", machine(disk_gb=0), ["of disk"]),
    ],
)
def test_what_cannot_fit_is_refused_with_what_to_change(name, found, words):
    plan = plan_training(recipe_of(name), DATA, found, 6)
    with pytest.raises(WildpaperError) as caught:
        plan.refuse()
    assert len(plan.lacking) == 1
    assert all(word in str(caught.value) for word in (*words, name))


def test_everything_that_is_lacking_is_said_at_once():
    plan = plan_training(recipe_of("wildllama-7b"), DATA, machine(memory_gb=1, disk_gb=1), 6)
    assert len(plan.lacking) == 3


def test_lora_takes_less_of_everything_but_activations():
    recipe = recipe_of("wildllama-7b-one-gpu")
    small = load_recipe(ROOT / "data/recipes/smollm2-135m.yaml").adapter
    lora = recipe.model_copy(update={"adapter": small})
    one, other = (plan_training(r, DATA, machine(1, 150)) for r in (recipe, lora))
    assert other.memory_bytes < one.memory_bytes / 3
    assert other.disk_bytes < one.disk_bytes
    assert other.memory["activations"] == one.memory["activations"]
    assert other.runs[0].hours < one.runs[0].hours


def test_a_device_that_is_chosen_by_the_machine():
    recipe = recipe_of("smollm2-135m")
    assert plan_training(recipe, DATA, machine()).device == "cpu"
    on_gpu = plan_training(recipe, DATA, machine(1))
    assert (on_gpu.device, on_gpu.lacking) == ("cuda", ())


def test_a_base_of_unknown_architecture_cannot_be_planned_but_does_start(tmp_path):
    recipe = recipe_of("wildllama-7b").model_copy(update={"architecture": None})
    with pytest.raises(WildpaperError, match="does not state the architecture"):
        plan_training(recipe, DATA, machine())
    announce(recipe, 10, 1, tmp_path)


def test_the_data_is_estimated_from_the_published_figures():
    recipe = recipe_of("wildllama-7b")
    data = expected(recipe)
    n, mean = 1_039_785 * 99 / 389 * 0.99, 2.54 * (295.58 + 441.34)
    assert data.n_tokens == pytest.approx(n * mean, rel=0.06)  # the template adds a little
    assert data.n_tokens > n * mean
    assert n < data.n_examples < 2 * n
    assert "estimated" in data.source
    later = recipe.data.model_copy(update={"cutoff": None})
    all_of_it = expected(recipe.model_copy(update={"data": later}))
    assert all_of_it.n_tokens / data.n_tokens == pytest.approx(389 / 99)
    wildllama = recipe.models["wildllama"].model_copy(update={"dataset": "other"})
    assert expected(recipe.model_copy(update={"models": {"wildllama": wildllama}})) is None


def test_data_is_counted_from_a_report(tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps({"shares": {"train": {"tokens": 90, "examples": 4}}}))
    assert counted(path) == DataSize(90, 4, "counted")
    for text in ("{}", "[", '{"shares": []}'):
        path.write_text(text)
        with pytest.raises(WildpaperError, match="no report on training data"):
            counted(path)


def test_a_training_announces_its_plan_and_stops_if_it_cannot_fit(tmp_path, monkeypatch, caplog):
    recipe = load_recipe(tiny_recipe(tmp_path / "small.yaml"))
    with caplog.at_level(logging.INFO, "wildpaper"):
        announce(recipe, 12_345, 67, tmp_path)
    assert "12,345 tokens in 67 examples (counted)" in caplog.text
    monkeypatch.setattr(estimate, "this_machine", lambda folder: machine(memory_gb=0))
    with pytest.raises(WildpaperError, match="cannot run on this machine"):
        announce(recipe, 12_345, 67, tmp_path)


def test_states_that_a_killed_run_left_are_not_counted_twice(tmp_path, monkeypatch):
    recipe = load_recipe(tiny_recipe(tmp_path / "small.yaml"))
    needed = plan_training(recipe, DataSize(12_345, 67, ""), machine()).disk_bytes
    full = dataclasses.replace(machine(), free_disk_bytes=needed - 1000)
    monkeypatch.setattr(estimate, "this_machine", lambda folder: full)
    with pytest.raises(WildpaperError, match="of disk"):
        announce(recipe, 12_345, 67, tmp_path)
    state = tmp_path / "checkpoints-wildllama-0/checkpoint-2/optimizer.pt"
    state.parent.mkdir(parents=True)
    state.write_bytes(b"x" * 1000)
    announce(recipe, 12_345, 67, tmp_path)


def test_the_command_prints_the_plan_and_what_is_lacking(monkeypatch, capsys):
    monkeypatch.setattr(hardware, "_all_gpus", tuple)
    parser = argparse.ArgumentParser()
    command.describe(parser)
    assert command.run(parser.parse_args(["wildllama-7b"])) == 1
    printed = capsys.readouterr().out
    assert "parameters: 6,738,415,616, all of them trained" in printed
    assert "lacking: 4 GPU(s): there are 0" in printed
