"""Presidio's pattern recognizers, asked only where they can find something.

Each function returns what a recognizer finds in a text, span for span, but shows it less of
the text: pieces outside of which its pattern cannot fit, cut at characters that no match
holds. `tests/release/test_entities.py` compares the two.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from wildpaper.release.redaction.redaction_spans import Span

Recognizer = Any
"""A recognizer of Presidio."""

FEWEST_PHONE_DIGITS = 4
"""No valid telephone number of any region is shorter (metadata of phonenumbers)."""

# Presidio matches by the package regex, whose \w takes in combining marks; phonenumbers by re.
_regex: Any = importlib.import_module("regex")
_MAIL_AT = _regex.compile(r"@\w+(?:-+\w+)*\.\w")
_MAIL_LOCAL = _regex.compile(r"[!#$%&'*+\-/=?^_`{|}~.\w]")
_MAIL_DOMAIN = _regex.compile(r"[\w.-]*")
_LINK = _regex.compile(r"\S\.[^\W\d_]{2}")
_BLANK_RUN = _regex.compile(r"[^ \n]+")
_CARD = _regex.compile(r"[13456]\d{3}")
_DIGIT = re.compile(r"\d")
_NUMBER_RUN = re.compile(r"[^bcdfghjklmpqruvwyz\n]+", re.IGNORECASE | re.ASCII)
"""What phonenumbers takes into a candidate: all but these letters, which occur in no word for
an extension either; and it looks at the characters right before and behind it."""


def use_bundled_suffixes() -> None:
    """Keep tldextract, by which Presidio checks mail domains, off the network and the disk.

    It takes the list of public suffixes that comes with the package, for this whole process.
    """
    from tldextract import TLDExtract, tldextract

    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=(), cache_dir=None)


def find_mails(recognizer: Recognizer, kind: str, text: str) -> list[Span]:
    """Return the mail addresses in a text."""
    if "@" not in text:
        return []
    return _in_pieces(recognizer, kind, text, _mail_runs(text))


def find_phones(recognizer: Recognizer, kind: str, text: str) -> list[Span]:
    """Return the telephone numbers in a text."""
    if not _DIGIT.search(text):
        return []
    return _in_pieces(recognizer, kind, text, _phone_runs(text))


def find_cards(recognizer: Recognizer, kind: str, text: str) -> list[Span]:
    """Return the card numbers in a text."""
    if not _CARD.search(text):
        return []
    return _all_of(recognizer, kind, text, 0)


def find_links(recognizer: Recognizer, kind: str, text: str) -> list[Span]:
    """Return the links in a text; none holds a blank."""
    if not _LINK.search(text):
        return []
    return _in_pieces(recognizer, kind, text, _link_runs(text))


def find_others(recognizer: Recognizer, kind: str, text: str) -> list[Span]:
    """Return what any other recognizer finds, which is shown the whole text."""
    return _all_of(recognizer, kind, text, 0)


FINDERS: dict[str, Callable[[Recognizer, str, str], list[Span]]] = {
    "EmailRecognizer": find_mails,
    "PhoneRecognizer": find_phones,
    "CreditCardRecognizer": find_cards,
    "UrlRecognizer": find_links,
}
"""By class of recognizer; for all others `find_others`."""


def _mail_runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield what surrounds each @ that a domain follows; what touches is one piece.

    A match begins at the first place allowed in the run of characters before such an @, so
    that no time is lost in runs without one, which may be as long as the text.
    """
    start, end = 0, -1
    for match in _MAIL_AT.finditer(text):
        first = match.start()
        while first > 0 and _MAIL_LOCAL.match(text, first - 1):
            first -= 1
        if first > end:
            if end > start:
                yield start, end
            start = first
        end = _MAIL_DOMAIN.match(text, match.start() + 1).end()
    if end > start:
        yield start, end


def _phone_runs(text: str) -> Iterator[tuple[int, int]]:
    for match in _NUMBER_RUN.finditer(text):
        start, end = match.span()
        digits = zip(range(FEWEST_PHONE_DIGITS), _DIGIT.finditer(text, start, end), strict=False)
        if end - start >= FEWEST_PHONE_DIGITS and len(list(digits)) == FEWEST_PHONE_DIGITS:
            yield max(0, start - 1), min(len(text), end + 1)


def _link_runs(text: str) -> Iterator[tuple[int, int]]:
    for match in _BLANK_RUN.finditer(text):
        if _LINK.search(text, match.start(), match.end()):
            yield match.span()


def _in_pieces(
    recognizer: Recognizer, kind: str, text: str, pieces: Iterator[tuple[int, int]]
) -> list[Span]:
    found = []
    for start, end in pieces:
        found += _all_of(recognizer, kind, text[start:end], start)
    return found


def _all_of(recognizer: Recognizer, kind: str, text: str, offset: int) -> list[Span]:
    return [
        Span(result.start + offset, result.end + offset, result.entity_type, result.score)
        for result in recognizer.analyze(text, [kind], None)
    ]
