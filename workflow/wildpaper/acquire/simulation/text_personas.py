"""Names of the seven personas of Table 8, as users type them.

Only the well-known name is taken over; the sentences around it are the lexicon's own.
"""

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

SHARE_DISGUISED = 0.15
"""Of the names: written with look-alikes, characters of no width, or odd blanks."""

ZERO_WIDTH = ("\u200b", "\u200c", "\u2060", "\ufeff")


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
    kind = draw()
    if kind < 0.3:
        return name.replace(" ", "\u00a0") if " " in name else _fullwidth(name)
    if kind < 0.6:
        return _fullwidth(name)
    if kind < 0.8:
        return "".join(_bold(character) for character in name)
    at = 1 + int(draw() * (len(name) - 1))
    return name[:at] + ZERO_WIDTH[int(draw() * len(ZERO_WIDTH))] + name[at:]


def normalised_name(text: str) -> str:
    """Return a text as the names are searched in it.

    Compatibility forms are folded (NFKC), characters of no width removed, case folded,
    runs of blanks made one.
    """
    folded = unicodedata.normalize("NFKC", text)
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return " ".join(visible.casefold().split())


def _fullwidth(name: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)


def _bold(character: str) -> str:
    if "A" <= character <= "Z":
        return chr(0x1D5D4 + ord(character) - ord("A"))
    if "a" <= character <= "z":
        return chr(0x1D5EE + ord(character) - ord("a"))
    return character
