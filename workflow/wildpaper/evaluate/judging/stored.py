"""Lines of files of judgments in FastChat's format."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError

_LOG = logging.getLogger("wildpaper")

_WINNERS = {"model_1": "first", "model_2": "second", "tie": "tie", "error": "error"}
_LARGEST = 2**31
_HINT = (
    "A line is a JSON object with question_id, turn, judge (a list: the judge and its prompt) and "
    "either model, judgment and score, or model_1, model_2, g1_judgment, g1_winner, g2_judgment "
    "and g2_winner, as FastChat's gen_judgment.py writes it."
)


@dataclass(frozen=True, slots=True)
class SingleRecord:
    """A stored grade: the `text` of the judgment, and the `score` that stands beside it."""

    where: str
    judge: str
    question_id: int
    turn: int
    models: tuple[str, ...]
    text: str
    score: float

    @property
    def key(self) -> tuple[object, ...]:
        """What only one judgment may be on."""
        return (self.judge, self.question_id, self.turn, self.models)

    @property
    def said(self) -> tuple[object, ...]:
        """What it says."""
        return (self.text, self.score)


@dataclass(frozen=True, slots=True)
class PairRecord:
    """A stored comparison: in the first order, in which `models` stand, and in the second.

    `winners` are ``first`` or ``second`` of the models, ``tie`` or ``error``.
    """

    where: str
    judge: str
    question_id: int
    turn: int
    models: tuple[str, ...]
    texts: tuple[str, str]
    winners: tuple[str, str]

    @property
    def key(self) -> tuple[object, ...]:
        """What only one judgment may be on: the same pair in the other order is none of its own."""
        return (self.judge, self.question_id, self.turn, frozenset(self.models))

    @property
    def said(self) -> tuple[object, ...]:
        """What it says."""
        return (self.models, self.texts, self.winners)


Record = SingleRecord | PairRecord


def read_records(paths: Iterable[Path]) -> tuple[list[Record], int]:
    """Return the judgments of some files, and how many lines hold none.

    Raises
    ------
    WildpaperError
        If a file cannot be read, or holds no judgment at all.

    Notes
    -----
    Lines that hold none, such as the last of a copy that was cut off, go to the log with
    file and number of the first; no text is quoted.
    """
    records: list[Record] = []
    n_unreadable = 0
    for path in paths:
        found, unreadable = _read(path)
        if not found:
            raise WildpaperError("There is no judgment in the file", where=str(path), hint=_HINT)
        if unreadable:
            _LOG.warning(
                "%s, line %s: %s; %s such lines are left out",
                path, *next(iter(unreadable.items())), len(unreadable),
            )  # fmt: skip
        records += found
        n_unreadable += len(unreadable)
    return records, n_unreadable


def _read(path: Path) -> tuple[list[Record], dict[int, str]]:
    """Return the judgments of a file, and {line: what is wrong with it}."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise WildpaperError(
            f"Cannot read the stored judgments: {error.strerror}", where=str(path)
        ) from error
    records: list[Record] = []
    unreadable: dict[int, str] = {}
    # not splitlines: a text may hold U+2028, which JSON leaves as it is
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append(parse_record(line, f"{path}, line {number}"))
            except ValueError as error:
                unreadable[number] = str(error)
    return records, unreadable


def parse_record(line: str, where: str) -> Record:
    """Return the judgment of a line.

    Raises
    ------
    ValueError
        If it is none; says what is wrong and quotes no text.
    """
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    judge = raw.get("judge")
    judge = judge[0] if isinstance(judge, list) and judge else judge
    number, turn = _whole(raw, "question_id"), _whole(raw, "turn")
    if not isinstance(judge, str):
        raise ValueError("judge is not what it must be")
    if "model" in raw:
        models = (_text(raw, "model"),)
        return SingleRecord(
            where, judge, number, turn, models, _text(raw, "judgment"), _number(raw, "score")
        )
    pair = (_text(raw, "model_1"), _text(raw, "model_2"))
    winners = (raw.get("g1_winner"), raw.get("g2_winner"))
    if not all(isinstance(one, str) and one in _WINNERS for one in winners) or pair[0] == pair[1]:
        raise ValueError("g1_winner, g2_winner or the models are not what they must be")
    texts = (_text(raw, "g1_judgment"), _text(raw, "g2_judgment"))
    first, second = (_WINNERS[str(one)] for one in winners)
    return PairRecord(where, judge, number, turn, pair, texts, (first, second))


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not what it must be")
    return value


def _whole(raw: dict[str, Any], key: str) -> int:
    value = raw.get(key)
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ValueError(f"{key} is not what it must be")
    return value


def _number(raw: dict[str, Any], key: str) -> float:
    value: Any = raw.get(key)
    if type(value) not in (int, float) or not abs(value) <= _LARGEST:
        raise ValueError(f"{key} is not what it must be")
    return float(value)
