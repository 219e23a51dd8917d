"""Subsets are what they claim to be, and training on them finds what was planted."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from training_data import ROOT, tiny_recipe, write_call

import wildpaper.train.data_size.fine_tune as stage
import wildpaper.train.data_size.subsets as subsets_module
from wildpaper.errors import WildpaperError
from wildpaper.train.data_size.fine_tune import train_data_sizes
from wildpaper.train.data_size.subsets import (
    STRETCH,
    by_rule,
    distinct_shares,
    plan_subsets,
    random_subset,
)
from wildpaper.train.examples import Examples, write_examples
from wildpaper.train.settings import DataSizeSettings, OptimiserSettings, QualityRule
from wildpaper.train.splitting import Example

OPTIMISER = {
    **{"learning_rate": 0.02, "schedule": "cosine", "batch": 4, "micro_batch_tokens": 512},
    "epochs": 1,
}
N_PIECES = 500
ANYTHING = QualityRule(min_reply_tokens=0, min_distinct_share=0, distinct_prompts=False)


def examples_of(rows):
    """Return examples from rows of (conversation, first prompt, prompt tokens, reply tokens)."""
    lengths = [len(asked) + len(reply) for _, _, asked, reply in rows]
    ids = [token for _, _, asked, reply in rows for token in (*asked, *reply)]
    supervised = [is_reply for _, _, asked, reply in rows
                  for is_reply in [False] * len(asked) + [True] * len(reply)]  # fmt: skip
    return Examples(
        np.array([row[0] for row in rows], np.int64), np.ones(len(rows), np.int64),
        np.array([row[1] for row in rows], np.uint64),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.array(ids, np.int32),
        np.array(supervised, np.bool_),
    )  # fmt: skip


@pytest.fixture
def many():
    """Return conversations of one to four examples, of very different lengths."""
    draw = random.Random(5)
    return examples_of([
        (number, number, [1], draw.choices(range(50), k=draw.randint(1, 90)))
        for number in range(300, 420) for _ in range(draw.choice([1, 1, 2, 4]))
    ])  # fmt: skip


def settings(rule=ANYTHING, **changes):
    return DataSizeSettings(optimiser=OptimiserSettings(**OPTIMISER), rule=rule, **changes)


def n_tokens(examples, rows):
    return int(examples.lengths[rows].sum())


def test_growing_subsets_take_one_whole_conversation_after_the_other(many):
    found = [[]]
    while len(found[-1]) < len(many):
        rows = list(random_subset(many, n_tokens(many, found[-1]) + 1, seed=3))
        added = set(rows) - set(found[-1])
        assert set(found[-1]) < set(rows)
        (conversation,) = set(many.conversation_ids[sorted(added)])
        assert added == set(np.flatnonzero(many.conversation_ids == conversation))
        assert rows == sorted(rows)
        found.append(rows)
    assert len(found) == 121
    # any number of tokens gives the smallest of these that has as many
    draw = random.Random(1)
    for wanted in draw.sample(range(1, n_tokens(many, found[-1]) + 1), 50):
        enough = next(rows for rows in found if n_tokens(many, rows) >= wanted)
        assert list(random_subset(many, wanted, seed=3)) == enough


def test_more_tokens_than_there_are_give_all(many):
    assert list(random_subset(many, 10**9, seed=3)) == list(range(len(many)))


def order_of(examples, seed, among=None):
    """Return conversations in the order in which a growing subset takes them."""
    found = []
    total = n_tokens(examples, range(len(examples)) if among is None else among)
    for wanted in range(1, total + 1):
        rows = random_subset(examples, wanted, seed, among)
        found += sorted(set(examples.conversation_ids[rows]) - set(found))
    return found


def test_a_conversation_keeps_its_place_where_others_are_left_out():
    few = examples_of([(n, n, [1], [2] * (n % 5 + 1)) for n in range(12)])
    whole = order_of(few, 8)
    assert sorted(whole) == list(range(12)) != whole
    among = np.array([1, 2, 5, 7, 10, 11])
    assert order_of(few, 8, among) == [n for n in whole if n in set(among)]


def test_every_conversation_has_the_same_chance():
    equal = examples_of([(n, n, [1], [2, 2, 2]) for n in range(12)])
    drawn = Counter(n for seed in range(600) for n in random_subset(equal, 12, seed))
    # 3 of 12: 150 times each, standard deviation 10.6
    assert min(drawn.values()) > 105
    assert max(drawn.values()) < 195
    assert len(drawn) == 12


def reply(n, kind):
    return [5] * n if kind == "same" else [10 + i for i in range(n)]


def test_the_rule_says_why_and_an_example_has_one_reason():
    data = examples_of([
        (0, 70, [1], reply(15, "other")), (1, 71, [1], reply(16, "other")),
        (2, 72, [1], reply(20, "same")), (3, 73, [1], reply(3, "same")),
        (4, 71, [1], reply(30, "other")), (5, 72, [1], reply(30, "other")),
        (5, 72, [1], reply(2, "other")), (5, 72, [1], reply(40, "other")),
        (6, 72, [1], reply(40, "other")),
    ])  # fmt: skip
    rule = QualityRule(min_reply_tokens=16, min_distinct_share=0.3, distinct_prompts=True)
    passed = by_rule(data, rule)
    # conversation 2 has the prompt of 5 but does not pass, so 5 stays, with both its long examples
    assert list(passed.rows) == [1, 5, 7]
    assert passed.left_out == {"short-reply": 3, "repetitive": 1, "repeated-prompt": 2}
    open_rule = rule.model_copy(update={"distinct_prompts": False})
    assert list(by_rule(data, open_rule).rows) == [1, 4, 5, 7, 8]
    assert list(by_rule(data, ANYTHING).rows) == list(range(9))


def slow_share(tokens):
    n_whole = max(len(tokens) // STRETCH, 1)
    parts = [tokens[i * STRETCH : (i + 1) * STRETCH] for i in range(n_whole)]
    return sum(len(set(part)) / len(part) for part in parts) / n_whole if tokens else 1.0


@pytest.mark.parametrize("block", [1, 3, 2000])
def test_distinct_shares_against_a_slow_oracle(monkeypatch, block):
    monkeypatch.setattr(subsets_module, "_BLOCK", block)
    draw = random.Random(9)
    replies = [draw.choices(range(draw.choice([2, 30, 32_000])), k=draw.choice([0, 1, 63, 64, 65,
               127, 128, 400])) for _ in range(60)]  # fmt: skip
    data = examples_of([(i, i, [7] * draw.randint(1, 9), one) for i, one in enumerate(replies)])
    assert distinct_shares(data) == pytest.approx([slow_share(one) for one in replies], abs=1e-12)


def test_a_long_reply_is_not_repetitive_for_being_long():
    draw = random.Random(2)
    data = examples_of([(i, i, [1], draw.choices(range(100), k=n))
                        for i, n in enumerate([64] * 40 + [64 * 25] * 40)])  # fmt: skip
    shares = distinct_shares(data)
    assert np.mean(shares[:40]) == pytest.approx(np.mean(shares[40:]), abs=0.02)


def test_the_rule_goes_as_far_as_it_reaches():
    # of 100 tokens, 60 are in replies that pass
    data = examples_of([(n, n, [1], reply(9, "other" if n < 6 else "same")) for n in range(10)])
    rule = ANYTHING.model_copy(update={"min_distinct_share": 0.5})
    plan, passed = plan_subsets(data, settings(rule, shares=(0.2, 0.5, 1.0)), seed=1)
    found = {one.name: n_tokens(data, one.rows) for one in plan}
    assert found == {"random-20": 20, "random-50": 50, "random-100": 100, "rule-20": 20,
                     "rule-50": 50, "rule-all": 60}  # fmt: skip
    assert [one.share for one in plan] == [0.2, 0.5, 1.0, 0.2, 0.5, 0.6]
    rows = {one.name: set(one.rows) for one in plan}
    assert rows["rule-20"] < rows["rule-50"] < rows["rule-all"] == set(range(6))
    assert set(passed.rows) == rows["rule-all"]


def test_fewer_tokens_than_there_are_may_be_all_that_a_share_stands_for():
    data = examples_of([(n, n, [1], reply(9, "other")) for n in range(10)])
    plan, _ = plan_subsets(data, settings(shares=(0.125, 1.0), max_tokens=40), seed=1)
    assert [(one.name, n_tokens(data, one.rows)) for one in plan] == [
        ("random-12-5", 10), ("random-100", 40), ("rule-12-5", 10), ("rule-100", 40)]  # fmt: skip
    # a rule that everything passes changes nothing
    assert [list(one.rows) for one in plan[:2]] == [list(one.rows) for one in plan[2:]]


def test_a_rule_that_nothing_passes_leaves_the_random_subsets():
    data = examples_of([(n, n, [1], reply(9, "same")) for n in range(10)])
    plan, passed = plan_subsets(data, settings(QualityRule()), seed=1)
    assert {one.selection for one in plan} == {"random"}
    assert passed.left_out == {"short-reply": 10, "repetitive": 0, "repeated-prompt": 0}


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
