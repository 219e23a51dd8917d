"""Text without what disguises a name in it: look-alikes, characters of no width, markup."""

import html
import re
import unicodedata
from collections.abc import Mapping

MARKUP = "*_`~\\[]|=^#"
"""Characters of Markdown that may stand within a name."""

_FILLERS = frozenset(map(ord, "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"))
_UNSEEN = ("Mn", "Me", "Cf")
_LETTER = re.compile(
    r"(?:LATIN|REGIONAL INDICATOR) .*LETTER (?:(?:SMALL CAPITAL|DOTLESS|SCRIPT|OPEN|LONG) )?"
    r"([A-Z])(?: WITH .*)?"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|center|cite|code|del|div|em|font|h[1-6]|i|ins|kbd|mark|p|pre|q|s|"
    r"samp|small|span|strike|strong|sub|sup|tt|u|var|wbr)(?:[\s/][^<>]*)?>|<!--[^<>]*>"
)
_TARGET = re.compile(r"\]\(([^()]*)\)")


class Letters(dict[int, str | None]):
    """What each character is taken for, as `str.translate` needs it.

    Marks, controls and characters of no width go; a look-alike becomes its Latin letter, and
    so does any form of a Latin letter that Unicode names as such: with a stroke, as a small
    capital, within a circle or square, of a flag. What stays as it is is found out on demand.

    Parameters
    ----------
    lookalikes : mapping of str to str
        {Latin letter: letters that look like it}.
    """

    def __init__(self, lookalikes: Mapping[str, str]) -> None:
        super().__init__({ord(like): to for to, likes in lookalikes.items() for like in likes})

    def __missing__(self, code: int) -> str | None:
        self[code] = _taken_for(code)
        return self[code]


def _taken_for(code: int) -> str | None:
    character = chr(code)
    category = unicodedata.category(character)
    if code in _FILLERS or category in _UNSEEN:
        return None
    if category == "Cc":
        return character if character.isspace() else None
    letter = _LETTER.search(unicodedata.name(character, ""))
    return letter[1].lower() if letter else character


def normalise(text: str, letters: Letters) -> str:
    """Return a text as phrases are sought in it.

    Characters are replaced as `Letters` says, before and after compatibility forms are folded
    (NFKD; marks first, as many of them on one letter take long to sort). Case is folded,
    entities and tags of HTML are resolved and removed, targets of Markdown links go to the
    end, and runs of blanks become one.
    """
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = text.translate(letters)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).translate(letters)
    text = text.casefold()
    if "<" in text:
        text = _TAG.sub("", text)
    if "](" in text:
        text = "\n".join([_TARGET.sub("]", text), *_TARGET.findall(text)])
    return " ".join(text.split())
