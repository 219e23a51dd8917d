"""The rules of redaction applied to what was released: nothing may be left to redact."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from wildpaper.progress import Progress
from wildpaper.release.redaction.entities import find_in_texts
from wildpaper.release.redaction.redaction_rules import frequency_key, load_rules
from wildpaper.release.redaction.redaction_spans import PLACEHOLDER, Redaction, Span
from wildpaper.release.redaction.redactor import all_redactions

_FILLER = f"<{'·' * 198}>"
_Text = tuple[str, str]


@dataclass(slots=True)
class Remains:
    """What the rules find in released texts.

    Attributes
    ----------
    n_texts : int
        Different texts that were looked at.
    leaks : Counter
        By (file, kind): places that the rules would redact.
    left : Counter
        By kind: places in the full release that were found and that the rules leave.
    """

    n_texts: int = 0
    leaks: Counter[tuple[Path, str]] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)


def remains_of(
    full: list[Path],
    public: list[Path],
    frequencies: Path,
    rules: Path,
    secrets: bool,
    pattern_languages: Collection[str] | None,
    chunk_characters: int = 100_000,
) -> Remains:
    """Look in released texts for what the rules redact.

    Parameters
    ----------
    full, public : list of Path
        Parquet files of the two variants.
    frequencies : Path
        See `wildpaper.schema.FREQUENCIES`; of the texts before redaction.
    rules : Path
        The rules of redaction.
    secrets : bool
        Whether keys are looked for.
    pattern_languages : collection of str, optional
        Languages in which patterns are looked for; None: all.
    chunk_characters : int
        Longer messages are looked at in pieces.

    Notes
    -----
    Names are not looked for: what a model finds depends on the words around, and those have
    changed; how many it misses is measured on what was planted. A placeholder counts as 200
    characters that are no cue, since it may be shorter than what it stands for and so bring
    cues nearer than they were.
    """
    known = load_rules(rules)
    texts = _texts_of(full, public)
    rare = _rarity(frequencies)
    found = Remains(n_texts=len(texts))
    progress = Progress("rules on released texts", len(texts), "texts")
    findings = find_in_texts(map(_shown, texts), known.names, {}, "all", chunk_characters)
    for key, spans in zip(texts, findings, strict=True):
        text, language = _shown(key)
        covered = pattern_languages is None or language in pattern_languages
        looked_at = spans if covered else ()
        redactions = all_redactions(text, language, looked_at, rare, known, secrets)
        _count(found, texts[key], looked_at, redactions, set(full))
        progress.advance(1)
    return found


def _shown(key: _Text) -> _Text:
    text, language = key
    return PLACEHOLDER.sub(_FILLER, text), language


def _count(
    found: Remains,
    files: Counter[Path],
    spans: Sequence[Span],
    redactions: list[Redaction],
    full: set[Path],
) -> None:
    for path, n in files.items():
        for redaction in redactions:
            found.leaks[path, redaction.kind] += n
        if path in full:
            taken = {(one.start, one.end, one.kind) for one in redactions}
            left = {(span.start, span.end, span.entity) for span in spans} - taken
            for _, _, kind in left:
                found.left[kind] += n


def _texts_of(full: list[Path], public: list[Path]) -> dict[_Text, Counter[Path]]:
    """Return {(text, language): {file: messages}} of all released messages."""
    found: dict[_Text, Counter[Path]] = defaultdict(Counter)
    for path in [*full, *public]:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024, columns=["conversation"]):
                messages = batch.column(0).flatten()
                languages = pc.struct_field(messages, "language").to_pylist()
                contents = pc.struct_field(messages, "content").to_pylist()
                for language, text in zip(languages, contents, strict=True):
                    if text:
                        found[text, language or ""][path] += 1
    return found


def _rarity(frequencies: Path) -> dict[tuple[str, str], int]:
    """Return {(kind, value): conversations} of what is no name."""
    table = pq.read_table(frequencies, filters=[("entity", "!=", "PERSON")])
    columns = (table[name].to_pylist() for name in ("entity", "value", "n_conversations"))
    return {(kind, frequency_key(value)): n for kind, value, n in zip(*columns, strict=True)}
