"""Answers that models give on this machine."""

import logging
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
import transformers

from wildpaper.digest import code_digest
from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.prompts import ChatPrompter, Prompter, TemplatePrompter
from wildpaper.evaluate.answers.record import missing_questions, write_answers
from wildpaper.evaluate.answers.temperature import TEMPERATURES
from wildpaper.evaluate.answers.two_turns import Speaker
from wildpaper.evaluate.answers.unfinished import Unfinished
from wildpaper.evaluate.questions import Question, read_questions
from wildpaper.files import sha256_file
from wildpaper.progress import Progress
from wildpaper.train.model import load_model, quieten
from wildpaper.train.recipe import load_recipe

_LOG = logging.getLogger("wildpaper")
_READ = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
"""Files of a model's folder that can decide what it says."""


def answer_questions(
    questions: Path,
    model: Path,
    recipe: Path,
    tokenizer: Path,
    answers: Path,
    model_name: str,
    seed: int,
    max_new_tokens: int,
    batch: int,
    device: str = "cpu",
    n_threads: int = 1,
) -> None:
    """Have a model that a recipe trained answer questions, prompted as it was trained.

    Parameters
    ----------
    questions : Path
        See `read_questions`.
    model : Path
        ``model.safetensors``, with ``config.json`` beside it.
    recipe, tokenizer : Path
        What it was trained with.
    answers : Path
        To write: see `write_answers`.
    model_name : str
        What it is called in the answers.
    seed : int
        Of the answers that are sampled.
    max_new_tokens : int
        Of an answer, at most. MT-bench's: 1,024.
    batch : int
        Questions at a time, at most; fewer where the memory of a GPU is not enough.
    device : {"cpu", "cuda"}
        On a GPU in bf16.
    n_threads : int
        Of the CPU. With another number sums are rounded another way.

    Raises
    ------
    WildpaperError
        If a file cannot be read, the model cannot be loaded or knows fewer tokens than the
        tokenizer, or there is no such device.

    Notes
    -----
    Each category has its temperature (`TEMPERATURES`). What is finished is kept in a folder
    beside `answers` until all are there: a job that was killed goes on from that.
    """
    files = [model, model.with_name("config.json"), recipe, tokenizer]
    about = {"files": [sha256_file(path) for path in files if path.is_file()]}
    prompter = TemplatePrompter(load_recipe(recipe).data, tokenizer)
    place = str(model.parent.resolve())
    how = {"model_name": model_name, "seed": seed, "max_new_tokens": max_new_tokens}
    _answer(questions, answers, place, None, prompter, about | how, batch, device, n_threads)


def answer_with_pretrained(
    questions: Path,
    answers: Path,
    model_name: str,
    place: str,
    revision: str | None,
    seed: int,
    max_new_tokens: int,
    batch: int,
    device: str = "cpu",
    recipe: Path | None = None,
    tokenizer: Path | None = None,
    n_threads: int = 1,
) -> None:
    """Have a model of Hugging Face answer questions.

    Parameters
    ----------
    place : str
        A folder, or a model on the hub. Its weights are in safetensors; code that comes with
        it is not run.
    revision : str or None
        Of a model on the hub: the commit.
    recipe, tokenizer : Path, optional
        A recipe whose template the model was tuned with, and ``tokenizer.json``; without them
        the chat template of the model is used.
    questions, answers, model_name, seed, max_new_tokens, batch, device, n_threads
        See `answer_questions`.

    Raises
    ------
    WildpaperError
        As `answer_questions`; also if the model has no chat template, or one of `recipe` and
        `tokenizer` is given without the other.
    """
    if (recipe is None) != (tokenizer is None):
        raise WildpaperError(
            "A recipe needs the tokenizer that goes with it, and the other way round",
            where=f"the model {model_name}",
        )
    folder = Path(place)
    local = folder.is_dir()
    if local:
        place = str(folder.resolve())
    elif revision is None:
        _LOG.warning("%s: no revision is stated, what 'main' holds may change", place)
    prompter: Prompter
    if recipe and tokenizer:
        prompter = TemplatePrompter(load_recipe(recipe).data, tokenizer)
    else:
        quieten()
        prompter = ChatPrompter(place, revision, local)
    about = {
        "files": [sha256_file(path) for path in (recipe, tokenizer) if path],
        "model": _content(folder) if local else [place, revision],
    }
    how = {"model_name": model_name, "seed": seed, "max_new_tokens": max_new_tokens}
    _answer(questions, answers, place, revision, prompter, about | how, batch, device, n_threads)


