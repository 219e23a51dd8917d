"""Training learns what is planted, repeats byte for byte, and leaves nothing behind."""

import json
import math
import os
import random
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from training_data import (
    ROOT,
    corpus,
    tiny_recipe,
    vocabulary,
    words,
    write_call,
    write_shards,
)
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, set_seed

from wildpaper.errors import WildpaperError
from wildpaper.train.attention import use_packed_attention
from wildpaper.train.examples import read_examples
from wildpaper.train.fine_tune import train_model
from wildpaper.train.loss import mean_loss, return_losses, summed_loss
from wildpaper.train.model import build_model
from wildpaper.train.order import training_order
from wildpaper.train.packing import IGNORED, pack
from wildpaper.train.prepare import prepare_training
from wildpaper.train.recipe import load_recipe
from wildpaper.train.template import load_template
from wildpaper.train.watch import Watch

KNOWN = vocabulary(8)
FILES = ("model.safetensors", "config.json", "losses.json", "report.json")
OUTPUTS = dict(zip(("model", "config", "losses", "report"), FILES, strict=True))


def prepared(folder, tokenizer, talks, n_shards=1):
    paths = write_shards(folder, talks, n_shards=n_shards)
    out = [folder / name for name in ("r.json", "l.json")]

    def parts(name):
        return [folder / f"{name}-{i}.parquet" for i in range(n_shards)]

    prepare_training(**paths, tokenizer=tokenizer, recipe=tiny_recipe(folder / "any.yaml"),
                     examples=parts("train"), held_out=parts("held"), report=out[0], ledger=out[1],
                     dataset="wildchat", seed=1)  # fmt: skip
    return parts("train"), parts("held")


@pytest.fixture(scope="module")
def data(tmp_path_factory, tokenizer_file):
    """Example files in which every reply is one of two fixed sentences."""
    draw = random.Random(4)
    replies = [words(draw, 12, KNOWN) for _ in range(2)]
    talks = [
        [("user", words(draw, 8, KNOWN)), ("assistant", draw.choice(replies))] for _ in range(200)
    ]
    return prepared(tmp_path_factory.mktemp("data"), tokenizer_file, talks)


