"""Find what may be personal in the messages of one shard.

Each distinct text is looked at once, in batches, by several processes if asked. Texts are
never logged. What is found holds values, so it belongs below ``data/private/``.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.message_batches import count_messages
from wildpaper.files import atomic_path
from wildpaper.processes import Submit, worker_pool
from wildpaper.progress import Progress
from wildpaper.release.redaction.entity_engine import EntityEngine, Patterns, engine_version
from wildpaper.release.redaction.labelled_messages import keys_of, labelled_batches
from wildpaper.release.redaction.redaction_rules import load_rules
from wildpaper.release.redaction.redaction_spans import Span
from wildpaper.schema import ENTITIES, check_table

_BLOCK_MESSAGES = 4_000
_TASK_CHARACTERS = 200_000
_FEWEST_FOR_PROCESSES = 2_000
"""Distinct texts below which starting further processes takes longer than they save."""
_MARGIN = 1_000
"""Characters on both sides of a piece that are shown to the models and not searched."""

Found = tuple[Span, ...]


class Piece(NamedTuple):
    """A part of a text: what is shown, and in which part of that findings may begin."""

    shown_from: int
    start: int
    end: int
    shown_to: int


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for and how; the same for all processes."""

    kinds: tuple[str, ...]
    name_models: dict[str, str]
    patterns: Patterns
    chunk_characters: int

    def engine(self) -> EntityEngine:
        """Return an engine; loads models, which takes seconds."""
        longest = self.chunk_characters + 2 * _MARGIN
        return EntityEngine(self.kinds, self.name_models, self.patterns, longest)


def find_entities(
    messages: Path,
    language: Path,
    entities: Path,
    rules: Path | None,
    name_models: dict[str, str],
    patterns: Patterns = "all",
    chunk_characters: int = 100_000,
    n_workers: int = 1,
) -> None:
    """Write what may be personal in one shard of messages.

    Parameters
    ----------
    messages, language : Path
        A shard of messages and its language labels, in the same order.
    entities : Path
        Where to, schema `ENTITIES`, sorted; the file names what found it.
    rules : Path or None
        The rules whose kinds are looked for; see `load_rules`.
    name_models, patterns
        See `EntityEngine`.
    chunk_characters : int
        Longer texts are looked at in pieces, cut at white space; findings are the same.
    n_workers : int
        Processes; findings do not depend on it.

    Raises
    ------
    WildpaperError
        If a file cannot be read, messages and labels do not belong together, or a model is
        not installed.
    """
    kinds = tuple(load_rules(rules).names)
    search = Search(kinds, dict(name_models), patterns, chunk_characters)
    progress = Progress(f"{messages.stem}: personal items", count_messages(messages), "messages")
    columns: dict[str, list[Any]] = {name: [] for name in ENTITIES.names}
    with _finder(search, n_workers, progress.total or 0) as find:
        known: dict[tuple[bytes, str], Found] = {}
        for batch, languages in labelled_batches(messages, language, _BLOCK_MESSAGES):
            keys, texts = keys_of(batch), batch.column("text").to_pylist()
            digests = [(_digest(text), name) for text, name in zip(texts, languages, strict=True)]
            new = {digest: i for i, digest in enumerate(digests) if digest not in known}
            rows = list(new.values())
            found = find([texts[i] for i in rows], [languages[i] for i in rows])
            known.update(zip(new, found, strict=True))
            for key, text, digest in zip(keys, texts, digests, strict=True):
                for span in known[digest]:
                    _append(columns, key, text, span)
            progress.advance(len(texts))
    _write(entities, columns, engine_version(search.name_models))


def find_in_texts(
    texts: Iterable[tuple[str, str]],
    kinds: Sequence[str],
    name_models: dict[str, str],
    patterns: Patterns = "all",
    chunk_characters: int = 100_000,
) -> Iterator[Found]:
    """Yield the findings in each (text, language) pair, as `find_entities` does.

    For `redactions_of`, which says what of them the rules are meant to redact. With
    ``name_models={}`` no model is loaded and no names are found, patterns in all languages.
    """
    engine = Search(tuple(kinds), dict(name_models), patterns, chunk_characters).engine()
    batch: list[tuple[str, str]] = []
    for pair in texts:
        batch.append(pair)
        if len(batch) == 256:
            yield from find_pieces(engine, batch, chunk_characters)
            batch = []
    yield from find_pieces(engine, batch, chunk_characters)


