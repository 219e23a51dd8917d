"""The file of patterns, ``data/jailbreaks.yaml``, read and compiled."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wildpaper.annotate.jailbreaks.normalise import Letters
from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml

_BETWEEN = r"[\W_]{0,3}"
_PLAIN = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Family(_Section):
    """One family of ``data/jailbreaks.yaml``."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str = Field(min_length=1)
    phrases: list[str] = Field(min_length=1)
    unless_after: list[str] = []
    unless_before: list[str] = []


class _PatternFile(_Section):
    """``data/jailbreaks.yaml``."""

    version: int = Field(ge=1)
    families: list[_Family] = Field(min_length=1)
    adverbs: list[str] = []
    stand_ins: dict[str, str] = {}
    lookalikes: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of a family.

    Attributes
    ----------
    family : str
        The id.
    letters, folded : str
        Its letters without blanks, as they are and as classes of stand-ins.
    seams : frozenset of int
        After how many letters a new word begins.
    ordinary_before, ordinary_after : re.Pattern or None
        Finds, in what stands before or behind, a word that makes it ordinary language.
    """

    family: str
    letters: str
    folded: str
    seams: frozenset[int]
    ordinary_before: re.Pattern[str] | None
    ordinary_after: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class JailbreakPatterns:
    """All phrases in the order of their families, and what may stand for letters.

    Attributes
    ----------
    version : int
        Of the file.
    phrases : tuple of Phrase
    letters : Letters
        What normalising replaces.
    fold : mapping of int to str
        Characters that may stand for one another become one.
    allowed : mapping of str to str
        {letter of a phrase: what may stand for it, besides itself}.
    """

    version: int
    phrases: tuple[Phrase, ...]
    letters: Letters
    fold: Mapping[int, str]
    allowed: Mapping[str, str]


def read_families(path: Path) -> dict[str, str]:
    """Return {family: its name in the paper} of ``data/jailbreaks.yaml``, in the order of Table 8.

    Raises
    ------
    WildpaperError
        See `read_patterns`.
    """
    return {family.id: family.name for family in _read(path).families}


def read_patterns(path: Path) -> JailbreakPatterns:
    """Read ``data/jailbreaks.yaml``.

    Raises
    ------
    WildpaperError
        If the file cannot be read, has another form, or a family occurs twice.
    """
    file = _read(path)
    lists = [file.adverbs]
    lists += [[*f.phrases, *f.unless_after, *f.unless_before] for f in file.families]
    for words in (words for listed in lists for words in listed):
        if not _PLAIN.fullmatch(words):
            raise _invalid(path, f"{words!r} is not made of lower-case letters, digits and blanks")
    fold = _classes(file.stand_ins)
    phrases = [
        _phrase(family, phrase, file.adverbs, fold)
        for family in file.families
        for phrase in family.phrases
    ]
    letters = Letters(file.lookalikes)
    return JailbreakPatterns(file.version, tuple(phrases), letters, fold, file.stand_ins)


def _read(path: Path) -> _PatternFile:
    try:
        file = _PatternFile.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise _invalid(path, str(error)) from error
    ids = [family.id for family in file.families]
    if len(set(ids)) < len(ids):
        raise _invalid(path, f"a family occurs twice among {ids}")
    for letter in (*file.stand_ins, *file.lookalikes):
        if not re.fullmatch("[a-z0-9]", letter):
            raise _invalid(path, f"{letter!r} is not one small Latin letter or digit")
    return file


def _classes(stand_ins: Mapping[str, str]) -> dict[int, str]:
    """Return what each character is folded to: one letter for all that a chain of them joins."""
    fold: dict[str, str] = {}
    for letter, likes in stand_ins.items():
        joined = {fold.get(c, c) for c in letter + likes}
        lowest = min(joined, key=lambda c: (not c.isalpha(), c))
        fold |= {c: lowest for c in [*fold, *letter, *likes] if fold.get(c, c) in joined}
    return {ord(c): to for c, to in fold.items()}


def _phrase(family: _Family, phrase: str, adverbs: list[str], fold: Mapping[int, str]) -> Phrase:
    words = phrase.split()
    letters = "".join(words)
    before = after = None
    if family.unless_after:
        between = rf"(?:(?:{_one_of(adverbs)}|[a-z]+ly)[\s-])?" if adverbs else ""
        before = re.compile(
            rf"(?<![a-z0-9])(?:{_one_of(family.unless_after)})[\s-]{{1,2}}{between}\Z"
        )
    if family.unless_before:
        after = re.compile(rf"\A[\s'’-]{{1,2}}(?:{_one_of(family.unless_before)})(?![a-z0-9])")
    seams = frozenset(accumulate(map(len, words[:-1])))
    return Phrase(family.id, letters, letters.translate(fold), seams, before, after)


def _one_of(phrases: Iterable[str]) -> str:
    """Return the expression of some phrases: their words, with little between them."""
    return "|".join(_BETWEEN.join(phrase.split()) for phrase in phrases)


def _invalid(path: Path, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Invalid jailbreak patterns: {problem}",
        where=str(path),
        hint="The comments at the top of data/jailbreaks.yaml describe its form.",
    )
