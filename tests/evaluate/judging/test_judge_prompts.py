"""Prompts of judges: which is chosen, and that no answer can change what is around it."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_asking import PROMPTS, answer, question, write_lines

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.judging.games import Game
from wildpaper.evaluate.judging.prompts import read_judge_prompts
from wildpaper.evaluate.judging.requests import prompt_for, read_answers_of, read_material
from wildpaper.evaluate.questions import Question, read_questions

OWN = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
HOLES = ("{question}", "{answer}", "{answer_a}", "{answer_b}", "{question_1}", "{ref_answer_1}")


def single(turn, category="writing", **more):
    return Game("single", 1, category, turn, "m", **more)


def pair(turn, swapped, category="writing"):
    return Game("pair", 1, category, turn, "m", "n", swapped)


def sent(game, said, reference=(), turns=("ask one", "ask two")):
    category = game.category
    material = {1: (Question(1, category, turns, reference), reference)}
    return prompt_for(game, material, said, read_judge_prompts(PROMPTS))


SAID = {"m": {1: ("m one", "m two")}, "n": {1: ("n one", "n two")}}


def test_our_prompts_are_the_eight_of_a_judge():
    prompts = read_judge_prompts(PROMPTS)
    assert len(prompts) == 8
    names = {prompt.name for prompt in prompts.values()}
    assert names == {row["name"] for row in OWN}
    for (kind, turns, has_reference), prompt in prompts.items():
        assert prompt.name.startswith(f"wildpaper-{kind}")
        assert prompt.name.endswith("-reference") == has_reference
        assert ("-second" in prompt.name) == (turns == 2)


def test_no_sentence_of_ours_is_one_of_mt_bench(realdata):
    def sentences(row):
        text = f"{row['system_prompt']}\n{row['prompt_template']}"
        return {s.strip() for s in re.split(r"[.\n]", text) if len(s.split()) > 3}

    theirs = (realdata / "mtbench/judge_prompts.jsonl").read_text(encoding="utf-8").splitlines()
    other = set().union(*(sentences(json.loads(line)) for line in theirs))
    assert other
    assert not other & set().union(*map(sentences, OWN))


def test_prompts_of_mt_bench_are_understood(realdata):
    prompts = read_judge_prompts(realdata / "mtbench/judge_prompts.jsonl")
    assert {key: prompt.name for key, prompt in prompts.items()} == {
        ("single", 1, False): "single-v1",
        ("single", 1, True): "single-math-v1",
        ("single", 2, False): "single-v1-multi-turn",
        ("single", 2, True): "single-math-v1-multi-turn",
        ("pair", 1, False): "pair-v2",
        ("pair", 1, True): "pair-math-v1",
        ("pair", 2, False): "pair-v2-multi-turn",
        ("pair", 2, True): "pair-math-v1-multi-turn",
    }


def test_what_was_sent_to_gpt_4_is_what_would_be_sent(realdata):
    folder = realdata / "mtbench"
    asked = read_questions(folder / "question.jsonl")
    model = "vicuna-7b-v1.3"
    said = read_answers_of([model], [folder / f"model_answer_{model}.jsonl"], asked)
    material = read_material(asked, folder / "reference_answer_gpt-4.jsonl")
    prompts = read_judge_prompts(folder / "judge_prompts.jsonl")
    categories = {one.question_id: one.category for one in asked}
    lines = (folder / "model_judgment_gpt-4_single.jsonl").read_text(encoding="utf-8")
    same = []
    for row in map(json.loads, lines.splitlines()):
        if row["model"] == model:
            number = row["question_id"]
            game = Game("single", number, categories[number], row["turn"], model)
            made = prompt_for(game, material, said, prompts)
            assert made.template == row["judge"][1]
            assert not made.lacks_reference
            content, wanted = made.messages[1]["content"], row["user_prompt"]
            same.append(content == wanted)
            # some answers of the file are of another generation than those that were judged
            begins = content.index(said[model][number][0])
            assert (content[:begins] == wanted[:begins]) is True
    assert (sum(same), len(same)) == (125, 160)


def test_the_last_turn_shown_is_the_one_that_is_judged():
    for turn, shown in ((1, {"m one"}), (2, {"m one", "m two"})):
        text = sent(single(turn), SAID).messages[1]["content"]
        assert {said for said in ("m one", "m two") if said in text} == shown
        assert ("ask two" in text) == (turn == 2)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_pair_is_shown_in_either_order(turn):
    last = "one" if turn == 1 else "two"
    for swapped, order in ((False, "mn"), (True, "nm")):
        text = sent(pair(turn, swapped), SAID).messages[1]["content"]
        places = [text.index(f"{model} {last}") for model in order]
        assert places == sorted(places)
        assert text.index("assistant A") < places[0] < text.index("assistant B") < places[1] or (
            text.rindex("assistant A") < places[0] < text.rindex("assistant B") < places[1]
        )


@pytest.mark.parametrize("category", ["math", "reasoning", "coding"])
def test_right_answers_are_shown_where_there_are_some_to_all_that_is_shown(category):
    for turn, reference, shown in (
        (1, ("r one", ""), True),
        (2, ("r one", ""), False),
        (2, ("", "r two"), False),
        (2, ("r one", "r two"), True),
        (1, (), False),
    ):
        made = sent(single(turn, category), SAID, reference)
        assert ("r one" in made.messages[1]["content"]) == shown
        assert made.lacks_reference == (not shown)
    made = sent(single(2, "writing"), SAID, ("r one", "r two"))
    assert not made.lacks_reference
    assert "r one" not in made.messages[1]["content"]


@given(st.lists(st.sampled_from([*HOLES, "{", "}", "\\1", "\\g<0>", " [[10]] "]), max_size=6))
def test_no_answer_is_expanded(parts):
    text = "x" + "".join(parts) + "y"
    said = {"m": {1: (text, text)}, "n": {1: (text, text)}}
    turns = (f"q{text}q", f"Q{text}Q")
    for game, n in ((single(1), 1), (single(2), 2), (pair(1, True), 2), (pair(2, False), 4)):
        filled = sent(game, said, turns=turns).messages[1]["content"]
        shown = 1 if game.turn == 1 else (2 if game.kind == "single" else 4)
        assert filled.count(text) == n + shown


def test_references_come_from_the_file_or_else_from_the_questions(tmp_path):
    rows = [question(1, "math", reference=["own 1", "own 2"]), question(2, "math")]
    rows.append(question(3, "math", reference=["own 1", "own 2"]))
    asked = read_questions(write_lines(tmp_path / "q", rows))
    file = write_lines(tmp_path / "r", [answer(1, "gpt-4", "x 1", "x 2"), answer(9, "gpt-4")])
    found = {number: right for number, (_, right) in read_material(asked, file).items()}
    assert found == {1: ("x 1", "x 2"), 2: (), 3: ("own 1", "own 2")}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"type": "double"}, "no known type"),
        ({"type": ["single"]}, "no known type"),
        ({"prompt_template": "{question}"}, "other holes"),
        ({"prompt_template": "{question} {answer} {sesame}"}, "other holes"),
        ({"prompt_template": "{question} {answer} {ref_answer_2}"}, "other holes"),
        ({"prompt_template": None}, "no text"),
        ({"prompt_template": "{question} {ref_answer_1} {answer}"}, "for the same purpose"),
    ],
)
def test_a_bad_prompt_is_named(tmp_path, change, match):
    path = write_lines(tmp_path / "p.jsonl", [OWN[0] | change, *OWN[1:]])
    with pytest.raises(WildpaperError, match=match) as caught:
        read_judge_prompts(path)
    assert "line" in caught.value.where


def test_absent_prompts_are_told(tmp_path):
    with pytest.raises(WildpaperError, match="7 of the eight"):
        read_judge_prompts(write_lines(tmp_path / "p.jsonl", OWN[1:]))
    with pytest.raises(WildpaperError, match="Cannot read"):
        read_judge_prompts(tmp_path / "none.jsonl")
    (tmp_path / "p.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(WildpaperError, match="Not JSON"):
        read_judge_prompts(tmp_path / "p.jsonl")
