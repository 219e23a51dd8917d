"""The likelihood stand-in for a judge: how little the run's models are surprised by an answer.

It is for runs in which nobody judges, so that what is made of judgments can be made. It is no
language model that grades answers, and its grades are no quality: a model finds likely what is
common, and its own words more than those of others.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.judging.games import Answers, Game, pair_games, single_games
from wildpaper.evaluate.judging.judgments import (
    Judgment,
    Route,
    count_outcomes,
    unanswered,
    write_judgments,
)
from wildpaper.evaluate.judging.requests import read_answers_of, shown_answer
from wildpaper.evaluate.judging.spoken import Spoken, encode_spoken
from wildpaper.evaluate.judging.verdict import HIGHEST, LOWEST, PARSED
from wildpaper.evaluate.likelihood import BASE
from wildpaper.evaluate.questions import Question, read_questions
from wildpaper.evaluate.token_scores import load_scorer, score_rows
from wildpaper.files import write_json
from wildpaper.progress import Progress
from wildpaper.train.examples import Examples
from wildpaper.train.model import quieten
from wildpaper.train.recipe import SCRATCH, Recipe, load_recipe
from wildpaper.train.template import load_template

JUDGE = "likelihood"
"""Its name among judges."""
_ROUTE: Route = "likelihood"


def judge_answers_by_likelihood(
    questions: Path,
    answers: list[Path],
    models: list[Path],
    recipe: Path,
    tokenizer: Path,
    judgments: Path,
    report: Path,
    names: list[str],
    scorers: list[str],
    pairs: Sequence[Sequence[str]],
    robustness_questions: int = 0,
    repeats: int = 1,
    seed: int = 0,
    device: str = "cpu",
    margin_nats: float = 0.05,
) -> None:
    """Grade and compare answers by the likelihood that the run's models give them.

    Parameters
    ----------
    questions : Path
        See `read_questions`.
    answers : list of Path
        Answers in FastChat's format, one file a model of `names`.
    models : list of Path
        ``model.safetensors`` of each model of `scorers`, with ``config.json`` beside it.
    recipe, tokenizer : Path
        What the scorers were made with. Where the recipe has a pretrained base, it is a scorer,
        too.
    judgments : Path
        To write: table `JUDGMENTS`.
    report : Path
        JSON to write: counts, scorers, margin. No text.
    names : list of str
        Models that answered.
    scorers : list of str
        Names of `models`.
    pairs : list of (str, str)
        Models to compare.
    robustness_questions, repeats, seed : int
        See `single_games`.
    device : {"cpu", "cuda"}
    margin_nats : float
        Of a pair that answer wins whose mean is lower by more than this; within it is a tie.

    Raises
    ------
    WildpaperError
        If a file cannot be used, a scorer cannot be loaded, or it does not know a token.

    Notes
    -----
    An answer is scored by the mean negative log-likelihood of its tokens, its end included, after
    its prompt, written as in training, averaged over the scorers. The grade falls with the mean
    from 10 for certainty to 1 for a uniform guess over the vocabulary, or worse. The order in
    which a pair is shown makes no difference here, and neither does repeating. Where question
    and answer are longer than the examples of the recipe, see `encode_spoken`.
    """
    quieten()
    torch.set_num_threads(1)
    settings = load_recipe(recipe)
    asked = read_questions(questions)
    said = read_answers_of(names, answers, asked)
    robustness = {"robustness_questions": robustness_questions, "repeats": repeats, "seed": seed}
    games = single_games(names, asked, said, **robustness) + pair_games(pairs, asked, said)
    by_number = {question.question_id: question for question in asked}
    spoken = _all_spoken(games, by_number, said)
    template = load_template(settings.data, tokenizer)
    data, cut = encode_spoken(list(spoken), template, settings.data.max_length)
    places = _places(scorers, models, settings)
    nats = np.mean([_mean_nats(*place, device, data) for place in places.items()], axis=0)
    scores = dict(zip(spoken, nats.tolist(), strict=True))
    rows = [
        _judged(game, by_number[game.question_id], said, scores, margin_nats, template.n_pieces)
        if game.answered
        else unanswered(game, JUDGE, _ROUTE)
        for game in games
    ]
    write_judgments(judgments, rows)
    found = {"judge": JUDGE, "scorers": list(places), "margin_nats": margin_nats}
    found |= {"answers": len(spoken), "tokens": int(data.supervised.sum()), **asdict(cut)}
    write_json(report, found | {"outcomes": count_outcomes(rows)})


def grade_of(nats: float, n_pieces: int) -> float:
    """Return the grade, from 1 to 10, for a mean negative log-likelihood in nats.

    10 is certainty, 1 a uniform guess over a vocabulary of `n_pieces`, or worse.
    """
    return LOWEST + (HIGHEST - LOWEST) * max(0.0, 1.0 - nats / math.log(n_pieces))


def _places(
    scorers: Sequence[str], models: Sequence[Path], settings: Recipe
) -> dict[str, tuple[str, str | None]]:
    """Return {scorer: (folder or repository, commit)}."""
    places: dict[str, tuple[str, str | None]] = {
        name: (str(path.parent.resolve()), None) for name, path in zip(scorers, models, strict=True)
    }
    if settings.base != SCRATCH:
        folder = settings.base_folder
        base = str(Path(folder).resolve()) if folder else settings.base
        places[BASE] = base, settings.base_revision
    if not places:
        raise WildpaperError(
            "There is no model to score answers with",
            where="evaluate.judge.kind",
            hint="The likelihood stand-in needs a model that the run trains.",
        )
    return places


def _spoken(game: Game, model: str, question: Question, answers: Answers) -> Spoken:
    """Return what was said up to the answer of a model, and the answer as it is shown."""
    turns = answers[model][question.question_id]
    asked = [("user", question.turns[0])]
    if game.turn > 1:
        asked += [("assistant", turns[0]), ("user", question.turns[1])]
    text = shown_answer(game, answers) if game.second is None else turns[game.turn - 1]
    return Spoken(tuple(asked), text)


def _all_spoken(
    games: Iterable[Game], questions: Mapping[int, Question], answers: Answers
) -> dict[Spoken, None]:
    """Return all that is to be scored, each once."""
    return {
        _spoken(game, model, questions[game.question_id], answers): None
        for game in games
        if game.answered
        for model in game.models
    }


def _mean_nats(
    name: str, place: tuple[str, str | None], device: str, data: Examples
) -> npt.NDArray[np.float64]:
    """Return the mean negative log-likelihood under one scorer, shape (n_answers,)."""
    folder, revision = place
    model: Any = load_scorer(folder, device, revision)
    progress = Progress(f"{name}: likelihood of answers", int(data.starts[-1]), "tokens")
    means = np.zeros(len(data))
    for i, nats in score_rows(model, data, progress):
        means[i] = nats.mean()
    return means


def _judged(
    game: Game,
    question: Question,
    answers: Answers,
    scores: Mapping[Spoken, float],
    margin_nats: float,
    n_pieces: int,
) -> Judgment:
    """Return the row of a game that is answered."""
    nats = [scores[_spoken(game, model, question, answers)] for model in game.models]
    if game.second is None:
        length = len(shown_answer(game, answers))
        return Judgment(game, PARSED, JUDGE, _ROUTE, grade_of(nats[0], n_pieces), None, length)
    gain = nats[1] - nats[0]
    # the slack keeps a difference of exactly the margin a tie, whatever its last binary digit
    reached = margin_nats + 1e-12
    winner = "first" if gain > reached else "second" if gain < -reached else "tie"
    return Judgment(game, PARSED, JUDGE, _ROUTE, None, winner)
