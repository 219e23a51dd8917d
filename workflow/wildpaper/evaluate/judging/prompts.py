"""The prompts that a judge is given, in the format of FastChat's ``judge_prompts.jsonl``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.json_lines import json_object, read_json_lines

Kind = Literal["single", "pair"]

_KINDS: dict[Any, Kind] = {"single": "single", "pairwise": "pair"}
_HOLES = {
    ("single", False): {"question", "answer"},
    ("single", True): {"question_1", "question_2", "answer_1", "answer_2"},
    ("pair", False): {"question", "answer_a", "answer_b"},
    ("pair", True): {
        *("question_1", "question_2"),
        *("answer_a_1", "answer_a_2", "answer_b_1", "answer_b_2"),
    },
}
"""By kind, and by whether two turns are shown; references aside."""
_REFERENCES = {False: {"ref_answer_1"}, True: {"ref_answer_1", "ref_answer_2"}}
_HOLE = re.compile(r"\{([a-z_0-9]+)\}")
_HINT = (
    "A line is a JSON object with name, type (single or pairwise), system_prompt and "
    "prompt_template. Templates hold {question} and {answer} (pairs: {answer_a}, {answer_b}), or "
    "for two turns {question_1}, {question_2}, {answer_1}, {answer_2} (pairs: {answer_a_1} …), "
    "with a reference also {ref_answer_1} (and {ref_answer_2}); each of these eight once."
)


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """A prompt with holes.

    Attributes
    ----------
    name : str
    kind : {"single", "pair"}
    system, template : str
    turns : {1, 2}
        Turns that are shown; the last of them is judged.
    has_reference : bool
        Whether it shows right answers.
    """

    name: str
    kind: Kind
    system: str
    template: str
    turns: int
    has_reference: bool

    def fill(self, fields: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the messages to a judge.

        Parameters
        ----------
        fields : mapping
            {name of a hole: the text that goes there}; more than the template has may be there.

        Notes
        -----
        All holes are filled in one pass: what a text holds, ``{answer}`` or other braces, stays
        as it is. Doubled braces of a template stay doubled.
        """
        filled = _HOLE.sub(lambda hole: fields[hole[1]], self.template)
        return [{"role": "system", "content": self.system}, {"role": "user", "content": filled}]


JudgePrompts = Mapping[tuple[Kind, int, bool], JudgePrompt]
"""{(kind, turns shown, with a reference): prompt}."""


def read_judge_prompts(path: Path) -> JudgePrompts:
    """Read the eight prompts of a judge.

    Parameters
    ----------
    path : Path
        JSON lines, as FastChat's ``fastchat/llm_judge/data/judge_prompts.jsonl``. Which prompt
        is for what is told from the holes of its template, not from its name.

    Raises
    ------
    WildpaperError
        If the file cannot be read, a line is no prompt, one of the eight is absent or there
        twice. Names file and line.
    """
    found: dict[tuple[Kind, int, bool], JudgePrompt] = {}
    for _, where, prompt in read_json_lines(path, "the prompts", _parse, _HINT):
        purpose = (prompt.kind, prompt.turns, prompt.has_reference)
        if purpose in found:
            raise WildpaperError(
                f"The prompts {found[purpose].name} and {prompt.name} are for the same purpose",
                where=where,
                hint=_HINT,
            )
        found[purpose] = prompt
    if len(found) < 2 * len(_HOLES):
        raise WildpaperError(
            f"There are {len(found)} of the eight prompts of a judge", where=str(path), hint=_HINT
        )
    return found


def _parse(line: str) -> JudgePrompt:
    """Return the prompt of a line, or raise ValueError that says what is wrong with it."""
    raw = json_object(line)
    name, system, template = (raw.get(k) for k in ("name", "system_prompt", "prompt_template"))
    if not (isinstance(name, str) and isinstance(system, str) and isinstance(template, str)):
        raise ValueError("name, system_prompt or prompt_template is no text")
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"The prompt {name} is of no known type")
    holes = set(_HOLE.findall(template))
    for two_turns in (False, True):
        rest = holes - _HOLES[_KINDS[kind], two_turns]
        if len(holes) - len(rest) == len(_HOLES[_KINDS[kind], two_turns]) and (
            not rest or rest == _REFERENCES[two_turns]
        ):
            return JudgePrompt(name, _KINDS[kind], system, template, 1 + two_turns, bool(rest))
    raise ValueError(f"The template of the prompt {name} has other holes than it must")
