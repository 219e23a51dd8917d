"""Answers that somebody else made, in a file of FastChat's."""

import logging
from dataclasses import replace
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import (
    known_answers,
    missing_questions,
    read_answers,
    write_answers,
)
from wildpaper.evaluate.questions import read_questions

_LOG = logging.getLogger("wildpaper")
_MOST_NAMED = 5


def take_answers(
    questions: Path, source: Path, answers: Path, model_name: str, allow_missing: bool = False
) -> None:
    """Check a file of answers and take over those to some questions.

    Parameters
    ----------
    questions : Path
        See `read_questions`.
    source : Path
        See `read_answers`.
    answers : Path
        To write: see `write_answers`.
    model_name : str
        What the model is called in them, whatever the source calls it.
    allow_missing : bool
        Whether questions may lack an answer; they are counted in the log.

    Raises
    ------
    WildpaperError
        If a file cannot be read; if the source holds answers of several models, or to none of
        the questions; if an answer is missing and may not be.
    """
    asked = read_questions(questions)
    given = read_answers(source)
    names = sorted({answer.model_id for answer in given.values()})
    if len(names) > 1:
        raise WildpaperError(
            f"The file holds answers of {len(names)} models",
            where=str(source),
            hint="Give each model a file of its own.",
        )
    known = known_answers(given, asked, source)
    missing = missing_questions(known, asked)
    if missing and (not known or not allow_missing):
        some = ", ".join(str(question.question_id) for question in missing[:_MOST_NAMED])
        more = ", …" if len(missing) > _MOST_NAMED else ""
        raise WildpaperError(
            f"{len(missing):,} of {len(asked):,} questions have no answer: {some}{more}",
            where=str(source),
            hint="Have the model answer these, too, or allow answers to be missing.",
        )
    if missing:
        _LOG.warning("%s: %s of %s questions have no answer", source, len(missing), len(asked))
    if names != [model_name]:
        _LOG.info("%s: the model is called %s from here on", source, model_name)
    write_answers(answers, [replace(answer, model_id=model_name) for answer in known.values()])
