"""Stored judgments in FastChat's format, read again by the strict parser.

The formats are those of ``gen_judgment.py``: files of grades (``gpt-4_single.jsonl``) and of
pairs (``gpt-4_pair.jsonl``). Nobody is asked anything.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.json_lines import N_TURNS
from wildpaper.evaluate.judging.games import Answers, Game
from wildpaper.evaluate.judging.judgments import (
    Judgment,
    Route,
    count_outcomes,
    winner_of,
    write_judgments,
)
from wildpaper.evaluate.judging.requests import read_answers_of
from wildpaper.evaluate.judging.stored import PairRecord, Record, SingleRecord, read_records
from wildpaper.evaluate.judging.verdict import PARSED, parse_choice, parse_grade
from wildpaper.evaluate.questions import Question, read_questions
from wildpaper.files import write_json

_LOG = logging.getLogger("wildpaper")

_ROUTE: Route = "replayed"
_LEFT_OUT = ("unreadable_lines", "duplicates", "other_questions", "other_models", "other_turns")
_UNPARSED_GRADE = -1
_UNPARSED_WINNER = "error"
_HINT = (
    "Leave one judgment in the files for each judge, question, turn and model, or pair of models."
)


def replay_judgments(
    questions: Path,
    sources: list[Path],
    judgments: Path,
    report: Path,
    models: dict[str, str] | None = None,
    answers: dict[str, Path] | None = None,
) -> None:
    """Make the table of judgments from stored ones.

    Parameters
    ----------
    questions : Path
        See `read_questions`.
    sources : list of Path
        Files of grades, of pairs, or of both.
    judgments : Path
        To write: table `JUDGMENTS`.
    report : Path
        JSON to write: counts, no text.
    models : dict, optional
        {name of a model in the files: its name here}; others are left out. All under their
        own names where it is not given.
    answers : dict, optional
        {name of a model here: its answers in FastChat's format}, for the lengths of answers.

    Raises
    ------
    WildpaperError
        If a file cannot be read, two models get the same name, two judgments of the same
        differ, grades or pairs are of several judges, or no judgment is left.

    Notes
    -----
    What counts is the text of a judgment: where the stored score or winner is another, the
    outcome is ``contradicts-its-text`` and there is no verdict. A stored score of -1, or the
    winner ``error``, is ``unparsed-in-file`` whatever the text says. Lines that hold no
    judgment, identical duplicates, judgments on other questions or models are left out and
    counted; so are, in the report, judgments that one would expect and that are not there.
    """
    _check_names(models or {})
    asked = {question.question_id: question for question in read_questions(questions)}
    said = read_answers_of(list(answers or {}), list((answers or {}).values()), [*asked.values()])
    records, n_unreadable = read_records(sources)
    counts = Counter(unreadable_lines=n_unreadable)
    kept = _distinct([one for one in records if _is_wanted(one, asked, models, counts)], counts)
    if not kept:
        raise WildpaperError(
            f"None of {len(records):,} stored judgments is on these questions and models",
            where=", ".join(map(str, sources)),
            hint="Compare evaluate.judge.names with the models in the files, and "
            "evaluate.questions with the question_id in them.",
        )
    _check_judges(kept, sources)
    rows = [row for one in kept for row in _judged(one, asked[one.question_id], models, said)]
    write_judgments(judgments, rows)
    found: dict[str, Any] = {
        "judges": sorted({one.judge for one in kept}),
        "outcomes": count_outcomes(rows),
    }
    found |= {"left_out": {name: counts[name] for name in _LEFT_OUT}}
    write_json(report, found | {"absent": _absent(kept, models, len(asked))})


def _check_names(models: Mapping[str, str]) -> None:
    twice = sorted(name for name, n in Counter(models.values()).items() if n > 1)
    if twice:
        raise WildpaperError(
            f"Two models of the files have the same name here: {', '.join(twice)}",
            where="evaluate.judge.names",
            hint="Give each model a name of its own.",
        )


def _check_judges(records: Sequence[Record], sources: Sequence[Path]) -> None:
    for kind in (SingleRecord, PairRecord):
        judges = sorted({one.judge for one in records if isinstance(one, kind)})
        if len(judges) > 1:
            raise WildpaperError(
                f"There are judgments of several judges: {', '.join(judges)}",
                where=", ".join(map(str, sources)),
                hint="Leave those of one judge in the files: numbers of several cannot be mixed.",
            )


def _is_wanted(
    one: Record,
    questions: Mapping[int, Question],
    models: Mapping[str, str] | None,
    counts: Counter[str],
) -> bool:
    reason = ""
    if models is not None and not set(one.models) <= models.keys():
        reason = "other_models"
    elif one.question_id not in questions:
        reason = "other_questions"
    elif not 1 <= one.turn <= N_TURNS:
        reason = "other_turns"
    counts[reason] += bool(reason)
    return not reason


def _distinct(records: Sequence[Record], counts: Counter[str]) -> list[Record]:
    """Return one of each judgment; raise where two of the same say different things."""
    found: dict[tuple[object, ...], Record] = {}
    for one in records:
        earlier = found.setdefault(one.key, one)
        if earlier is one:
            continue
        if earlier.said != one.said:
            raise WildpaperError(
                f"Two judgments of question {one.question_id}, turn {one.turn}, differ",
                where=f"{earlier.where}; {one.where}",
                hint=_HINT,
            )
        counts["duplicates"] += 1
    if counts["duplicates"]:
        _LOG.warning("%s stored judgments are there more than once", counts["duplicates"])
    return list(found.values())


def _judged(
    one: Record, question: Question, models: Mapping[str, str] | None, answers: Answers
) -> list[Judgment]:
    """Return the rows of a stored judgment: one, or of a pair one an order."""
    names = [models[name] if models else name for name in one.models]
    about = (question.question_id, question.category, one.turn)
    if isinstance(one, SingleRecord):
        grade, outcome = _grade(one)
        game = Game("single", *about, names[0])
        said = answers.get(names[0], {}).get(question.question_id)
        length = len(said[one.turn - 1]) if said else None
        return [Judgment(game, outcome, one.judge, _ROUTE, grade, None, length)]
    rows = []
    for swapped, winner, text in zip((False, True), one.winners, one.texts, strict=True):
        game = Game("pair", *about, names[0], names[1], swapped)
        found, outcome = _winner(winner, text, swapped)
        rows.append(Judgment(game, outcome, one.judge, _ROUTE, None, found))
    return rows


def _grade(one: SingleRecord) -> tuple[float | None, str]:
    if one.score == _UNPARSED_GRADE:
        return None, "unparsed-in-file"
    grade, outcome = parse_grade(one.text)
    if outcome == PARSED and grade != one.score:
        return None, "contradicts-its-text"
    return grade, outcome


def _winner(stored: str, text: str, swapped: bool) -> tuple[str | None, str]:
    if stored == _UNPARSED_WINNER:
        return None, "unparsed-in-file"
    choice, outcome = parse_choice(text)
    winner = winner_of(choice, swapped)
    if outcome == PARSED and winner != stored:
        return None, "contradicts-its-text"
    return winner, outcome


def _absent(
    records: Sequence[Record], models: Mapping[str, str] | None, n_questions: int
) -> dict[str, int]:
    """Return how many judgments each model, or pair, lacks; those that lack some."""
    subjects = Counter((one.judge, *one.models) for one in records)
    names = {name for one in records for name in one.models}
    lacking = {
        " ".join(subject): n_questions * N_TURNS - n
        for subject, n in sorted(subjects.items())
        if n < n_questions * N_TURNS
    }
    lacking |= dict.fromkeys(sorted(set(models or {}) - names), n_questions * N_TURNS)
    if lacking:
        _LOG.warning("Stored judgments that are not there: %s", lacking)
    return lacking
