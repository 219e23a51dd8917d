"""Ask a judge model for the verdicts that are not in the log, and read them all.

Questions and answers leave the machine here. Temperature 0, as in FastChat.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wildpaper.evaluate.judging.asking import (
    Asking,
    Tally,
    Wanted,
    open_judge,
    refuse_unfinished,
    spent,
)
from wildpaper.evaluate.judging.budget import Budget, Limits, estimate, refuse_excess
from wildpaper.evaluate.judging.games import Answers, Game, pair_games, single_games
from wildpaper.evaluate.judging.judgments import (
    Judgment,
    Route,
    count_outcomes,
    unanswered,
    winner_of,
    write_judgments,
)
from wildpaper.evaluate.judging.log import AuditLog, JudgeRequest, Verdict
from wildpaper.evaluate.judging.prompts import JudgePrompts, read_judge_prompts
from wildpaper.evaluate.judging.requests import (
    Material,
    prompt_for,
    read_answers_of,
    read_material,
    shown_answer,
)
from wildpaper.evaluate.judging.verdict import parse_choice, parse_grade
from wildpaper.evaluate.questions import read_questions
from wildpaper.files import write_json

TEMPERATURE = 0.0
_ROUTE: Route = "asked"


def ask_judge(
    questions: Path,
    answers: list[Path],
    prompts: Path,
    judgments: Path,
    report: Path,
    log_folder: str,
    models: list[str],
    pairs: Sequence[Sequence[str]],
    endpoint: str,
    judge: str,
    concurrency: int,
    requests_per_minute: int,
    timeout_s: float,
    attempts: int,
    max_tokens: int,
    usd_per_million_in: float,
    usd_per_million_out: float,
    most_requests: int,
    most_usd: float,
    seed: int,
    key_variable: str = "OPENAI_API_KEY",
    tokens_per_minute: int = 0,
    robustness_questions: int = 0,
    repeats: int = 1,
    references: Path | list[Path] | None = None,
) -> None:
    """Have a verdict of a judge model on each answer and each pair of answers.

    Parameters
    ----------
    questions : Path
        See `read_questions`.
    answers : list of Path
        Answers in FastChat's format, one file a model.
    prompts : Path
        See `read_judge_prompts`.
    judgments : Path
        To write: table `JUDGMENTS`.
    report : Path
        JSON to write: counts by outcome, requests, tokens, US dollars, seconds. No text, no key.
    log_folder : str
        Folder of the log of requests and verdicts, see `AuditLog`; what is in it is not asked
        for again.
    models : list of str
        Names of the models, in the order of `answers`; all are graded.
    pairs : list of (str, str)
        Models to compare, in both orders.
    endpoint : str
        Address of an interface of chat completions, up to and with ``/v1``.
    judge : str
        The model to ask for.
    concurrency : int
        Requests under way at a time.
    requests_per_minute, tokens_per_minute : int
        Rate limits of the account; of tokens 0: none.
    timeout_s : float
        Seconds to wait for a verdict.
    attempts : int
        Times that a request is sent before it is given up.
    max_tokens : int
        Of a verdict.
    usd_per_million_in, usd_per_million_out : float
        Prices.
    most_requests, most_usd : int, float
        Hard limits of what is asked for in this run, of money before and while it is spent.
    seed : int
        Draws the questions of `robustness_questions`.
    key_variable : str
        The environment variable with the key, which only an interface on this machine can do
        without.
    robustness_questions, repeats : int
        See `single_games`.
    references : Path, optional
        See `read_material`; a list holds one path or none.

    Raises
    ------
    WildpaperError
        Before anything is asked: beyond a limit, without a key, with an unusable address or
        file, or while another run writes to the log. Later: where there is no access, the money
        is spent, or requests have no answer in the end; all verdicts that came are then in the
        log, and the next run asks for the rest only.

    Notes
    -----
    Equal requests (two models gave the same answer) are sent once. Tokens that an interface
    does not count are estimated. Estimate and progress go to the log.
    """
    started = time.monotonic()
    limits = Limits(
        requests_per_minute, tokens_per_minute, usd_per_million_in, usd_per_million_out,
        most_requests, most_usd,
    )  # fmt: skip
    asked = read_questions(questions)
    said = read_answers_of(models, answers, asked)
    robustness = {"robustness_questions": robustness_questions, "repeats": repeats, "seed": seed}
    games = single_games(models, asked, said, **robustness) + pair_games(pairs, asked, said)
    material = read_material(asked, _one(references))
    wanted = _wanted(games, material, said, read_judge_prompts(prompts), judge, max_tokens)
    with AuditLog(Path(log_folder)) as log:
        verdicts, n_unreadable = log.read({one.digest for one in wanted})
        missing = list({one.digest: one for one in wanted if one.digest not in verdicts}.values())
        plan = estimate((one.request for one in missing), limits)
        refuse_excess(plan, limits)
        tally, budget = Tally(), Budget(limits)
        if missing:
            place = open_judge(endpoint, key_variable)
            asking = Asking(missing, log, budget, tally, verdicts)
            options = {"concurrency": concurrency, "timeout_s": timeout_s, "attempts": attempts}
            asyncio.run(asking.run(place, judge, limits, options))
            refuse_unfinished(tally, budget, len(missing), place)
    rows = [_judged(one, verdicts[one.digest], said, judge) for one in wanted]
    rows += [unanswered(game, judge, _ROUTE) for game in games if not game.answered]
    write_judgments(judgments, rows)
    found = {"judge": judge, **_counts(wanted, verdicts), "outcomes": count_outcomes(rows)}
    found |= {"unreadable_log_lines": n_unreadable, **spent(tally, budget)}
    seconds = round(time.monotonic() - started, 1)
    write_json(report, found | {"seconds": seconds, "estimate": asdict(plan)})


def _one(paths: Path | list[Path] | None) -> Path | None:
    listed = [paths] if isinstance(paths, Path) else paths or []
    return listed[0] if listed else None


def _wanted(
    games: Sequence[Game],
    material: Material,
    answers: Answers,
    templates: JudgePrompts,
    judge: str,
    max_tokens: int,
) -> list[Wanted]:
    """Return what the judge is sent for each game that is answered."""
    found = []
    for game in games:
        if game.answered:
            sent = prompt_for(game, material, answers, templates)
            request = JudgeRequest(judge, sent.messages, TEMPERATURE, max_tokens, game.repeat)
            found.append(Wanted(game, sent.template, request, request.digest, sent.lacks_reference))
    return found


def _judged(one: Wanted, verdict: Verdict, answers: Answers, judge: str) -> Judgment:
    """Return the row of a verdict."""
    reply, game = verdict.reply, one.game
    tokens = (reply.n_tokens_in, reply.n_tokens_out)
    if game.kind == "pair":
        choice, outcome = parse_choice(reply.text, reply.finish)
        winner = winner_of(choice, game.swapped)
        return Judgment(game, outcome, judge, _ROUTE, None, winner, None, *tokens)
    grade, outcome = parse_grade(reply.text, reply.finish)
    n_characters = len(shown_answer(game, answers))
    return Judgment(game, outcome, judge, _ROUTE, grade, None, n_characters, *tokens)


def _counts(wanted: Sequence[Wanted], verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    given = [verdicts[digest] for digest in dict.fromkeys(one.digest for one in wanted)]
    return {
        "served": dict(sorted(Counter(one.reply.served for one in given).items())),
        "dates": sorted({one.date for one in given}),
        "games": len(wanted),
        "without_reference": sum(one.lacks_reference for one in wanted),
        "verdicts": len(given),
    }
