"""Answers of a model on this machine: what it is shown, what is kept, what is written."""

import json
import logging
import shutil

import pytest
import torch
from answering import questions_of, random_model, write_questions, write_world
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers import local
from wildpaper.evaluate.answers.local import answer_questions, answer_with_pretrained
from wildpaper.evaluate.answers.prompts import TemplatePrompter
from wildpaper.evaluate.answers.record import read_answers
from wildpaper.evaluate.answers.temperature import TEMPERATURES
from wildpaper.evaluate.answers.two_turns import Speaker, n_positions
from wildpaper.train.recipe import load_recipe


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    """The answers that come out when nobody disturbs it."""
    path = tmp_path_factory.mktemp("whole") / "a.jsonl"
    answer_questions(**world, answers=path)
    return path.read_bytes()


def said_one_by_one(world, question):
    """Answer a question of temperature 0 with nothing of ours but the prompts."""
    prompter = TemplatePrompter(load_recipe(world["recipe"]).data, world["tokenizer"])
    model, history, texts = random_model(), [], []
    for turn in question.turns:
        history.append(("user", turn))
        ids = torch.tensor([prompter.prompt_ids(history)])
        made = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=world["max_new_tokens"],
        )[0, ids.shape[1] :].tolist()  # fmt: skip
        made = made[: made.index(1)] if 1 in made else made
        texts.append(prompter.decode(made).strip())
        history.append(("assistant", texts[-1]))
    return tuple(texts)