def _content(folder: Path) -> list[list[str]]:
    """Return names and checksums of what a model consists of."""
    files = sorted({path for pattern in _READ for path in folder.glob(pattern)})
    return [[path.name, sha256_file(path)] for path in files]


def _answer(
    questions: Path,
    answers: Path,
    place: str,
    revision: str | None,
    prompter: Prompter,
    about: dict[str, Any],
    batch: int,
    device: str,
    n_threads: int,
) -> None:
    """Answer what is not answered yet, then write all answers."""
    quieten()
    torch.set_num_threads(n_threads)
    asked = read_questions(questions)
    name = str(about["model_name"])
    with Unfinished(answers, about | _surroundings(device), asked) as kept:
        left = {question.question_id for question in missing_questions(kept.found, asked)}
        if left:
            model = _ready(place, revision, prompter, device)
            speaker = Speaker(model, prompter, name, about["seed"], about["max_new_tokens"])
            _speak(speaker, _batches(asked, prompter, batch), left, kept, name)
        write_answers(answers, kept.found.values())
    kept.remove()


def _surroundings(device: str) -> dict[str, Any]:
    return {
        "device": device,
        "code": code_digest(__name__),
        "versions": [torch.__version__, transformers.__version__],
    }


def _ready(place: str, revision: str | None, prompter: Prompter, device: str) -> Any:
    """Return the model on its device."""
    if device == "cuda" and not torch.cuda.is_available():
        raise WildpaperError("There is no GPU to answer on", hint="Choose the device 'cpu'.")
    model = load_model(place, revision)
    n_known = model.config.get_text_config().vocab_size
    if n_known < prompter.n_pieces:
        raise WildpaperError(
            f"The model knows {n_known:,} tokens, the tokenizer {prompter.n_pieces:,}",
            where=place,
            hint="Model and tokenizer must belong together.",
        )
    if device == "cuda":
        model = model.to(device="cuda", dtype=torch.bfloat16)
    return model.eval()


def _batches(questions: Sequence[Question], prompter: Prompter, batch: int) -> list[list[Question]]:
    """Put questions of one temperature and about one length together, the longest first.

    All questions, also those answered before: who goes on has the batches of who did not stop.
    """

    def size(question: Question) -> int:
        return len(prompter.prompt_ids([("user", question.turns[0])]))

    def temperature(question: Question) -> float:
        return TEMPERATURES[question.category]

    ordered = sorted(questions, key=lambda one: (temperature(one), -size(one), one.question_id))
    return [
        alike[start : start + batch]
        for alike in (list(group) for _, group in groupby(ordered, temperature))
        for start in range(0, len(alike), batch)
    ]


def _speak(
    speaker: Speaker, batches: list[list[Question]], left: set[int], kept: Unfinished, name: str
) -> None:
    """Answer the questions that are left, and keep each batch when it is finished."""
    n_asked = sum(map(len, batches))
    _LOG.info("%s: %s of %s questions are left to answer", name, f"{len(left):,}", f"{n_asked:,}")
    progress = Progress(f"{name}: answers", n_asked, "questions")
    progress.resume_from(n_asked - len(left))
    started = time.monotonic()
    for some in batches:
        todo = [question for question in some if question.question_id in left]
        if todo:
            kept.add(speaker.answer(todo))
            progress.advance(len(todo))
    seconds = max(time.monotonic() - started, 1e-9)
    _LOG.info(
        "%s: %s answers, %s tokens, %.1f tokens/s", name, f"{2 * len(left):,}",
        f"{speaker.n_tokens:,}", speaker.n_tokens / seconds,
    )  # fmt: skip
    speaker.report()
