"""A training that is killed goes on where it was, to the same bytes."""

import json
import multiprocessing
import random
import re
import signal
import time

import killed_training
import pytest
import torch
from training_data import corpus, tiny_recipe, vocabulary, write_call, write_shards

from wildpaper.errors import WildpaperError
from wildpaper.train.fine_tune import train_model
from wildpaper.train.prepare import prepare_training
from wildpaper.train.trainer import PackedTrainer

pytestmark = pytest.mark.e2e

FILES = ("model.safetensors", "config.json", "losses.json", "report.json")
EVERY, N_STEPS = 3, 14
RECIPE = {
    **{"checkpoint_steps": EVERY, "optimiser__max_tokens": None, "optimiser__max_steps": N_STEPS},
    **{"held_out__points": 3, "held_out__max_examples": 6, "architecture__hidden_size": 32},
}

SHORT = RECIPE | {"optimiser__max_steps": 3 * EVERY, "optimiser__batch": 8}


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


@pytest.fixture(scope="module")
def start():
    """Return a function that starts a training; processes come from one that is imported once."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["killed_training", "wildpaper.train.fine_tune"])

    def begin(*given):
        process = processes.Process(target=killed_training.train, args=given)
        process.start()
        return process

    return begin


def states(out):
    return sorted(out.glob("checkpoints-*/checkpoint-*"))


def kill_when(process, ready):
    deadline = time.monotonic() + 60
    while process.is_alive() and not ready() and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.fixture
def killed(tmp_path, data, start):
    """Return a function that trains until it is killed, and the folder of the results."""
    out, log = tmp_path / "out", tmp_path / "log"
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    call = write_call(tmp_path / "call.json", arguments(out, data, recipe))
    return lambda die_in_save=0: start(call, log, die_in_save), out, log


def test_killed_at_three_random_steps_it_ends_with_the_same_bytes(killed, whole):
    begin, out, log = killed
    steps = sorted(random.Random(7).sample(range(2, N_STEPS), 3))
    for step in steps:
        after = max(step - step % EVERY, EVERY)

        def reached(mark=f"checkpoints-*/checkpoint-{after}/complete.json"):
            return any(out.glob(mark))

        kill_when(begin(), reached)
    process = begin()
    process.join(120)
    assert process.exitcode == 0, log.read_text()[-2000:]
    resumed = [int(step) for step in re.findall(rf"goes on from step (\d+) of {N_STEPS}",
                                                log.read_text())]  # fmt: skip
    assert resumed == sorted(resumed)
    assert resumed[-1] >= steps[-1] - EVERY
    assert content(out) == whole
    assert json.loads((out / "speed.json").read_text())["resumed_from_step"] == resumed[-1]
    assert not list(out.glob("checkpoints-*"))


def test_killed_while_a_state_is_written_it_takes_the_one_before(killed, whole):
    begin, out, log = killed
    process = begin(3 * EVERY)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, log.read_text()[-2000:]
    marked = {path.name for path in states(out) if (path / "complete.json").is_file()}
    assert {f"checkpoint-{3 * EVERY}"} == {path.name for path in states(out)} - marked
    process = begin()
    process.join(120)
    assert process.exitcode == 0, log.read_text()[-2000:]
    assert f"goes on from step {2 * EVERY} of {N_STEPS}" in log.read_text()
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


def run_out_of_memory(monkeypatch, most, since=0):
    """Let any micro-batch of more than `most` tokens run out of memory, from a step on."""
    real = PackedTrainer.compute_loss

    def compute_loss(self, model, inputs, *given, **named):
        if inputs["input_ids"].shape[1] > most and self.state.global_step >= since:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, model, inputs, *given, **named)

    monkeypatch.setattr(PackedTrainer, "compute_loss", compute_loss)


@pytest.fixture(scope="module")
def small(tmp_path_factory, data):
    """Losses with micro-batches of 500 tokens from the start."""
    folder = tmp_path_factory.mktemp("micro")
    recipe = tiny_recipe(folder / "small.yaml", **SHORT, optimiser__micro_batch_tokens=500)
    train_model(**arguments(folder / "out", data, recipe))
    return json.loads((folder / "out/losses.json").read_text())


@pytest.mark.parametrize(("since", "resumed"), [(0, 0), (EVERY + 1, EVERY)])
def test_out_of_memory_halves_the_micro_batch_and_keeps_the_step(
    tmp_path, data, monkeypatch, caplog, small, since, resumed
):
    run_out_of_memory(monkeypatch, 600, since)
    recipe = tiny_recipe(tmp_path / "large.yaml", **SHORT, optimiser__micro_batch_tokens=2_000)
    with caplog.at_level("INFO", logger="wildpaper"):
        train_model(**arguments(tmp_path / "large", data, recipe))
    assert re.findall(r"micro-batches of ([\d,]+) tokens instead", caplog.text) == ["1,000", "500"]
    recorded = json.loads((tmp_path / "large/losses.json").read_text())
    assert (recorded == small) == (since == 0)  # to the last bit, once all steps were the same
    for share in ("training", "held_out"):
        for found, wanted in zip(recorded[share], small[share], strict=True):
            assert found == pytest.approx(wanted, abs=1e-4)
    speed = json.loads((tmp_path / "large/speed.json").read_text())
    assert speed["resumed_from_step"] == resumed


def test_what_memory_allowed_is_kept_for_who_goes_on(tmp_path, data, monkeypatch, caplog):
    run_out_of_memory(monkeypatch, 600)
    recipe = tiny_recipe(tmp_path / "large.yaml", **SHORT, optimiser__micro_batch_tokens=1_000)
    with monkeypatch.context() as patch:
        stop_at(patch, EVERY + 1)
        with pytest.raises(KeyboardInterrupt):
            train_model(**arguments(tmp_path / "large", data, recipe))
    assert "memory ran out" in caplog.text
    caplog.clear()
    train_model(**arguments(tmp_path / "large", data, recipe))
    assert "memory ran out" not in caplog.text


def test_memory_that_one_example_exhausts_is_an_error_that_says_what_to_do(
    tmp_path, data, monkeypatch
):
    run_out_of_memory(monkeypatch, 10)
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    with pytest.raises(WildpaperError, match="memory ran out") as caught:
        train_model(**arguments(tmp_path / "out", data, recipe))
    assert "adapter" in caught.value.hint
