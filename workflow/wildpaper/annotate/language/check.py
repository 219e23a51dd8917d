"""Language, length and number of languages of sampled messages, to check recorded labels with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from lingua import DetectionResult, LanguageDetector

from wildpaper.annotate.language.detect import annotator_name, build_detector, detect
from wildpaper.annotate.message_batches import KEY, key_table, message_batches
from wildpaper.annotate.message_sample import Marks, sample_messages
from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.progress import Progress
from wildpaper.release.redaction.redaction_spans import PLACEHOLDER
from wildpaper.schema import write_labels

MIXED_CHARACTERS = 1_000
"""Several languages are looked for in the beginning of a text, up to here."""

MIXED_SHARE = 0.1
"""Share of the letters from which on a language counts."""

MIXED_CONFIDENCE = 0.35
"""Confidence from which on a language counts, all its sections taken together."""

_BATCH_MESSAGES = 10_000
_BATCH_TEXTS = 250


def check_language(
    messages: list[Path],
    labels: list[Path],
    dataset: str,
    languages: str | Sequence[str] = "all",
    accuracy: str = "high",
    n_messages: int = 20_000,
    seed: int = 0,
    n_mixed: int = 4_000,
) -> None:
    """Write the label `language_check` of messages sampled from a data set.

    The sample is that of `wildpaper.annotate.message_sample`.

    Parameters
    ----------
    messages, labels : list of Path
        All shards of ingest of a data set; as many to write, with rows for the sampled
        messages only.
    dataset : str
        Named in the progress lines.
    languages, accuracy
        See `wildpaper.annotate.language.detect.build_detector`.
    n_messages : int
        Messages to sample, at most; 0 writes files without rows.
    seed : int
        Seed of the run.
    n_mixed : int
        Of these, the messages of the lowest hash in which several languages are looked
        for, at most: that takes six to eight times as long as to name one.

    Raises
    ------
    WildpaperError
        If a shard cannot be read, or a language is unknown.

    Notes
    -----
    `n_characters` counts code points without blank space at both ends. `n_languages` is
    0 where the text has no language or was not looked into, else see `count_languages`.
    """
    if len(messages) != len(labels):
        raise ValueError("as many label files as shards")
    detector = build_detector(languages, accuracy)
    sizes = n_messages, min(n_mixed, n_messages)
    sampled, mixed = sample_messages(messages, sizes, seed)
    n_sampled = sum(int(marks.sum()) for marks in sampled)
    progress = Progress(f"{dataset}: languages to check", n_sampled, "messages")
    for i, (shard, path) in enumerate(zip(messages, labels, strict=True)):
        tables = []
        for keys, texts, into in _sampled_texts(shard, sampled[i], mixed[i]):
            tables.append(_labels(detector, keys, texts, into))
            progress.advance(len(texts))
        table = pa.concat_tables(tables) if tables else _labels(detector, key_table([]), [], [])
        write_labels(path, "language_check", table, annotator_name(languages, accuracy), "computed")


def count_languages(detector: LanguageDetector, texts: list[str]) -> list[int]:
    """Return in how many languages each text is written, at least 1.

    lingua parts the first `MIXED_CHARACTERS` of a text into sections of one language.
    Alone they cannot be trusted (the part is experimental, and single words are easily
    taken for another language), so all sections of one language are joined and looked
    at once more; the language that they then show counts if it is certain and long
    enough, see `MIXED_CONFIDENCE` and `MIXED_SHARE`. Placeholders of redaction, which are
    English words, are no part of the text.

    Parameters
    ----------
    detector : lingua.LanguageDetector
    texts : list of str
        Each has a language.
    """
    texts = [PLACEHOLDER.sub(" ", text)[:MIXED_CHARACTERS] for text in texts]
    sections = detector.detect_multiple_languages_in_parallel_of(texts)
    parts = [_joined(text, own) for text, own in zip(texts, sections, strict=True)]
    shown = iter(detect(detector, [part for own in parts if len(own) > 1 for part in own]))
    counts = []
    for own in parts:
        n_letters: Counter[str] = Counter()
        for part in own if len(own) > 1 else []:
            name, confidence = next(shown)
            n_letters[name if confidence >= MIXED_CONFIDENCE else NO_LANGUAGE] += _letters(part)
        least = MIXED_SHARE * n_letters.total()
        counts.append(
            max(1, sum(n >= least for name, n in n_letters.items() if n and name != NO_LANGUAGE))
        )
    return counts


def _joined(text: str, sections: list[DetectionResult]) -> list[str]:
    """Return the sections of each language, joined by spaces."""
    by_language: dict[str, list[str]] = {}
    for section in sections:
        part = text[section.start_index : section.end_index]
        by_language.setdefault(section.language.name, []).append(part)
    return [" ".join(parts) for parts in by_language.values()]


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _labels(
    detector: LanguageDetector, keys: pa.Table, texts: list[str], into: Sequence[bool]
) -> pa.Table:
    """Return the labels of some messages; `into` marks those that are looked into."""
    found = detect(detector, texts)
    spoken = [mark and name != NO_LANGUAGE for mark, (name, _) in zip(into, found, strict=True)]
    counts = iter(
        count_languages(detector, [t for t, mark in zip(texts, spoken, strict=True) if mark])
    )
    columns = {
        "language": pa.array([name for name, _ in found], pa.string()),
        "confidence": pa.array([confidence for _, confidence in found], pa.float32()),
        "n_characters": pa.array([len(text.strip()) for text in texts], pa.int32()),
        "n_languages": pa.array([next(counts) if mark else 0 for mark in spoken], pa.int32()),
    }
    for name, values in columns.items():
        keys = keys.append_column(name, values)
    return keys


def _sampled_texts(
    path: Path, sampled: Marks, mixed: Marks
) -> Iterator[tuple[pa.Table, list[str], list[bool]]]:
    """Yield (keys, texts, whether to look into them) of the sampled messages, some at a time."""
    waiting: list[pa.Table] = []
    row = 0
    for batch in message_batches(path, ("text",), _BATCH_MESSAGES) if sampled.any() else []:
        here = slice(row, row + batch.num_rows)
        row = here.stop
        table = pa.Table.from_batches([batch]).append_column("into", pa.array(mixed[here]))
        waiting.append(table.filter(pa.array(sampled[here])))
        while sum(map(len, waiting)) >= _BATCH_TEXTS:
            together = pa.concat_tables(waiting)
            yield _parts(together.slice(0, _BATCH_TEXTS))
            waiting = [together.slice(_BATCH_TEXTS)]
    if sum(map(len, waiting)):
        yield _parts(pa.concat_tables(waiting))


def _parts(table: pa.Table) -> tuple[pa.Table, list[str], list[bool]]:
    return table.select(list(KEY)), table["text"].to_pylist(), table["into"].to_pylist()
