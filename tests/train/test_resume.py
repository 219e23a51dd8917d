"""A training that is killed goes on where it was, to the same bytes."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from training_data import ROOT, corpus, tiny_recipe, vocabulary, write_call, write_shards

from wildpaper.errors import WildpaperError
from wildpaper.train.fine_tune import train_model
from wildpaper.train.prepare import prepare_training
from wildpaper.train.trainer import PackedTrainer

FILES = ("model.safetensors", "config.json", "losses.json", "report.json")
EVERY = 4
RECIPE = {
    **{"checkpoint_steps": EVERY, "optimiser__max_tokens": None, "optimiser__max_steps": 22},
    **{"held_out__points": 3, "architecture__hidden_size": 32},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory, tokenizer_file):
    folder = tmp_path_factory.mktemp("data")
    train, held = [folder / "train.parquet"], [folder / "held.parquet"]
    prepare_training(**write_shards(folder, corpus(51, 60, vocabulary(51))),
                     tokenizer=tokenizer_file, recipe=tiny_recipe(folder / "any.yaml"),
                     examples=train, held_out=held, report=folder / "r.json",
                     ledger=folder / "l.json", dataset="wildchat", seed=1)  # fmt: skip
    return {"examples": train, "held_out": held, "tokenizer": tokenizer_file}


def arguments(out, data, recipe, **others):
    files = dict(zip(("model", "config", "losses", "report"), FILES, strict=True))
    outputs = {name: out / file for name, file in files.items()}
    return {**data, **outputs, "recipe": recipe, "speed": out / "speed.json",
            "model_name": "wildllama", "seed": 3, **others}  # fmt: skip


def content(out):
    return {name: (out / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, data):
    """What comes out when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("whole")
    train_model(**arguments(folder / "out", data, tiny_recipe(folder / "small.yaml", **RECIPE)))
    return content(folder / "out")


def start(call):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen([sys.executable, "-m", "wildpaper.train.worker", str(call)],
                            env=environment, stderr=subprocess.PIPE, text=True)  # fmt: skip


def states(out):
    return sorted(out.glob("checkpoints-*/checkpoint-*"))


def kill_when(process, ready):
    deadline = time.monotonic() + 60
    while process.poll() is None and not ready() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, process.stderr.read()[-2000:]
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_at_three_random_steps_it_ends_with_the_same_bytes(tmp_path, data, whole):
    out = tmp_path / "out"
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    call = write_call(tmp_path / "call.json", arguments(out, data, recipe))
    draw = random.Random(7)
    for step in sorted(draw.sample([EVERY, 2 * EVERY, 3 * EVERY, 4 * EVERY], 3)):
        process = start(call)

        def reached(mark=f"checkpoints-*/checkpoint-{step}/complete.json"):
            return any(out.glob(mark))

        kill_when(process, reached)
    process = start(call)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said[-2000:]
    assert f"goes on from step {step} of 22" in said
    assert content(out) == whole
    assert json.loads((out / "speed.json").read_text())["resumed_from_step"] >= EVERY
    assert not states(out)
    assert not list(out.glob("checkpoints-*"))


def test_a_state_that_was_cut_off_while_it_was_written_is_not_used(
    tmp_path, data, whole, monkeypatch
):
    out = tmp_path / "out"
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    given = arguments(out, data, recipe)
    stop_at(monkeypatch, 3 * EVERY - 1)
    with pytest.raises(KeyboardInterrupt):
        train_model(**given)
    monkeypatch.undo()
    (last,) = [path for path in states(out) if path.name == f"checkpoint-{2 * EVERY}"]
    (last / "complete.json").unlink()
    (last / "model.safetensors").write_bytes(b"half")
    train_model(**given)
    assert json.loads((out / "speed.json").read_text())["resumed_from_step"] == EVERY
    assert content(out) == whole


def stop_at(monkeypatch, step):
    real = PackedTrainer.compute_loss

    def compute_loss(self, *given, **named):
        if self.state.global_step >= step:
            raise KeyboardInterrupt
        return real(self, *given, **named)

    monkeypatch.setattr(PackedTrainer, "compute_loss", compute_loss)


def test_states_of_another_recipe_are_not_taken_up(tmp_path, data, monkeypatch):
    out = tmp_path / "out"
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    stop_at(monkeypatch, EVERY + 1)
    with pytest.raises(KeyboardInterrupt):
        train_model(**arguments(out, data, recipe))
    monkeypatch.undo()
    assert states(out)
    other = tiny_recipe(tmp_path / "small.yaml", **RECIPE, optimiser__learning_rate=0.001)
    train_model(**arguments(out, data, other))
    assert json.loads((out / "speed.json").read_text())["resumed_from_step"] == 0
    assert not list(out.glob("checkpoints-*"))


def run_out_of_memory(monkeypatch, most):
    """Let any micro-batch of more than `most` tokens run out of memory."""
    real = PackedTrainer.compute_loss

    def compute_loss(self, model, inputs, *given, **named):
        if inputs["input_ids"].shape[1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, model, inputs, *given, **named)

    monkeypatch.setattr(PackedTrainer, "compute_loss", compute_loss)


def test_out_of_memory_halves_the_micro_batch_and_keeps_the_step(tmp_path, data, monkeypatch):
    found = []
    for name, tokens, most in (("large", 2_000, 600), ("small", 500, 10**9)):
        with monkeypatch.context() as patch:
            run_out_of_memory(patch, most)
            changes = {"optimiser__micro_batch_tokens": tokens, "optimiser__batch": 8}
            recipe = tiny_recipe(tmp_path / f"{name}.yaml", **RECIPE, **changes)
            train_model(**arguments(tmp_path / name, data, recipe))
        found.append(json.loads((tmp_path / name / "losses.json").read_text()))
    assert found[0] == found[1]


def test_memory_that_one_example_exhausts_is_an_error_that_says_what_to_do(
    tmp_path, data, monkeypatch
):
    run_out_of_memory(monkeypatch, 10)
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    with pytest.raises(WildpaperError, match="memory ran out") as caught:
        train_model(**arguments(tmp_path / "out", data, recipe))
    assert "adapter" in caught.value.hint
