"""Findings and redactions as ranges of characters: overlaps, placeholders."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SECRET = "SECRET"  # noqa: S105
"""The kind of keys and passwords."""


class Span(NamedTuple):
    """A finding: characters (code points) of the unredacted text, and what they may be."""

    start: int
    end: int
    entity: str
    score: float


class Redaction(NamedTuple):
    """Characters of the unredacted text that a placeholder takes the place of."""

    start: int
    end: int
    kind: str
    detail: str


def without_overlaps(redactions: Iterable[Redaction], order: Sequence[str]) -> list[Redaction]:
    """Return redactions that do not overlap, sorted.

    The longest comes first; of equal length the kind that comes first in `order` (kinds that
    are not in it last), then the place. Of one that overlaps an earlier one the rest is
    redacted for itself, so that no part of a finding is left.
    """
    rank = {kind: place for place, kind in enumerate(order)}

    def precedence(one: Redaction) -> tuple[int, int, int, str]:
        return one.start - one.end, rank.get(one.kind, len(rank)), one.start, one.detail

    kept: list[Redaction] = []
    for one in sorted(set(redactions), key=precedence):
        rest = [(one.start, one.end)]
        for other in kept:
            rest = [piece for start, end in rest for piece in _outside(start, end, other)]
        kept.extend(one._replace(start=start, end=end) for start, end in rest)
    return sorted(kept)


def cover(text: str, redactions: Iterable[Redaction]) -> str:
    """Return a text with a placeholder for each redaction; these must not overlap."""
    parts, at = [], 0
    for one in sorted(redactions):
        parts += [text[at : one.start], placeholder(one.kind, one.detail)]
        at = one.end
    return "".join(parts) + text[at:]


PLACEHOLDER = re.compile(r"<(?:PRESIDIO_ANONYMIZED|DETECT_SECRETS_REDACTED)_[A-Z0-9_]*>")
"""What `placeholder` gives. The kind that it names is no cue to what stands beside it."""


def placeholder(kind: str, detail: str = "") -> str:
    """Return what stands in the place of a redacted value."""
    if kind == SECRET:
        return f"<DETECT_SECRETS_REDACTED_{detail}>"
    return f"<PRESIDIO_ANONYMIZED_{kind}>"


def _outside(start: int, end: int, other: Redaction) -> list[tuple[int, int]]:
    """Return the pieces of a range that lie outside of a redaction."""
    pieces = [(start, min(end, other.start)), (max(start, other.end), end)]
    return [(first, last) for first, last in pieces if first < last]
