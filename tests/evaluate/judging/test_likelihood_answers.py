"""The likelihood stand-in for a judge, against models whose probabilities are known on paper."""

import json
import math
from collections import Counter

import pyarrow.parquet as pq
import pytest
import yaml
from judge_asking import answer, question, write_lines
from tokenizers import Tokenizer, models, pre_tokenizers
from unigram_models import END, VOCABULARY, probabilities, save_unigram

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.judging.judgments import JUDGMENTS
from wildpaper.evaluate.judging.likelihood import grade_of, judge_answers_by_likelihood
from wildpaper.evaluate.judging.spoken import Spoken, encode_spoken
from wildpaper.train.recipe import load_recipe
from wildpaper.train.template import load_template

WORDS = {"<unk>": 0, "<s>": 1, "</s>": END, "red": 10, "blue": 11, "green": 12}
WORDS |= {f"unused{i}": i for i in range(VOCABULARY) if i not in WORDS.values()}
N_PIECES = VOCABULARY
SHARES = {"t2": 0.2, "t10": 0.3, "t11": 0.1, "t12": 0.01}


@pytest.fixture
def tokenizer(tmp_path):
    path = tmp_path / "tokenizer.json"
    made = Tokenizer(models.WordLevel(WORDS, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(path))
    return path


@pytest.fixture
def tiny(project):
    return project / "data/recipes/tiny.yaml"


@pytest.fixture
def judge(tmp_path, tokenizer, tiny):
    def run(said, scorers, *, recipe=tiny, pairs=(), n_questions=1, **options):
        asked = write_lines(tmp_path / "q.jsonl", [question(i + 1) for i in range(n_questions)])
        files = [
            write_lines(
                tmp_path / f"{name}.jsonl",
                [answer(i, name, *turns) for i, turns in by_question.items()],
            )
            for name, by_question in said.items()
        ]
        out, report = tmp_path / "j.parquet", tmp_path / "r.json"
        judge_answers_by_likelihood(
            asked, files, list(scorers.values()), recipe, tokenizer, out, report,
            names=list(said), scorers=list(scorers), pairs=pairs, **options,
        )  # fmt: skip
        return pq.read_table(out), json.loads(report.read_text())

    return run


def nats(*tokens, shares=SHARES):
    return -sum(math.log(shares[f"t{t}"]) for t in tokens) / len(tokens)


def test_a_grade_falls_with_the_mean_from_certainty_to_a_uniform_guess(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(**SHARES))
    table, report = judge(
        {"a": {1: ("red blue", "green")}, "b": {1: ("", "red red")}}, {"m": model}
    )
    assert table.schema.equals(JUDGMENTS)
    found = {(r["first"], r["turn"]): r["grade"] for r in table.to_pylist()}
    wanted = {
        ("a", 1): nats(10, 11, END), ("a", 2): nats(12, END),
        ("b", 1): nats(END), ("b", 2): nats(10, 10, END),
    }  # fmt: skip
    assert found == pytest.approx(
        {k: 10 - 9 * v / math.log(N_PIECES) for k, v in wanted.items()}, rel=1e-5
    )
    assert grade_of(0, N_PIECES) == 10
    assert grade_of(math.log(N_PIECES), N_PIECES) == grade_of(99, N_PIECES) == 1
    assert {(r["judge"], r["route"], r["outcome"]) for r in table.to_pylist()} == {
        ("likelihood", "likelihood", "parsed")
    }
    assert [r["n_answer_characters"] for r in table.to_pylist()] == [8, 0, 5, 7]
    assert (report["answers"], report["tokens"], report["scorers"]) == (4, 3 + 2 + 1 + 3, ["m"])
    assert (report["n_prompts_cut"], report["n_answers_cut"]) == (0, 0)


def test_scorers_count_alike(judge, tmp_path):
    one, other = SHARES, SHARES | {"t10": 0.02, "t2": 0.4}
    scorers = {
        name: save_unigram(tmp_path / name, probabilities(**shares))
        for name, shares in (("one", one), ("other", other))
    }
    table, _ = judge({"a": {1: ("red", "blue")}}, scorers)
    means = [(nats(t, END, shares=one) + nats(t, END, shares=other)) / 2 for t in (10, 11)]
    assert table["grade"].to_pylist() == pytest.approx(
        [grade_of(m, N_PIECES) for m in means], rel=1e-5
    )


def test_the_likelier_answer_wins_in_both_orders_and_near_ones_tie(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(**SHARES))
    said = {
        "a": {1: ("red", "blue"), 2: ("green", "red")},
        "b": {1: ("blue", "red"), 2: ("red", "red")},
    }
    table, _ = judge(said, {"m": model}, pairs=[("a", "b")], n_questions=2)
    pairs = [row for row in table.to_pylist() if row["kind"] == "pair"]
    assert [(r["question_id"], r["turn"], r["swapped"], r["winner"]) for r in pairs] == [
        (number, turn, swapped, winner)
        for number, turn, winner in (
            (1, 1, "first"), (1, 2, "second"), (2, 1, "second"), (2, 2, "tie"),
        )
        for swapped in (False, True)
    ]  # fmt: skip
    table, _ = judge(said, {"m": model}, pairs=[("a", "b")], n_questions=2, margin_nats=9.0)
    assert {row["winner"] for row in table.to_pylist() if row["kind"] == "pair"} == {"tie"}
    assert {row["grade"] for row in table.to_pylist() if row["kind"] == "pair"} == {None}


def test_variants_are_scored_and_repetitions_equal(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(**SHARES))
    said = {"a": dict.fromkeys((1, 2), ("red red", "blue"))}
    table, report = judge(said, {"m": model}, n_questions=2, robustness_questions=1, repeats=2)
    rows = table.to_pylist()
    assert len(rows) == 4 + 5
    grades = {(row["variant"], row["repeat"]): row["grade"] for row in rows if row["turn"] == 1}
    assert grades["repeated", 1] == grades["repeated", 2] == grades["plain", 0]
    assert grades["padded", 0] < grades["plain", 0]
    assert report["answers"] == 2 * 2 + 3


def test_answers_that_are_not_there_are_told(judge, tmp_path):
    model = save_unigram(tmp_path / "m", probabilities(**SHARES))
    said = {"a": {1: ("red", "blue"), 2: ("red", "blue")}, "b": {2: ("red", "blue")}}
    table, report = judge(said, {"m": model}, pairs=[("a", "b")], n_questions=2)
    assert Counter(row["outcome"] for row in table.to_pylist()) == {"parsed": 10, "no-answer": 6}
    assert report["outcomes"]["pair"] == {"parsed": 4, "no-answer": 4}


def test_a_pretrained_base_scores_too(judge, tmp_path, tiny):
    model = save_unigram(tmp_path / "m", probabilities(**SHARES))
    save_unigram(tmp_path / "b", probabilities(**SHARES))
    settings = yaml.safe_load(tiny.read_text(encoding="utf-8")) | {"base": str(tmp_path / "b")}
    settings.pop("architecture")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(settings), encoding="utf-8")
    table, report = judge({"a": {1: ("red", "red")}}, {"m": model}, recipe=recipe)
    assert report["scorers"] == ["m", "base"]
    assert table["grade"].to_pylist() == pytest.approx(
        [grade_of(nats(10, END), N_PIECES)] * 2, rel=1e-5
    )