@pytest.fixture
def train(tmp_path, tokenizer_file, data):
    """Return a function from changes of the recipe to the folder of a trained model."""

    def run(name="first", files=None, seed=3, model_name="wildllama", **changes):
        examples, held_out = files or data
        out = tmp_path / name
        train_model(examples=examples, held_out=held_out, tokenizer=tokenizer_file,
                    recipe=tiny_recipe(tmp_path / "small.yaml", **changes), model_name=model_name,
                    seed=seed, speed=tmp_path / f"{name}-speed.json",
                    **{key: out / file for key, file in OUTPUTS.items()})  # fmt: skip
        return out

    run.folder, run.tokenizer = tmp_path, tokenizer_file
    return run


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def load(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    use_packed_attention(model)
    return_losses(model)
    return model


def test_it_learns_the_replies_from_a_uniform_start(train):
    recorded = read(train(optimiser__max_tokens=12_000, optimiser__learning_rate=0.02) /
                    "losses.json")  # fmt: skip
    training, held_out = recorded["training"], recorded["held_out"]
    assert training[0]["loss_nats"] == pytest.approx(math.log(32_000), abs=0.05)
    assert held_out[0]["loss_nats"] == pytest.approx(math.log(32_000), abs=0.05)
    # two sentences of 12 words: nothing but which of the two is left to guess
    assert held_out[-1]["loss_nats"] < 2.5
    assert training[-1]["loss_nats"] < 2.5


def test_the_record_tells_steps_tokens_and_learning_rates(train, data):
    out = train(optimiser__max_tokens=4_000, optimiser__warmup=0.2)
    recorded, report = read(out / "losses.json"), read(out / "report.json")
    steps = recorded["training"]
    assert [step["step"] for step in steps] == list(range(1, report["n_steps"] + 1))
    assert 4_000 <= steps[-1]["n_tokens"] == report["n_tokens"] < 4_600
    n_warm = math.ceil(0.2 * len(steps))
    rates = [step["learning_rate"] for step in steps]
    assert rates[: n_warm + 1] == pytest.approx([0.005 * i / n_warm for i in range(n_warm + 1)])
    assert rates[n_warm:] == sorted(rates[n_warm:], reverse=True)
    assert [point["step"] for point in recorded["held_out"]] == [
        round(i * len(steps) / 4) for i in range(5)
    ]
    assert report["epochs"] == pytest.approx(4 * len(steps) / len(read_examples(data[0])))
    assert report["hardware"] == "CPU, one core"


def test_no_time_stands_in_any_output(train):
    out = train(optimiser__max_tokens=600)
    for name in ("config.json", "losses.json", "report.json"):
        text = (out / name).read_text(encoding="utf-8")
        assert "second" not in text
        assert "time" not in text
        assert str(ROOT) not in text


def test_the_held_out_loss_is_that_of_the_saved_model(train, data):
    out = train(held_out__max_examples=1000, optimiser__max_tokens=2_000)
    held_out = read_examples(data[1])
    again = mean_loss(load(out), held_out, range(len(held_out)), 500)
    assert read(out / "losses.json")["held_out"][-1]["loss_nats"] == pytest.approx(again, rel=1e-5)


def test_the_same_bytes_in_another_process_which_leaves_nothing_behind(
    train, data, tmp_path, tokenizer_file
):
    first = train(optimiser__max_tokens=1_500)
    home, work, temporary = (tmp_path / name for name in ("home", "work", "temporary"))
    for folder in (home, work, temporary):
        folder.mkdir()
    out = tmp_path / "second"
    arguments = {
        **{"examples": data[0], "held_out": data[1], "recipe": tmp_path / "small.yaml"},
        **{"tokenizer": tokenizer_file, "speed": tmp_path / "speed.json", "seed": 3},
        **{"model_name": "wildllama", **{key: out / file for key, file in OUTPUTS.items()}},
    }
    call = write_call(tmp_path / "call.json", arguments)
    environment = os.environ | {
        "HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT / "workflow"),
        "OMP_NUM_THREADS": "4", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "wildpaper.train.worker", str(call)], cwd=work,
                          env=environment, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
    for name in FILES:
        assert (first / name).read_bytes() == (out / name).read_bytes(), name
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert [list(folder.rglob("*")) for folder in (home, work, temporary)] == [[], [], []]


def test_the_weights_do_not_depend_on_shards(train, tmp_path, tokenizer_file):
    talks = corpus(41, 40, KNOWN)
    found = []
    for n_shards in (1, 3):
        files = prepared(tmp_path / f"shards{n_shards}", tokenizer_file, talks, n_shards)
        out = train(f"of{n_shards}", files, optimiser__max_tokens=1_500)
        found.append([(out / name).read_bytes() for name in FILES])
    assert found[0] == found[1]


def test_the_seed_changes_the_weights_and_models_start_alike(train):
    small = {"optimiser__max_tokens": 600}
    starts = [
        read(train(name, seed=seed, model_name=model, **small) / "losses.json")["held_out"][0]
        for name, seed, model in (("a", 3, "wildllama"), ("b", 3, "baseline"), ("c", 4, "baseline"))
    ]
    assert starts[0]["loss_nats"] == starts[1]["loss_nats"] != starts[2]["loss_nats"]


def test_the_size_of_micro_batches_does_not_matter(train):
    losses = [
        [
            step["loss_nats"]
            for step in read(train(f"m{n}", optimiser__micro_batch_tokens=n,
                                   optimiser__max_tokens=1_500) / "losses.json")["training"]
        ]
        for n in (256, 400, 2_000)
    ]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] == pytest.approx(losses[2], rel=1e-4)


