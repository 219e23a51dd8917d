"""One answer of a moderation interface: as it arrives, as a stored line, as labels.

A text is known by the SHA-256 of its UTF-8 bytes; no answer holds a text.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wildpaper.schema import MODERATION_CATEGORIES

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")


class Answer(NamedTuple):
    """An answer: when and by which model it was given, and what it says.

    Attributes
    ----------
    date : str
        Day (UTC) on which it was given.
    model : str
        The model that was asked for.
    served : str
        The model that says it answered, for which the other may be an alias; may be empty.
    bits : tuple of bool
        ``flagged`` and the categories, in the order of the schema.
    scores : tuple of float
        Scores of the categories, from 0 to 1.
    """

    date: str
    model: str
    served: str
    bits: tuple[bool, ...]
    scores: tuple[float, ...]

    def is_of(self, model: str) -> bool:
        """Say whether `model` was asked for or has answered; any model where it is empty."""
        return not model or model in (self.model, self.served)


EMPTY = Answer(
    "", "", "", (False,) * (1 + len(MODERATION_CATEGORIES)), (0.0,) * len(MODERATION_CATEGORIES)
)
"""For the empty text, about which nobody is asked."""


def text_digest(text: str) -> bytes:
    """Return the 32 bytes that stand for a text."""
    return hashlib.sha256(text.encode()).digest()


def parse_line(line: bytes) -> tuple[bytes, Answer]:
    """Return the digest of a text and the stored answer to it.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the line holds no answer. What they say is not fit for a log.
    """
    found: dict[str, Any] = json.loads(line)
    digest, date, model = found["sha256"], found["date"], found["model"]
    served = found.get("served", "")
    bits = (found["flagged"], *(found["categories"][name] for name in MODERATION_CATEGORIES))
    scores = tuple(found["category_scores"][name] for name in MODERATION_CATEGORIES)
    if not (
        _DIGEST.fullmatch(digest)
        and _DATE.fullmatch(date)
        and isinstance(model, str)
        and model
        and isinstance(served, str)
        and all(isinstance(bit, bool) for bit in bits)
        and all(_is_score(score) for score in scores)
    ):
        raise ValueError("a field is not allowed")
    scores = tuple(float(score) for score in scores)
    return bytes.fromhex(digest), Answer(date, model, served, bits, scores)


def answer_line(digest: bytes, answer: Answer) -> bytes:
    """Return the line that stores an answer, its end included."""
    line = {"sha256": digest.hex(), "model": answer.model, "date": answer.date}
    if answer.served:
        line["served"] = answer.served
    said = {
        "flagged": answer.bits[0],
        "categories": dict(zip(MODERATION_CATEGORIES, answer.bits[1:], strict=True)),
        "category_scores": dict(zip(MODERATION_CATEGORIES, answer.scores, strict=True)),
    }
    return json.dumps(line | said).encode() + b"\n"


def read_reply(body: Any, n_texts: int, model: str, date: str) -> list[Answer]:
    """Return the answers in a reply of the interface, one a text, in the order of the texts.

    Parameters
    ----------
    body : JSON value
        The reply: ``{"model": …, "results": [{"flagged", "categories", "category_scores"}]}``.
    n_texts : int
        Texts that were asked about.
    model, date : str
        What was asked for, and the day.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the reply is of another form or length. What they say is not fit for a log.

    Notes
    -----
    Categories are named with ``/`` and ``-`` (``harassment/threatening``), by some clients
    with ``_`` as well. A category that the model does not know, or has null for, is not
    flagged and scores 0. Categories that Table 13 lacks (``illicit``) are passed over;
    `flagged` stays what the interface says, also where only such a category is flagged.
    """
    results = body["results"]
    if not isinstance(results, list) or len(results) != n_texts:
        raise ValueError("not one result a text")
    served = body.get("model")
    served = served if isinstance(served, str) and _MODEL.fullmatch(served) else ""
    return [_read_result(result, Answer(date, model, served, (), ())) for result in results]


def _read_result(result: Mapping[str, Any], answer: Answer) -> Answer:
    flags, scores = (_by_name(result[part]) for part in ("categories", "category_scores"))
    if not (set(flags) & set(scores) & set(MODERATION_CATEGORIES)):
        raise ValueError("no category")
    bits = (result["flagged"], *(flags.get(name, False) for name in MODERATION_CATEGORIES))
    numbers = [scores.get(name, 0.0) for name in MODERATION_CATEGORIES]
    if not (all(isinstance(bit, bool) for bit in bits) and all(map(_is_score, numbers))):
        raise ValueError("a field is not allowed")
    return answer._replace(bits=bits, scores=tuple(float(number) for number in numbers))


def _by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.replace("/", "_").replace("-", "_"): value
        for name, value in values.items()
        if value is not None
    }


def _is_score(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def combine(parts: Iterable[Answer]) -> Answer:
    """Return the answer to a text from those to its pieces, as the authors' code does.

    Flagged is what is flagged in any piece; scores are the highest; the date is the latest.
    """
    found = list(parts)
    return found[-1]._replace(
        date=max(part.date for part in found),
        bits=tuple(any(bits) for bits in zip(*(part.bits for part in found), strict=True)),
        scores=tuple(max(scores) for scores in zip(*(part.scores for part in found), strict=True)),
    )
