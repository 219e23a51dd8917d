"""The likelihood stand-in judge, against models whose probabilities are known on paper."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from transformers import LlamaConfig, LlamaForCausalLM
from unigram_models import END, VOCABULARY, example, probabilities, save_unigram, write_tokenizer

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.likelihood import judge_likelihood
from wildpaper.evaluate.scores import SCORES, VERDICTS, judge_pair
from wildpaper.train.examples import write_examples

TINY = Path(__file__).resolve().parents[2] / "data/recipes/tiny.yaml"


@pytest.fixture
def held_out(tmp_path):
    """Three conversations; the second has two examples, the third an empty reply."""
    path = tmp_path / "held.parquet"
    with write_examples(path) as writer:
        writer.add(4, 0, [example([1, 7, 10, 11, END], [0, 0, 1, 1, 1], 9)])
        writer.add(6, 0, [example([1, 8, 10, END, 9, 11, END], [0, 0, 1, 1, 0, 1, 1], 5),
                       example([1, 8, 12, 12, 12], [0, 0, 1, 1, 1], 6)])  # fmt: skip
        writer.add(9, 0, [example([1, 7, END], [0, 0, 1], 0)])
    return path


@pytest.fixture
def judge(tmp_path, held_out):
    tokenizer = write_tokenizer(tmp_path / "tokenizer.json")

    def run(models, *examples, name="out", recipe=TINY, **options):
        folder = tmp_path / name
        out = [folder / "scores.parquet", folder / "verdicts.parquet"]
        shards = list(examples or [held_out])
        judge_likelihood(list(models.values()), shards, recipe, tokenizer, *out,
                         names=list(models), **options)  # fmt: skip
        return out

    return run


def rows(path):
    return pq.read_table(path).to_pylist()


def test_a_uniform_model_is_surprised_by_the_logarithm_of_the_vocabulary(judge, tmp_path):
    model = save_unigram(tmp_path / "u", [1 / VOCABULARY] * VOCABULARY)
    scores, verdicts = judge({"uniform": model})
    nats = math.log(VOCABULARY)
    counts = [(r["conversation_id"], r["n_tokens"], r["n_end_tokens"], r["n_characters"])
              for r in rows(scores)]  # fmt: skip
    assert counts == [(4, 2, 1, 9), (6, 5, 2, 11), (9, 0, 1, 0)]
    for row in rows(scores):
        assert row["nll_nats"] == pytest.approx(row["n_tokens"] * nats, rel=1e-6)
        assert row["nll_end_nats"] == pytest.approx(row["n_end_tokens"] * nats, rel=1e-6)
    assert rows(verdicts) == []


def test_scores_are_the_logarithms_of_known_probabilities(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3, t11=0.1, t12=0.01, t2=0.2))
    scores, _ = judge({"m": model})
    log = math.log
    assert [row["nll_nats"] for row in rows(scores)] == pytest.approx(
        [-log(0.3) - log(0.1), -log(0.3) - log(0.1) - 3 * log(0.01), 0.0], rel=1e-5
    )
    assert [row["nll_end_nats"] for row in rows(scores)] == pytest.approx(
        [-log(0.2), -2 * log(0.2), -log(0.2)], rel=1e-5
    )


def test_the_model_that_expects_the_replies_wins_and_swapping_turns_it_round(judge, tmp_path):
    good = save_unigram(tmp_path / "good", probabilities(t10=0.3, t11=0.3))
    bad = save_unigram(tmp_path / "bad", probabilities(t12=0.9))
    _, forth = judge({"good": good, "bad": bad}, name="forth")
    _, back = judge({"bad": bad, "good": good}, name="back")
    # conversation 6 is mostly token 12, which the other model expects
    assert [row["verdict"] for row in rows(forth)] == ["win", "loss", "win"]
    assert [row["verdict"] for row in rows(back)] == ["loss", "win", "loss"]
    assert {(row["first"], row["second"]) for row in rows(back)} == {("bad", "good")}
    _, wide = judge({"good": good, "bad": bad}, name="wide", margin_nats=100.0)
    assert {row["verdict"] for row in rows(wide)} == {"tie"}


def test_three_models_make_three_pairs(judge, tmp_path):
    models = {
        name: save_unigram(tmp_path / name, probabilities(t10=share))
        for name, share in (("a", 0.1), ("b", 0.2), ("c", 0.3))
    }
    scores, verdicts = judge(models)
    assert len(rows(scores)) == 9
    pairs = [(row["first"], row["second"]) for row in rows(verdicts)]
    assert list(dict.fromkeys(pairs)) == [("a", "b"), ("a", "c"), ("b", "c")]


def scores_of(name, means, n_tokens=10):
    """Return scores in which the mean over all tokens, end tokens included, is given."""
    n = len(means)
    columns = {
        "model": [name] * n, "conversation_id": list(range(n)), "n_tokens": [n_tokens - 1] * n,
        "n_end_tokens": [1] * n, "n_characters": [30] * n,
        "nll_nats": [mean * n_tokens - 1.0 for mean in means], "nll_end_nats": [1.0] * n,
    }  # fmt: skip
    return pa.table(columns, schema=SCORES)


def test_the_margin_itself_is_a_tie():
    first = scores_of("a", [2.0, 2.0, 2.0, 2.0, 2.0])
    second = scores_of("b", [2.05, 2.0501, 1.95, 1.9499, 2.0])
    verdicts = judge_pair(first, second, 0.05)
    assert verdicts.schema.equals(VERDICTS)
    assert verdicts["verdict"].to_pylist() == ["tie", "win", "tie", "loss", "tie"]


def test_a_conversation_scores_the_same_in_any_company(judge, tmp_path, held_out):
    torch.manual_seed(1)
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2}
    net = LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, num_attention_heads=1, **shape))
    net.save_pretrained(tmp_path / "net")
    generator = np.random.default_rng(3)
    crowd = tmp_path / "crowd.parquet"
    with write_examples(crowd) as writer:
        for i in range(4):
            ids = [1, *generator.integers(3, VOCABULARY, 300).tolist()]
            writer.add(i, 0, [example(ids, [0] + [1] * 300, 5)])
        writer.add(4, 0, [example([1, 7, 10, 11, END], [0, 0, 1, 1, 1], 9)])
    model = {"net": tmp_path / "net" / "model.safetensors"}
    alone, _ = judge(model, name="alone")
    among, _ = judge(model, crowd, name="among")
    (one,) = [row for row in rows(alone) if row["conversation_id"] == 4]
    (other,) = [row for row in rows(among) if row["conversation_id"] == 4]
    assert one.pop("model") == other.pop("model") == "net"
    assert other == pytest.approx(one, rel=1e-5)


def test_the_same_bytes_on_a_second_run_and_no_tokens_in_them(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3))
    first, second = (judge({"m": model, "n": model}, name=name) for name in ("one", "two"))
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert pq.read_schema(first[0]).equals(SCORES)
    assert pq.read_schema(first[1]).equals(VERDICTS)


def test_what_cannot_be_judged_is_explained(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3))
    empty = tmp_path / "empty.parquet"
    with write_examples(empty):
        pass
    with pytest.raises(WildpaperError, match="no held-out conversation"):
        judge({"m": model}, empty)
    with pytest.raises(WildpaperError, match="Cannot load the model"):
        judge({"m": tmp_path / "none" / "model.safetensors"})
    small = save_unigram(tmp_path / "small", [1 / 12] * 12, vocabulary=12)
    with pytest.raises(WildpaperError, match="knows 12 tokens"):
        judge({"small": small})


def base_recipe(path, base):
    """Write a recipe that tunes a pretrained base."""
    recipe = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    del recipe["architecture"]
    recipe |= {"name": path.stem, "base": str(base)}
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


@pytest.mark.parametrize("relative", [False, True])
def test_a_pretrained_base_is_judged_beside_the_models(judge, tmp_path, monkeypatch, relative):
    base = save_unigram(tmp_path / "before", probabilities(t10=0.1)).parent
    tuned = save_unigram(tmp_path / "after", probabilities(t10=0.4))
    monkeypatch.chdir(tmp_path)
    recipe = base_recipe(tmp_path / "r.yaml", "before" if relative else base)
    scores, verdicts = judge({"tuned": tuned}, recipe=recipe)
    assert [row["model"] for row in rows(scores)] == ["tuned"] * 3 + ["base"] * 3
    assert {(row["first"], row["second"]) for row in rows(verdicts)} == {("tuned", "base")}
    one, other = (next(r for r in rows(scores) if r["model"] == m) for m in ("base", "tuned"))
    # token 10 occurs once in it, the other tokens share what is left
    fell = math.log(0.4 / 0.1) + math.log((1 - 0.4) / (1 - 0.1))
    assert one["nll_nats"] - other["nll_nats"] == pytest.approx(fell, rel=1e-4)


def test_end_tokens_are_those_of_the_template(judge, tmp_path, held_out):
    tokenizer = tmp_path / "tokenizer.json"
    text = tokenizer.read_text(encoding="utf-8")
    moved = text.replace('"</s>":2', '"</s>":11').replace('"</s>": 2', '"</s>": 11')
    assert moved != text
    tokenizer.write_text(moved, encoding="utf-8")
    model = save_unigram(tmp_path / "m", probabilities(t11=0.3))
    scores, _ = judge({"m": model})
    assert [(row["n_tokens"], row["n_end_tokens"]) for row in rows(scores)] == [
        (2, 1), (6, 1), (1, 0)
    ]  # fmt: skip


def test_shards_make_no_difference(judge, tmp_path, held_out):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3))
    parts = []
    for name, listed in (("late", [(9, [1, 7, END], [0, 0, 1], 0)]),
                         ("early", [(4, [1, 7, 10, 11, END], [0, 0, 1, 1, 1], 9)])):  # fmt: skip
        parts.append(tmp_path / f"{name}.parquet")
        with write_examples(parts[-1]) as writer:
            for number, *rest in listed:
                writer.add(number, 0, [example(*rest)])
    forth, back = (judge({"m": model}, *p, name=n) for n, p in (("a", parts), ("b", parts[::-1])))
    assert [path.read_bytes() for path in forth] == [path.read_bytes() for path in back]
    assert [row["conversation_id"] for row in rows(forth[0])] == [4, 9]


def test_a_gpu_that_is_not_there_is_explained(judge, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3))
    with pytest.raises(WildpaperError, match="no GPU"):
        judge({"m": model}, device="cuda")
