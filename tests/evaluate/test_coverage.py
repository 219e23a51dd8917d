"""Scores of prompts under models whose probabilities are known on paper."""

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from unigram_models import END, VOCABULARY, example, probabilities, save_unigram

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.coverage import SCORES, score_coverage
from wildpaper.train.examples import write_examples

TINY = Path(__file__).resolve().parents[2] / "data/recipes/tiny.yaml"
HEAD = 3

# three prompts of one data set: short, long, cut off; and one of another
SHORT, LONG, CUT = [1, 10, 11, END], [1, 10, 10, 12, 12, 12, END], [1] + [11] * 15
OTHER = [1, 20, 21, 22, 23, END]


def write_prompts(path, prompts):
    with write_examples(path) as writer:
        for number, (tokens, digest) in enumerate(prompts):
            mask = [0] + [1] * (len(tokens) - 1)
            writer.add(10 + number, digest, [example(tokens, mask, 5 * len(tokens))])
    return path


@pytest.fixture
def score(tmp_path):
    recipe = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    recipe["coverage"] |= {"head_tokens": HEAD, "max_length": 16}
    recipe["name"] = "heads"
    (tmp_path / "heads.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    prompts = [
        write_prompts(tmp_path / "dolly.parquet", [(SHORT, 7), (LONG, 2**63 + 5), (CUT, 7)]),
        write_prompts(tmp_path / "alpaca.parquet", [(OTHER, 9)]),
    ]

    def run(models, name="out"):
        out = [tmp_path / name / f"{trained_on}.parquet" for trained_on in models]
        score_coverage(list(models.values()), prompts, tmp_path / "heads.yaml", out,
                       list(models), ["dolly", "alpaca"])  # fmt: skip
        return out

    return run


def rows(path):
    return pq.read_table(path).to_pylist()


def test_sums_are_the_logarithms_of_known_probabilities(score, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3, t11=0.1, t12=0.01, t2=0.2))
    (path,) = score({"wildchat": model})
    short, long, cut, other = rows(path)
    log = math.log
    rest = (1 - 0.3 - 0.1 - 0.01 - 0.2) / (VOCABULARY - 4)
    assert [row["nll_nats"] for row in (short, long, cut, other)] == pytest.approx(
        [-log(0.3 * 0.1), -2 * log(0.3) - 3 * log(0.01), -15 * log(0.1), -4 * log(rest)], rel=1e-5
    )
    ends = [row["nll_end_nats"] for row in (short, long, cut, other)]
    assert ends == pytest.approx([-log(0.2), -log(0.2), 0.0, -log(0.2)], rel=1e-5)
    assert [row["n_end_tokens"] for row in (short, long, cut, other)] == [1, 1, 0, 1]
    assert [row["n_tokens"] for row in (short, long, cut, other)] == [2, 5, 15, 4]
    assert [row["n_characters"] for row in (short, long, cut, other)] == [20, 35, 80, 30]


def test_only_prompts_that_are_long_enough_have_a_beginning(score, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3, t11=0.1, t12=0.01))
    (path,) = score({"wildchat": model})
    short, long, cut, _ = rows(path)
    assert (short["n_head_tokens"], short["head_nats"]) == (0, 0.0)
    assert (long["n_head_tokens"], cut["n_head_tokens"]) == (HEAD, HEAD)
    assert long["head_nats"] == pytest.approx(-2 * math.log(0.3) - math.log(0.01), rel=1e-5)
    assert cut["head_nats"] == pytest.approx(-3 * math.log(0.1), rel=1e-5)


def test_each_model_has_a_file_on_the_prompts_of_every_set(score, tmp_path):
    models = {name: save_unigram(tmp_path / name, probabilities(t10=share))
              for name, share in (("dolly", 0.1), ("alpaca", 0.5))}  # fmt: skip
    one, other = score(models)
    assert pq.read_schema(one).equals(SCORES)
    for path, name in ((one, "dolly"), (other, "alpaca")):
        assert {row["trained_on"] for row in rows(path)} == {name}
        assert [row["evaluated_on"] for row in rows(path)] == ["dolly"] * 3 + ["alpaca"]
        assert {row["n_vocabulary"] for row in rows(path)} == {VOCABULARY}
    # what is scored is the same for both, and equal prompts are known by their number
    about = ("conversation_id", "first_prompt", "n_tokens", "n_characters", "n_head_tokens")
    first, second = ([[row[key] for key in about] for row in rows(path)] for path in (one, other))
    assert first == second
    assert [row["first_prompt"] for row in rows(one)] == [7, 2**63 + 5, 7, 9]
    assert rows(one)[0]["nll_nats"] > rows(other)[0]["nll_nats"]


def test_the_same_bytes_on_a_second_run(score, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3))
    assert score({"a": model}, "one")[0].read_bytes() == score({"a": model}, "two")[0].read_bytes()


def test_prompts_of_another_tokenizer_are_explained(score, tmp_path):
    small = save_unigram(tmp_path / "small", [1 / 12] * 12, vocabulary=12)
    with pytest.raises(WildpaperError, match="knows 12 tokens"):
        score({"a": small})


def test_a_model_that_ends_texts_with_another_token_is_explained(score, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(t10=0.3))
    config = model.parent / "config.json"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"eos_token_id": 2', '"eos_token_id": 3'), encoding="utf-8")
    with pytest.raises(WildpaperError, match="end token of the model"):
        score({"a": model})
