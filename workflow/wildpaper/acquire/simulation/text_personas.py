"""Names of the seven personas of Table 8, as users type them.

Only the well-known name is taken over; the sentences around it are the lexicon's own.
"""

import re
import unicodedata

from wildpaper.acquire.simulation.text_tables import Draw

PERSONAS: dict[str, tuple[str, ...]] = {
    "narotica": ("Narotica",),
    "do-anything-now": ("Do Anything Now", "Do Anything Now (DAN)", 'DAN, "Do Anything Now"'),
    "nsfwgpt": ("NsfwGPT", "NSFWGPT"),
    "eroticachan": ("EroticaChan", "Eroticachan"),
    "4chan-user": ("4chan user", "4Chan User"),
    "alphabreak": ("AlphaBreak", "Alphabreak"),
    "jailmommy": ("JailMommy", "Jailmommy"),
}
JAILBREAK_FAMILIES = tuple(PERSONAS)
"""In the order of Table 8."""

SHARE_DISGUISED = 0.2
"""Of the names: written with look-alikes, characters of no width, odd blanks or marks."""

ZERO_WIDTH = ("\u200b", "\u200c", "\u2060", "\ufeff")
LOOK_ALIKES = dict(zip("aceiopsxy", "асеіорѕху", strict=True))
"""Cyrillic letters that look like Latin ones."""
_MARKS = ("**", "*", "_", "`")

DECOYS = (
    "They say that you can do anything now.",
    "The rain is over, so we could do anything now.",
    "Nobody here will do anything now.",
    "Some users of 4chan talk about it, too.",
    "The alpha release may break at any time.",
    "Our mommy keeps a toy jail for the plush bears.",
)
"""Ordinary English that holds words of a name and asks for no persona."""


def persona_name(draw: Draw, family: str) -> str:
    """Return the name of a family, in one of its spellings."""
    names = PERSONAS[family]
    name = names[int(draw() * len(names))]
    case = draw()
    if case < 0.2:
        name = name.lower()
    elif case < 0.35:
        name = name.upper()
    if draw() >= SHARE_DISGUISED:
        return name
    return _disguised(draw, name)


def _disguised(draw: Draw, name: str) -> str:
    kind, at = draw(), 1 + int(draw() * (len(name) - 1))
    if kind < 0.15 and " " in name:
        return name.replace(" ", "\u00a0")
    if kind < 0.35:
        return _fullwidth(name)
    if kind < 0.5:
        return "".join(_bold(character) for character in name)
    if kind < 0.65:
        return name[:at] + ZERO_WIDTH[int(draw() * len(ZERO_WIDTH))] + name[at:]
    if kind < 0.8:
        return "".join(LOOK_ALIKES.get(character, character) for character in name)
    if kind < 0.95 or not name.isalpha():
        mark = _MARKS[int(draw() * len(_MARKS))]
        return f"{mark}{name[:at]}{mark}{name[at:]}"
    return " ".join(name)


def normalised_name(text: str) -> str:
    """Return a text in which the names stand as in `PERSONAS`, but for their case.

    Compatibility forms are folded (NFKC), characters of no width and marks removed, case
    folded, look-alikes replaced, runs of blanks made one, and letters that stand by themselves
    are joined.
    """
    folded = unicodedata.normalize("NFKC", text)
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf" and c not in "*_`")
    latin = visible.casefold().translate(_TO_LATIN)
    return " ".join(_JOINED.sub(lambda found: found[0].replace(" ", ""), latin).split())


_TO_LATIN = {ord(like): letter for letter, like in LOOK_ALIKES.items()}
_JOINED = re.compile(r"(?<![a-z\d])[a-z](?: [a-z]){3,}(?![a-z\d])")


def _fullwidth(name: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)


def _bold(character: str) -> str:
    if "A" <= character <= "Z":
        return chr(0x1D5D4 + ord(character) - ord("A"))
    if "a" <= character <= "z":
        return chr(0x1D5EE + ord(character) - ord("a"))
    return character