def find_pieces(
    engine: EntityEngine, batch: Sequence[tuple[str, str]], chunk_characters: int
) -> list[Found]:
    """Return the findings in each text, looked at in pieces, offsets those of the texts."""
    cut = [
        (i, piece) for i, (text, _) in enumerate(batch) for piece in pieces(text, chunk_characters)
    ]
    shown = [batch[i][0][piece.shown_from : piece.shown_to] for i, piece in cut]
    results = engine.find(shown, [batch[i][1] for i, _ in cut])
    found: list[list[Span]] = [[] for _ in batch]
    for (i, piece), spans in zip(cut, results, strict=True):
        for span in spans:
            start, end = span.start + piece.shown_from, span.end + piece.shown_from
            if piece.start <= start < piece.end:
                found[i].append(span._replace(start=start, end=end))
    return [tuple(sorted(spans)) for spans in found]


def pieces(text: str, chunk_characters: int, margin: int = _MARGIN) -> list[Piece]:
    """Return the pieces in which a text is looked at; one for a text that is short enough.

    Pieces are cut behind white space where there is some in the last `margin` characters. A
    finding belongs to the piece in which it begins, and is seen whole as long as it is no
    longer than the margin.
    """
    found, start = [], 0
    while start < len(text):
        end = len(text)
        if end - start > chunk_characters:
            end = _cut(text, start + chunk_characters, margin)
        shown_from = _cut(text, max(0, start - margin), margin) if start else 0
        found.append(Piece(shown_from, start, end, min(len(text), end + margin)))
        start = end
    return found


def _cut(text: str, at: int, margin: int) -> int:
    """Return the last place not after `at` that stands right behind white space."""
    for place in range(at, max(0, at - margin), -1):
        if text[place - 1].isspace():
            return place
    return at


_ENGINE: list[tuple[EntityEngine, int]] = []


def _begin(search: Search) -> None:
    _ENGINE[:] = [(search.engine(), search.chunk_characters)]


def _work(batch: list[tuple[str, str]]) -> list[Found]:
    engine, chunk_characters = _ENGINE[0]
    return find_pieces(engine, batch, chunk_characters)


class _Finder:
    """Finds in this process, or in those of a pool; tasks are cut alike."""

    def __init__(self, search: Search, submit: Submit | None) -> None:
        self._submit = submit
        if submit is None:
            _begin(search)

    def __call__(self, texts: list[str], languages: list[str]) -> list[Found]:
        pairs = list(zip(texts, languages, strict=True))
        if self._submit is None:
            results: Iterable[list[Found]] = map(_work, _tasks(pairs))
        else:
            begun = [self._submit(_work, task) for task in _tasks(pairs)]
            results = (work.result() for work in begun)
        return [found for result in results for found in result]


@contextmanager
def _finder(search: Search, n_workers: int, n_messages: int) -> Iterator[_Finder]:
    if n_workers == 1 or n_messages < _FEWEST_FOR_PROCESSES:
        yield _Finder(search, None)
        return
    with worker_pool(n_workers, _begin, (search,)) as submit:
        yield _Finder(search, submit)


def _tasks(pairs: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield some texts at a time, of about `_TASK_CHARACTERS` together."""
    task: list[tuple[str, str]] = []
    size = 0
    for pair in pairs:
        task.append(pair)
        size += len(pair[0])
        if size >= _TASK_CHARACTERS:
            yield task
            task, size = [], 0
    if task:
        yield task


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _append(columns: dict[str, list[Any]], key: tuple[int, int], text: str, span: Span) -> None:
    row = (*key, span.start, span.end, span.entity, span.score, text[span.start : span.end])
    for name, value in zip(ENTITIES.names, row, strict=True):
        columns[name].append(value)


def _write(path: Path, columns: dict[str, list[Any]], annotator: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    arrays = {name: pa.array(columns[name], ENTITIES.field(name).type) for name in ENTITIES.names}
    table = check_table(pa.table(arrays), ENTITIES, path)
    table = table.sort_by([(name, "ascending") for name in ENTITIES.names])
    schema = ENTITIES.with_metadata({b"annotator": annotator.encode()})
    with atomic_path(path) as temporary:
        pq.write_table(table.cast(schema), temporary, compression="zstd")
