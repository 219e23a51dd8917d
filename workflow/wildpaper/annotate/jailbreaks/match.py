"""Which jailbreaking prompt a user message is (Table 8), by patterns over normalised text."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wildpaper.annotate.message_batches import (
    KEY,
    count_messages,
    key_table,
    message_batches,
)
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file
from wildpaper.progress import Progress
from wildpaper.schema import write_labels

_BATCH_MESSAGES = 4_096
_BETWEEN = r"[\W_]{0,3}"
_LONGEST_BEFORE = 24


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Family(_Section):
    """One family of ``data/jailbreaks.yaml``."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    phrases: list[str] = Field(min_length=1)
    unless_after: list[str] = []


class _PatternFile(_Section):
    """``data/jailbreaks.yaml``."""

    version: int = Field(ge=1)
    families: list[_Family] = Field(min_length=1)
    lookalikes: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One phrase of a family.

    Attributes
    ----------
    family : str
        The id.
    phrase : re.Pattern
        Finds the phrase in normalised text.
    ordinary : re.Pattern or None
        Finds, in what stands before, a word that makes it ordinary language.
    """

    family: str
    phrase: re.Pattern[str]
    ordinary: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class JailbreakPatterns:
    """All patterns in the order of their families, and the letters that are replaced.

    Attributes
    ----------
    version : int
        Of the file.
    patterns : tuple of Pattern
    replaced : mapping of int to str
        Look-alike code points and what they stand for.
    """

    version: int
    patterns: tuple[Pattern, ...]
    replaced: Mapping[int, str]


def read_patterns(path: Path) -> JailbreakPatterns:
    """Read ``data/jailbreaks.yaml``.

    Raises
    ------
    WildpaperError
        If the file cannot be read, has another form, or a family occurs twice.
    """
    try:
        file = _PatternFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise _invalid(path, str(error)) from error
    ids = [family.id for family in file.families]
    if len(set(ids)) < len(ids):
        raise _invalid(path, f"a family occurs twice among {ids}")
    replaced = {ord(like): to for to, likes in file.lookalikes.items() for like in likes}
    patterns = []
    for family in file.families:
        ordinary = None
        if family.unless_after:
            words = "|".join(_expression(word, path) for word in family.unless_after)
            ordinary = re.compile(rf"(?<![a-z0-9])(?:{words}){_BETWEEN}\Z")
        for phrase in family.phrases:
            whole = rf"(?<![a-z0-9]){_expression(phrase, path)}(?![a-z0-9])"
            patterns.append(Pattern(family.id, re.compile(whole), ordinary))
    return JailbreakPatterns(file.version, tuple(patterns), replaced)


def normalise(text: str, replaced: Mapping[int, str]) -> str:
    """Return a text as patterns see it.

    Compatibility forms folded (NFKC), case folded, combining marks and format
    characters (among them those of width zero) removed, look-alikes replaced, runs of
    blanks made one.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        apart = unicodedata.normalize("NFD", text)
        text = "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Cf"))
        text = text.translate(replaced)
    return " ".join(text.split())


def family_of(text: str, patterns: JailbreakPatterns) -> str | None:
    """Return the family of a message: the first in the file whose phrase is in it, or None."""
    normal = normalise(text, patterns.replaced)
    for pattern in patterns.patterns:
        for found in pattern.phrase.finditer(normal):
            before = normal[max(0, found.start() - _LONGEST_BEFORE) : found.start()]
            if pattern.ordinary is None or not pattern.ordinary.search(before):
                return pattern.family
    return None


def match_jailbreaks(messages: Path, patterns: Path, labels: Path, route: str = "computed") -> None:
    """Label one shard of messages; only user messages can belong to a family.

    Parameters
    ----------
    messages : Path
        Shard of canonical messages.
    patterns : Path
        ``data/jailbreaks.yaml``.
    labels : Path
        Shard of labels to write; no family is null.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file cannot be used.
    """
    compiled = read_patterns(patterns)
    progress = Progress(f"{labels.stem}: jailbreaks", count_messages(messages), "messages")
    keys: list[pa.RecordBatch] = []
    found: list[str | None] = []
    known: dict[str, str | None] = {}
    for batch in message_batches(messages, ("role", "text"), _BATCH_MESSAGES):
        known.clear()
        from_user = pc.equal(batch.column("role").cast(pa.string()), "user").to_pylist()
        for is_user, text in zip(from_user, batch.column("text").to_pylist(), strict=True):
            if is_user and text not in known:
                known[text] = family_of(text, compiled)
            found.append(known[text] if is_user else None)
        keys.append(batch.select(list(KEY)))
        progress.advance(batch.num_rows)
    table = key_table(keys).append_column("family", pa.array(found, pa.string()))
    write_labels(labels, "jailbreak", table, _annotator(compiled, patterns), route)


def _annotator(compiled: JailbreakPatterns, patterns: Path) -> str:
    return f"jailbreaks-{compiled.version}-{sha256_file(patterns)[:8]}"


def _expression(phrase: str, path: Path) -> str:
    """Return the regular expression of a phrase: its words, with little between them."""
    words = phrase.split()
    if not words or normalise(phrase, {}) != phrase or not phrase.replace(" ", "").isalnum():
        raise _invalid(path, f"{phrase!r} is not made of lower-case letters, digits and blanks")
    return _BETWEEN.join(re.escape(word) for word in words)


def _invalid(path: Path, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Invalid jailbreak patterns: {problem}",
        where=str(path),
        hint="The comments at the top of data/jailbreaks.yaml describe its form.",
    )
