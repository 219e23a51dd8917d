"""How long a text is, in words, whatever its script: the unit of `Traits.n_words`."""

import re

_CJK = r"\u3001-\u30ff\u3400-\u9fff\uff01-\uff60"
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
_UNIT = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")


def count_halves(text: str) -> int:
    """Return the length of a text in half words, so that lengths of parts add up exactly.

    A run of characters between blanks is a word. A Chinese or Japanese character,
    punctuation included, is half a word.
    """
    if not _CJK_CHARACTER.search(text):
        return 2 * len(text.split())
    return sum(1 if _CJK_CHARACTER.match(unit) else 2 for unit in _UNIT.findall(text))


def count_words(text: str) -> float:
    """Return the length of a text in words; see `count_halves`."""
    return count_halves(text) / 2
