"""What a judge is sent for a game."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wildpaper.evaluate.answers.record import known_answers, read_answers
from wildpaper.evaluate.judging.games import Answers, Game
from wildpaper.evaluate.judging.prompts import JudgePrompts
from wildpaper.evaluate.judging.variants import vary
from wildpaper.evaluate.questions import Question

REFERENCE_CATEGORIES = ("math", "reasoning", "coding")
"""Categories of questions that have a right answer, which the judge is shown."""

Material = Mapping[int, tuple[Question, tuple[str, ...]]]
"""{question_id: a question, and right answers to its turns; () where there is none}."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """What is sent for a game.

    Attributes
    ----------
    template : str
        Name of the prompt.
    messages : list of dict
        ``{"role", "content"}`` each.
    lacks_reference : bool
        Whether the judge should be shown a right answer and there is none.
    """

    template: str
    messages: list[dict[str, str]]
    lacks_reference: bool


def read_material(questions: Sequence[Question], references: Path | None = None) -> Material:
    """Return questions with their right answers.

    Parameters
    ----------
    questions : sequence of Question
    references : Path, optional
        Right answers in FastChat's format (``reference_answer/gpt-4.jsonl``); where it has none,
        that of the question counts.

    Raises
    ------
    WildpaperError
        If the file cannot be read.
    """
    given = read_answers(references) if references else {}
    found = {}
    for question in questions:
        answer = given.get(question.question_id)
        found[question.question_id] = question, answer.turns if answer else question.reference
    return found


def read_answers_of(
    models: Sequence[str], files: Sequence[Path], questions: Sequence[Question]
) -> Answers:
    """Return what models said to some questions.

    Parameters
    ----------
    models : sequence of str
    files : sequence of Path
        Answers in FastChat's format, one file a model, in the same order.
    questions : sequence of Question

    Raises
    ------
    WildpaperError
        If a file cannot be read.
    """
    return {
        model: {
            number: answer.turns
            for number, answer in known_answers(read_answers(path), questions, path).items()
        }
        for model, path in zip(models, files, strict=True)
    }


def shown_answer(game: Game, answers: Answers) -> str:
    """Return the answer that a game of one answer is about, changed as its variant says."""
    return vary(answers[game.first][game.question_id][game.turn - 1], game.variant)


def prompt_for(game: Game, material: Material, answers: Answers, prompts: JudgePrompts) -> Prompted:
    """Return what a judge is sent for a game that is answered.

    Notes
    -----
    A right answer is shown for `REFERENCE_CATEGORIES`, as in FastChat, if there is one to each
    turn that is shown.
    """
    question, reference = material[game.question_id]
    needs = question.category in REFERENCE_CATEGORIES
    right = reference[: game.turn]
    has = needs and len(right) == game.turn and all(text.strip() for text in right)
    prompt = prompts[game.kind, game.turn, has]
    fields = {"question": question.turns[0]}
    fields |= _numbered("question", question.turns) | _numbered("ref_answer", reference)
    if game.second is None:
        fields |= _said("answer", answers[game.first][game.question_id])
        fields["answer"] = shown_answer(game, answers)
        fields[f"answer_{game.turn}"] = fields["answer"]
    else:
        shown = (game.second, game.first) if game.swapped else (game.first, game.second)
        for letter, model in zip("ab", shown, strict=True):
            fields |= _said(f"answer_{letter}", answers[model][game.question_id])
    return Prompted(prompt.name, prompt.fill(fields), needs and not has)


def _said(name: str, turns: Sequence[str]) -> dict[str, str]:
    return {name: turns[0]} | _numbered(name, turns)


def _numbered(name: str, turns: Sequence[str]) -> dict[str, str]:
    return {f"{name}_{i}": text for i, text in enumerate(turns, start=1)}