def test_without_a_scorer_there_is_no_judge(judge):
    with pytest.raises(WildpaperError, match="no model to score"):
        judge({"a": {1: ("red", "blue")}}, {})


def test_prompts_and_answers_stand_as_in_training(tokenizer, tiny):
    template = load_template(load_recipe(tiny).data, tokenizer)
    asked = (("user", "red"), ("assistant", "blue"), ("user", "green"))
    data, cut = encode_spoken([Spoken(asked, "red blue")], template, 500)
    exchanges, _ = template.exchanges([*asked, ("assistant", "red blue")])
    whole = list(template.header)
    for exchange in exchanges:
        whole += [*exchange[0].prompt, *exchange[0].reply, END]
    ids, supervised = data.one(0)
    assert ids.tolist() == whole
    assert ids[supervised].tolist() == [10, 11, END]
    assert supervised[-3:].all()
    assert not supervised[:-3].any()
    assert (cut.n_prompts_cut, cut.n_answers_cut) == (0, 0)


@pytest.mark.parametrize(
    ("n_prompt", "n_answer", "n_before", "n_reply"),
    [(2, 5, 6, 6), (50, 5, 14, 6), (2, 50, 6, 14), (50, 50, 10, 10), (9, 50, 10, 10)],
)
def test_what_does_not_fit_is_cut_in_front_and_behind(
    tokenizer, tiny, n_prompt, n_answer, n_before, n_reply
):
    template = load_template(load_recipe(tiny).data, tokenizer)
    spoken = Spoken((("user", "red " * n_prompt),), "blue " * n_answer)
    n_header = len(template.header)
    data, cut = encode_spoken([spoken], template, n_header + 20)
    ids, supervised = data.one(0)
    assert ids[:n_header].tolist() == template.header
    assert (len(ids) - n_header - supervised.sum(), supervised.sum()) == (n_before, n_reply)
    # USER : … ASSISTANT : are four tokens more than the prompt has, the end token is one
    assert cut.n_prompts_cut == (n_before < n_prompt + 4)
    assert cut.n_answers_cut == (n_reply < n_answer + 1)
    assert (ids[-1] == END) == (not cut.n_answers_cut)


def test_a_header_without_room_is_told(tokenizer, tiny):
    template = load_template(load_recipe(tiny).data, tokenizer)
    with pytest.raises(WildpaperError, match="no room"):
        encode_spoken([], template, len(template.header) + 1)
