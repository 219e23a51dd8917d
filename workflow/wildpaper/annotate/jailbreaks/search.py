"""Which family's phrase is in a text."""

import re
from itertools import pairwise

from wildpaper.annotate.jailbreaks.normalise import MARKUP, normalise
from wildpaper.annotate.jailbreaks.patterns import JailbreakPatterns, Phrase

_APART = re.compile(r"[\W_]+")
_SENTENCE_ENDS = re.compile(r"[.?!;,:]\s")
_NO_MARKUP = str.maketrans("", "", MARKUP)
_LONGEST_MARKUP = 8
_LONGEST_GAP = 3
_LONGEST_SEAM = 12
_CONTEXT = 40


def family_of(text: str, patterns: JailbreakPatterns) -> str | None:
    """Return the family of a message: the first in the file whose phrase is in it, or None.

    Phrases are sought in the letters alone; where one is, what stands between its letters and
    around it says whether it is a name. The time grows with the length of the text, whatever
    it holds.
    """
    normal = normalise(text, patterns.letters)
    folded = normal.translate(patterns.fold)
    letters = _APART.sub("", folded)
    places: list[int] = []
    for phrase in patterns.phrases:
        start = letters.find(phrase.folded)
        while start >= 0:
            places = places or [i for i, c in enumerate(folded) if c.isalnum()]
            if _is_name(normal, places[start : start + len(phrase.letters)], phrase, patterns):
                return phrase.family
            start = letters.find(phrase.folded, start + 1)
    return None


def _is_name(text: str, places: list[int], phrase: Phrase, patterns: JailbreakPatterns) -> bool:
    """Say whether the letters at some places of a normalised text are a name."""
    first, last = places[0], places[-1] + 1
    if last - first > _LONGEST_SEAM * len(places):
        return False
    if _is_letter(text[first - 1 : first]) or _is_letter(text[last : last + 1]):
        return False
    for place, letter in zip(places, phrase.letters, strict=True):
        if text[place] != letter and text[place] not in patterns.allowed.get(letter, ""):
            return False
    gaps = [text[a + 1 : b] for a, b in pairwise(places)]
    return (_is_written(gaps, phrase) and not _is_ordinary(text, first, last, phrase)) or (
        _is_apart(gaps, phrase)
    )


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _is_written(gaps: list[str], phrase: Phrase) -> bool:
    """Say whether there is but markup between letters, and little between words."""
    seams = [gap for n, gap in enumerate(gaps, 1) if n in phrase.seams]
    alike = len(seams) > 1 and len(set(seams)) == 1
    return all(
        len(gap) <= _LONGEST_MARKUP and not gap.strip(MARKUP)
        for n, gap in enumerate(gaps, 1)
        if n not in phrase.seams
    ) and all(
        len(gap) <= _LONGEST_SEAM
        and len(gap.translate(_NO_MARKUP)) <= _LONGEST_GAP
        and (alike or not _SENTENCE_ENDS.search(gap.translate(_NO_MARKUP)))
        for gap in seams
    )


def _is_apart(gaps: list[str], phrase: Phrase) -> bool:
    """Say whether the letters stand alone, or by twos, with little between them."""
    if any(not a and not b for a, b in pairwise(gaps)):
        return False
    return all(
        len(gap.translate(_NO_MARKUP)) <= _LONGEST_GAP * (1 + (n in phrase.seams))
        for n, gap in enumerate(gaps, 1)
    )


def _is_ordinary(text: str, first: int, last: int, phrase: Phrase) -> bool:
    before = text[max(0, first - _CONTEXT) : first].translate(_NO_MARKUP)
    after = text[last : last + _CONTEXT].translate(_NO_MARKUP)
    return bool(
        (phrase.ordinary_before and phrase.ordinary_before.search(before))
        or (phrase.ordinary_after and phrase.ordinary_after.search(after))
    )
