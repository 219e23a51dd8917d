"""What is redacted of what was found: the rules of ``data/redaction/rules.yaml``, applied.

The rules are data; nothing here knows a kind of entity by name. All functions are pure, so
that a released text can be judged again by the same rules (the leak scan does).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from wildpaper.config_errors import explain
from wildpaper.config_section import Section
from wildpaper.errors import WildpaperError
from wildpaper.release.redaction.redaction_spans import (
    PLACEHOLDER,
    SECRET,
    Redaction,
    Span,
    without_overlaps,
)
from wildpaper.yaml_text import parse_yaml

DEFAULT_RULES = Path(__file__).resolve().parents[4] / "data" / "redaction" / "rules.yaml"
_LONGEST_CUE = 40
"""Characters that a cue word may reach beyond the window before the search for it ends."""


class Cue(Section):
    """What must stand near a value, or begin it."""

    words: tuple[str, ...] = ()
    before: int = Field(default=0, ge=0)
    after: int = Field(default=0, ge=0)
    prefixes: tuple[str, ...] = ()


class Refuse(Section):
    """Values, in lower case, that are left as they are."""

    equals: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()


class Rule(Section):
    """One kind; the keys are described at the top of the file of rules."""

    kind: str = Field(pattern=r"^[A-Z][A-Z_]*$")
    fewer_than: int = Field(ge=1)
    languages: tuple[str, ...] | None = None
    longer_than: int = Field(default=0, ge=0)
    words: int = Field(default=1, ge=1)
    capitalised: bool = False
    characters: str | None = None
    contains: tuple[str, ...] = ()
    refuse: Refuse = Refuse()
    refuse_preceded_by: str = ""
    refuse_texts: tuple[str, ...] = ()
    cue: Cue | None = None

    @field_validator("characters")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else _checked_pattern(pattern)


class Detector(Section):
    """One detector of detect-secrets."""

    plugin: str
    needs: tuple[str, ...] = ()
    whole: bool = False


class Widen(Section):
    """How far around a secret the replaced text reaches."""

    detail: str
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        return _checked_pattern(pattern)


class Secrets(Section):
    """Which secrets are looked for and how they are replaced."""

    plugins: tuple[Detector, ...]
    whole_below: int = Field(default=0, ge=0)
    refuse: tuple[str, ...] = ()
    widen: tuple[Widen, ...] = ()


class Rules(Section):
    """The file of rules."""

    version: int
    kinds: tuple[Rule, ...] = Field(min_length=1)
    secrets: Secrets

    @model_validator(mode="after")
    def _distinct(self) -> "Rules":
        names = self.names
        if len(set(names)) < len(names) or SECRET in names:
            raise ValueError(f"each kind may stand here once, and {SECRET} not at all")
        return self

    @property
    def names(self) -> list[str]:
        """The kinds in their order."""
        return [rule.kind for rule in self.kinds]


def load_rules(path: Path | None = None) -> Rules:
    """Read a file of rules; None: `DEFAULT_RULES`.

    Raises
    ------
    WildpaperError
        If the file cannot be read, lacks a key or holds an unknown one, or a pattern is no
        regular expression; names the file and the key.
    """
    path = path or DEFAULT_RULES
    hint = "The comments at the top of data/redaction/rules.yaml describe its form."
    try:
        return Rules.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        what, where = explain(error, Rules, [path])
        what = what.replace("Invalid configuration", "Invalid rules of redaction")
        raise WildpaperError(what, where=f"{path}: {where}", hint=hint) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WildpaperError(
            f"Cannot read the rules of redaction: {error}", where=str(path), hint=hint
        ) from error


def frequency_key(value: str) -> str:
    """Return the form in which values are counted: stripped, in lower case."""
    return value.strip().lower()


def redactions_of(
    text: str,
    language: str,
    spans: Iterable[Span],
    frequencies: Mapping[tuple[str, str], int],
    rules: Rules,
) -> list[Redaction]:
    """Return what the rules redact of the findings in one text.

    Parameters
    ----------
    text : str
        The unredacted text.
    language : str
        lingua's name of its language.
    spans : iterable of Span
        All findings in it; those of kinds without a rule are passed over.
    frequencies : mapping of (kind, value) to int
        Conversations in which a value occurs, the value as `frequency_key` gives it;
        values that are absent count as rare.
    rules : Rules
        See `load_rules`.

    Returns
    -------
    list of Redaction
        Sorted, without overlaps (see `without_overlaps`).
    """
    by_kind = {rule.kind: rule for rule in rules.kinds}
    chosen = []
    for span in spans:
        rule = by_kind.get(span.entity)
        if rule is None:
            continue
        value = text[span.start : span.end]
        known = frequencies.get((span.entity, frequency_key(value)), 0)
        if known < rule.fewer_than and is_within(rule, text, language, span.start, span.end):
            chosen.append(Redaction(span.start, span.end, span.entity, ""))
    return without_overlaps(chosen, rules.names)


def is_within(rule: Rule, text: str, language: str, start: int, end: int) -> bool:
    """Say whether a finding passes all keys of a rule but the document frequency."""
    value = text[start:end]
    if rule.languages is not None and language not in rule.languages:
        return False
    if start > 0 and text[start - 1] in rule.refuse_preceded_by:
        return False
    if not _has_form(rule, value) or _is_refused(rule.refuse, value.lower().strip()):
        return False
    if rule.cue is not None and not _has_cue(rule.cue, text, start, end):
        return False
    return not (rule.refuse_texts and words_pattern(rule.refuse_texts).search(text))


@lru_cache(maxsize=256)
def words_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern that finds any of some words, as the file of rules describes them."""
    return re.compile("|".join(_word_pattern(word) for word in words), re.IGNORECASE)


def _word_pattern(word: str) -> str:
    bare = word.strip("*")
    escaped = r"\s+".join(re.escape(part) for part in bare.split()).replace("'", "['’]")
    left = "" if word.startswith("*") else r"(?<!\w)"
    return left + escaped + ("" if word.endswith("*") else r"(?!\w)")


def _has_form(rule: Rule, value: str) -> bool:
    """Say whether a value has the length, words and characters that the rule asks for."""
    words = value.split()
    lowered = value.lower()
    return (
        len(value) > rule.longer_than
        and len(words) >= rule.words
        and not (rule.capitalised and not all(word[0].isupper() for word in words))
        and not (rule.characters and not _all_of(rule.characters).fullmatch(value))
        and not (rule.contains and not any(part in lowered for part in rule.contains))
    )


@lru_cache(maxsize=64)
def _all_of(characters: str) -> re.Pattern[str]:
    return re.compile(f"(?:{characters})+")


def _is_refused(refuse: Refuse, value: str) -> bool:
    return (
        value in refuse.equals
        or value.startswith(refuse.starts)
        or value.endswith(refuse.ends)
        or any(part in value for part in refuse.contains)
    )


def _has_cue(cue: Cue, text: str, start: int, end: int) -> bool:
    if text.startswith(cue.prefixes, start, end):
        return True
    if not cue.words:
        return False
    text = _without_placeholders(text)
    before, after = max(0, start - cue.before), min(len(text), end + cue.after)
    pattern = words_pattern(cue.words)
    if pattern.search(text, before, start):
        return True
    # A word must not only seem whole because the search ends within it.
    near = pattern.finditer(text, end, min(len(text), after + _LONGEST_CUE))
    return any(match.end() <= after for match in near)


@lru_cache(maxsize=1)
def _without_placeholders(text: str) -> str:
    return PLACEHOLDER.sub(lambda found: "_" * len(found[0]), text)


def _checked_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return pattern