def test_cold_answers_are_those_of_generate_in_both_turns(world, whole, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(whole)
    answers = read_answers(tmp_path / "a.jsonl")
    asked = questions_of(9)
    assert list(answers) == [question.question_id for question in asked]
    n_compared = 0
    for question in asked:
        answer = answers[question.question_id]
        assert answer.model_id == "random"
        assert all(0 <= n <= 24 for n in answer.n_tokens)
        if TEMPERATURES[question.category] == 0:
            assert answer.turns == said_one_by_one(world, question)
            n_compared += 1
    assert n_compared == 4


def test_bytes_depend_on_neither_batch_nor_order_nor_other_questions(world, whole, tmp_path):
    for batch in (1, 9):
        answer_questions(**world | {"batch": batch}, answers=tmp_path / "a.jsonl")
        assert (tmp_path / "a.jsonl").read_bytes() == whole
    some = questions_of(9)[::-2]
    fewer = write_questions(tmp_path / "fewer.jsonl", some)
    answer_questions(**world | {"questions": fewer}, answers=tmp_path / "b.jsonl")
    (tmp_path / "a.jsonl").write_bytes(whole)
    answers = read_answers(tmp_path / "a.jsonl")
    numbers = {question.question_id for question in some}
    assert read_answers(tmp_path / "b.jsonl") == {n: answers[n] for n in answers if n in numbers}


def test_another_seed_gives_other_warm_answers_and_the_same_cold_ones(world, whole, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(whole)
    answer_questions(**world | {"seed": 4}, answers=tmp_path / "b.jsonl")
    first, other = (read_answers(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    for question in questions_of(9):
        same = first[question.question_id] == other[question.question_id]
        warm = TEMPERATURES[question.category]
        assert same if warm == 0 else warm < 0.5 or not same


def test_what_is_left_and_how_fast_it_goes_is_said_and_no_text(world, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "wildpaper"):
        answer_questions(**world, answers=tmp_path / "a.jsonl")
    assert "random: 9 of 9 questions are left to answer" in caplog.text
    assert "tokens/s" in caplog.text
    assert "say" not in caplog.text.replace("says", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl"]


class StopError(Exception):
    pass


def stopped(world, path, monkeypatch, n_batches):
    """Answer until some batches are finished; return the questions of all that was begun."""
    real, begun = Speaker.answer, []

    def answer(self, questions):
        if len(begun) == n_batches:
            raise StopError
        begun.append([question.question_id for question in questions])
        return real(self, questions)

    monkeypatch.setattr(Speaker, "answer", answer)
    try:
        answer_questions(**world, answers=path)
    except StopError:
        pass
    finally:
        monkeypatch.setattr(Speaker, "answer", real)
    return [number for some in begun for number in some]


def test_who_goes_on_asks_for_the_rest_and_ends_with_the_same_bytes(
    world, whole, tmp_path, monkeypatch
):
    path = tmp_path / "a.jsonl"
    first = stopped(world, path, monkeypatch, 2)
    assert not path.exists()
    (kept,) = tmp_path.glob("answers-of-a-*/*.jsonl")
    with kept.open("ab") as handle:
        handle.write(b'{"question_id": 89, "answ')
    rest = stopped(world, path, monkeypatch, 99)
    assert sorted(first + rest) == list(range(81, 90))
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("change", ["seed", "max_new_tokens", "questions", "model"])
def test_what_was_kept_under_other_inputs_is_not_mixed_in(
    change, world, tmp_path, monkeypatch, whole
):
    path = tmp_path / "a.jsonl"
    stopped(world, path, monkeypatch, 1)
    other = dict(world)
    if change == "questions":
        asked = questions_of(9, long=1)
        other["questions"] = write_questions(tmp_path / "other.jsonl", asked)
    elif change == "model":
        random_model(seed=8).save_pretrained(tmp_path / "other")
        other["model"] = tmp_path / "other" / "model.safetensors"
    else:
        other[change] += 1
    begun = stopped(other, path, monkeypatch, 99)
    assert sorted(begun) == list(range(81, 90))
    assert not list(tmp_path.glob("answers-of-*"))
    undisturbed = tmp_path / "b.jsonl"
    answer_questions(**other, answers=undisturbed)
    assert undisturbed.read_bytes() == path.read_bytes() != whole


def test_kept_answers_of_another_file_stay(world, tmp_path, monkeypatch):
    stopped(world, tmp_path / "a.jsonl", monkeypatch, 1)
    stopped(world, tmp_path / "b.jsonl", monkeypatch, 1)
    assert len(list(tmp_path.glob("answers-of-*"))) == 2


def test_a_prompt_that_does_not_fit_shows_less_of_the_first_answer(tmp_path, caplog):
    world = write_world(tmp_path, n_positions=256, end_id=258)
    positions = n_positions(random_model(n_positions=256))
    asked = questions_of(9, long=3)
    world |= {"questions": write_questions(tmp_path / "q.jsonl", asked), "max_new_tokens": 100}
    seen = []
    real = local.Speaker._prompt

    def prompt(self, question, turn, history):
        made = real(self, question, turn, history)
        seen.append((turn, len(made.ids), made.room))
        return made

    local.Speaker._prompt = prompt
    try:
        answer_questions(**world, answers=tmp_path / "a.jsonl")
    finally:
        local.Speaker._prompt = real
    assert "first answers were cut off" in caplog.text
    assert all(length + room <= positions for _, length, room in seen)
    assert min(room for turn, _, room in seen if turn == 1) >= positions // 4
    assert all(max(a.n_tokens) <= 100 for a in read_answers(tmp_path / "a.jsonl").values())


def test_a_question_that_fills_all_positions_has_no_answer_and_is_counted(tmp_path, caplog):
    world = write_world(tmp_path, n_questions=2)
    asked = [*questions_of(1), questions_of(1, long=400)[0]]
    asked[1] = type(asked[1])(99, "math", asked[1].turns)
    answers = tmp_path / "a.jsonl"
    world |= {"questions": write_questions(tmp_path / "q.jsonl", asked)}
    answer_questions(**world, answers=answers)
    found = read_answers(answers)
    assert found[99].turns == ("", "")
    assert found[99].finish == ("length", "length")
    assert any(found[81].n_tokens)
    assert "2 turns have no answer" in caplog.text


def chat_folder(world, folder):
    """Make the model a chat model of Hugging Face, with the template of the recipe."""
    shutil.copytree(world["model"].parent, folder)
    plain = Tokenizer.from_file(str(world["tokenizer"]))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<|im_end|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    tokenizer.chat_template = (
        f"<|im_start|>system\n{system}<|im_end|>\n" + "{% for m in messages %}<|im_start|>"
        "{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{{ '<|im_start|>assistant\n' }}"
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_pretrained_model_answers_through_its_template_or_that_of_a_recipe(
    world, whole, tmp_path
):
    how = {k: world[k] for k in ("questions", "model_name", "seed", "max_new_tokens", "batch")}
    place = chat_folder(world, tmp_path / "chat")
    out = tmp_path / "a.jsonl"
    answer_with_pretrained(**how, place=place, revision=None, answers=out)
    assert out.read_bytes() == whole
    out.unlink()
    answer_with_pretrained(**how, place=str(world["model"].parent), revision=None, answers=out,
                           recipe=world["recipe"], tokenizer=world["tokenizer"])  # fmt: skip
    assert out.read_bytes() == whole


def test_what_cannot_answer_is_refused_before_anything_is_asked(world, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    how = {k: world[k] for k in ("questions", "model_name", "seed", "max_new_tokens", "batch")}
    how |= {"answers": tmp_path / "out" / "a.jsonl", "revision": None}
    place = chat_folder(world, tmp_path / "chat")
    with pytest.raises(WildpaperError, match="A recipe needs the tokenizer"):
        answer_with_pretrained(**how, place=place, recipe=world["recipe"])
    (tmp_path / "chat" / "model.safetensors").rename(tmp_path / "chat" / "pytorch_model.bin")
    with pytest.raises(WildpaperError, match="Cannot load the model"):
        answer_with_pretrained(**how, place=place)
    small = random_model(n_vocabulary=200)
    small.save_pretrained(tmp_path / "small")
    with pytest.raises(WildpaperError, match="knows 200 tokens, the tokenizer 259"):
        answer_questions(**world | {"model": tmp_path / "small" / "model.safetensors"},
                         answers=tmp_path / "a.jsonl")  # fmt: skip
    if not torch.cuda.is_available():
        with pytest.raises(WildpaperError, match="no GPU to answer on"):
            answer_questions(**world, answers=tmp_path / "b.jsonl", device="cuda")
    assert not list(tmp_path.rglob("*.jsonl")) or not (tmp_path / "a.jsonl").exists()


def test_lines_are_those_that_fastchat_reads(whole):
    for line in whole.decode().splitlines():
        answer = json.loads(line)
        assert isinstance(answer["answer_id"], str)
        assert isinstance(answer["tstamp"], float)
        assert answer["choices"][0]["index"] == 0
        assert [type(turn) for turn in answer["choices"][0]["turns"]] == [str, str]