def test_the_gradients_are_those_of_the_mean_over_the_step(train, data, monkeypatch):
    """Adam takes any multiple of a gradient for the same: its size is looked at by itself."""
    found = []

    def on_pre_optimizer_step(self, args, state, control, model, **given):
        if not found:
            found.extend(part.grad.clone() for part in model.parameters())

    monkeypatch.setattr(Watch, "on_pre_optimizer_step", on_pre_optimizer_step, raising=False)
    batch = {"optimiser__batch": 8, "optimiser__max_tokens": None, "optimiser__max_steps": 1}
    train(optimiser__max_grad_norm=1e9, **batch)
    examples = read_examples(data[0])
    recipe = load_recipe(tiny_recipe(train.folder / "small.yaml", **batch))
    order = training_order(examples.lengths.tolist(), recipe.optimiser, 3, "wildllama")
    assert examples.lengths[order].sum() > recipe.optimiser.micro_batch_tokens
    set_seed(3)
    net = build_model(recipe, load_template(recipe.data, train.tokenizer))
    use_packed_attention(net)
    whole = pack([examples.one(i) for i in order])
    (summed_loss(net, whole) / (whole["labels"] != IGNORED).sum()).backward()
    for ours, part in zip(found, net.parameters(), strict=True):
        assert torch.allclose(ours, part.grad, rtol=1e-3, atol=1e-7)


def test_half_precision_follows_the_loss_and_leaves_whole_weights(train):
    few = {"optimiser__max_tokens": None, "optimiser__max_steps": 3, "held_out__max_examples": 3}
    out = [train(p, hardware__precision=p, **few) for p in ("float32", "bf16")]
    whole, half = (read(folder / "losses.json") for folder in out)
    assert whole != half
    for share in ("training", "held_out"):
        assert [point["loss_nats"] for point in half[share]] == pytest.approx(
            [point["loss_nats"] for point in whole[share]], abs=0.01
        )
    weights = load_file(out[1] / "model.safetensors").values()
    assert {part.dtype for part in weights} == {torch.float32}


def test_a_pretrained_base_is_where_training_starts(train, data):
    base = train("base", optimiser__max_tokens=3_000)
    tuned = train("tuned", base=str(base), architecture=None, held_out__max_examples=1000,
                  optimiser__max_tokens=600)  # fmt: skip
    held_out = read_examples(data[1])
    start = read(tuned / "losses.json")["held_out"][0]["loss_nats"]
    assert start == pytest.approx(
        mean_loss(load(base), held_out, range(len(held_out)), 300), rel=1e-5
    )
    assert (tuned / "model.safetensors").read_bytes() != (base / "model.safetensors").read_bytes()


def test_a_base_with_another_vocabulary_is_refused(train, tmp_path):
    LlamaForCausalLM(LlamaConfig(vocab_size=500, hidden_size=16, intermediate_size=16,
                                 num_hidden_layers=1, num_attention_heads=2)
                     ).save_pretrained(tmp_path / "other")  # fmt: skip
    with pytest.raises(WildpaperError, match="do not belong together"):
        train(base=str(tmp_path / "other"), architecture=None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"hardware__device": "cuda", "hardware__n_gpus": 2, "hardware__sharding": "fsdp-full"},
            "2 GPUs",
        ),
        ({"hardware__min_disk_gb": 1e9}, "GB of disk"),
    ],
)
def test_a_machine_that_lacks_something_is_told_before_the_start(train, monkeypatch, changes, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(WildpaperError, match=said):
        train(**changes)


def test_an_unknown_model_and_an_empty_file_are_named(train, tmp_path, tokenizer_file):
    with pytest.raises(WildpaperError, match="no model 'wildlama'") as caught:
        train(model_name="wildlama")
    assert "wildllama, baseline" in caught.value.hint
    files = prepared(tmp_path / "none", tokenizer_file, [[("user", "alone")]])
    with pytest.raises(WildpaperError, match="no example to train"):
        train(files=files)
