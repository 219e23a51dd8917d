"""Training on one subset after the other finds what was planted, and goes on where it was."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from training_data import ROOT, tiny_recipe, write_call

import wildpaper.train.data_size.fine_tune as stage
from wildpaper.errors import WildpaperError
from wildpaper.train.data_size.fine_tune import some_conversations, train_data_sizes
from wildpaper.train.examples import read_examples, write_examples
from wildpaper.train.splitting import Example

OPTIMISER = {
    **{"learning_rate": 0.02, "schedule": "cosine", "batch": 4, "micro_batch_tokens": 512},
    "epochs": 1,
}
N_PIECES = 500

# Replies follow one cycle of tokens, with a slip now and then; poor ones say one token over
# and over. Who learns from poor replies expects repetition where there is none.
CYCLE = random.Random(1).sample(range(3, N_PIECES), 40)


def talk(draw, poor):
    at = draw.randrange(len(CYCLE))
    found = []
    for _ in range(draw.randint(20, 60)):
        found.append(CYCLE[at % len(CYCLE)])
        at += (not poor) * draw.choice([1, 1, 1, 1, 1, 1, 1, 7])
    example = Example([1, *draw.choices(range(3, N_PIECES), k=3), *found])
    example.supervised[4:] = [True] * len(found)
    return example


def write_talks(paths, first, talks):
    """Write conversations numbered from `first`, spread over files."""
    for shard, path in enumerate(paths):
        with write_examples(path) as file:
            for number, one in enumerate(talks):
                if number % len(paths) == shard:
                    file.add(first + number, first + number, [one])


def files(folder, n_shards=1):
    """Write training examples, half of them poor, and held-out ones, all clean."""
    draw = random.Random(11)
    train = [talk(draw, poor=number % 2 == 0) for number in range(240)]
    held = [talk(draw, poor=False) for _ in range(40)]
    found = {}
    for name, first, talks in (("examples", 0, train), ("held_out", 1_000, held)):
        found[name] = [folder / f"{name}-{shard}.parquet" for shard in range(n_shards)]
        write_talks(found[name], first, talks)
    return found


def recipe(path, shares=(0.25, 1.0), **optimiser):
    section = {"optimiser": OPTIMISER | optimiser, "shares": list(shares),
               "rule": {"min_reply_tokens": 8, "min_distinct_share": 0.3}}  # fmt: skip
    return tiny_recipe(path, architecture__hidden_size=32, data_size=section)


def brief(path):
    """Write a recipe for two subsets and a step or two on each."""
    return recipe(path, shares=[1.0], batch=150)


def given(out, data, path, tokenizer):
    return {**data, "recipe": path, "tokenizer": tokenizer, "seed": 3,
            "losses": out / "losses.parquet", "report": out / "report.json"}  # fmt: skip


def content(out):
    return (out / "losses.parquet").read_bytes(), (out / "report.json").read_bytes()


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Write a tokenizer of few pieces: a model of few pieces trains in no time."""
    pieces = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"w{i}": i for i in range(3, N_PIECES)}}
    found = Tokenizer(WordLevel(pieces, unk_token="<unk>"))
    found.pre_tokenizer = Whitespace()
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.json"
    found.save(str(path))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tokenizer):
    """What comes out when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("whole")
    out = folder / "out"
    train_data_sizes(**given(out, files(folder), recipe(folder / "small.yaml"), tokenizer))
    return out


def means(out):
    rows = pq.read_table(out / "losses.parquet").to_pandas()
    sums = rows.groupby(["selection", "size"], sort=False)[["nll_nats", "n_supervised"]].sum()
    return {"-".join(name): nats / n for name, nats, n in sums.itertuples()}


def test_the_rule_finds_the_clean_half_and_learns_more_from_as_many_tokens(trained):
    found = means(trained)
    assert found["rule-25"] < found["random-25"] - 0.1
    report = json.loads((trained / "report.json").read_text())
    assert report["rule"]["left_out"]["repetitive"] == 120
    assert report["rule"]["n_examples"] == 120


def test_more_data_lowers_the_loss_of_either_selection(trained):
    found = means(trained)
    assert found["random-25"] > found["random-100"] + 0.1
    assert found["rule-25"] > found["rule-all"] + 0.1


def test_every_subset_is_asked_about_the_same_held_out_replies(trained):
    rows = pq.read_table(trained / "losses.parquet").to_pandas()
    parts = [part for _, part in rows.groupby(["selection", "size"], sort=False)]
    assert len(parts) == 4
    for part in parts:
        assert list(part["conversation_id"]) == list(range(1_000, 1_040))
        assert list(part["n_supervised"]) == list(parts[0]["n_supervised"])
    report = json.loads((trained / "report.json").read_text())
    assert report["held_out"]["n_supervised_tokens"] == parts[0]["n_supervised"].sum()
    assert [(one["selection"], one["size"], one["n_tokens"]) for one in report["subsets"]] == [
        (part["selection"].iloc[0], part["size"].iloc[0], part["n_tokens"].iloc[0])
        for part in parts
    ]
    assert all(one["epochs"] == 1 for one in report["subsets"])


def test_held_out_conversations_are_drawn_whole_and_by_the_seed(tmp_path):
    path = tmp_path / "held.parquet"
    with write_examples(path) as apart:
        for number in range(30):
            apart.add(number, number, [Example([number, 1]), Example([number, 2])])
    data = read_examples(path)
    some = some_conversations(data, 10, 7)
    assert len(some) == 20
    drawn = set(some.conversation_ids.tolist())
    assert len(drawn) == 10
    assert set(some_conversations(data, 11, 7).conversation_ids.tolist()) > drawn
    assert set(some_conversations(data, 10, 8).conversation_ids.tolist()) != drawn
    assert len(some_conversations(data, None, 7)) == len(some_conversations(data, 30, 7)) == 60


def test_nothing_but_the_results_is_left_and_no_time_is_in_them(trained):
    assert sorted(path.name for path in trained.iterdir()) == ["losses.parquet", "report.json"]
    text = (trained / "report.json").read_text()
    assert "second" not in text
    assert str(ROOT) not in text


def test_the_bytes_depend_on_the_seed_and_not_on_shards(tmp_path, tokenizer):
    found = {}
    for n_shards, seed in ((1, 3), (3, 3), (3, 4)):
        folder = tmp_path / f"{n_shards}-{seed}"
        folder.mkdir()
        arguments = given(folder / "out", files(folder, n_shards), brief(folder / "small.yaml"),
                          tokenizer)  # fmt: skip
        train_data_sizes(**{**arguments, "seed": seed})
        found[n_shards, seed] = content(folder / "out")
    assert found[1, 3] == found[3, 3] != found[3, 4]


def watched(monkeypatch):
    """Return a list that gets the name of each training."""
    names = []
    real = stage.fit

    def fit(*arguments):
        names.append(arguments[5])
        return real(*arguments)

    monkeypatch.setattr(stage, "fit", fit)
    return names


def test_killed_it_trains_the_rest_alone_and_gives_the_same_bytes(
    trained, tmp_path, tokenizer, monkeypatch
):
    out = tmp_path / "out"
    path = recipe(tmp_path / "small.yaml")
    arguments = given(out, files(tmp_path), path, tokenizer)
    call = write_call(tmp_path / "call.json", arguments, f"{stage.__name__}:train_data_sizes")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen([sys.executable, "-m", "wildpaper.train.worker", str(call)],
                               env=environment, stderr=subprocess.PIPE, text=True)  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(out.glob("data-size-*/random-100.parquet")):
        assert process.poll() is None, process.stderr.read()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (out / "losses.parquet").exists()
    done = {path.stem for path in out.glob("data-size-*/*.parquet")}
    names = watched(monkeypatch)
    train_data_sizes(**arguments)
    assert {"random-25", "random-100"} <= done
    assert names == [name for name in ("rule-25", "rule-all") if name not in done]
    assert content(out) == content(trained)


def test_what_another_recipe_left_is_not_taken_up(tmp_path, tokenizer, monkeypatch):
    out = tmp_path / "out"
    arguments = given(out, files(tmp_path), brief(tmp_path / "small.yaml"), tokenizer)
    names = watched(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_json", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_data_sizes(**arguments)
    assert len(list(out.glob("data-size-*/*.parquet"))) == len(names) == 2
    recipe(tmp_path / "small.yaml", shares=[1.0], batch=150, learning_rate=0.01)
    train_data_sizes(**arguments)
    assert len(names) == 4
    assert not list(out.glob("data-size-*"))


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("lacking", "said"),
    [("examples", "no example to train on"), ("held_out", "no held-out example")],
)
def test_nothing_to_train_or_to_ask_about_is_an_error(tmp_path, tokenizer, lacking, said):
    data = files(tmp_path)
    write_talks(data[lacking], 0, [])
    with pytest.raises(WildpaperError, match=said):
        train_data_sizes(**given(tmp_path / "out", data, recipe(tmp_path / "small.yaml"),
                                 tokenizer))  # fmt: skip


def test_a_recipe_without_the_section_says_so(tmp_path, tokenizer):
    path = tiny_recipe(tmp_path / "small.yaml", data_size=None)
    with pytest.raises(WildpaperError, match="compares no sizes"):
        train_data_sizes(**given(tmp_path / "out", files(tmp_path), path, tokenizer))
