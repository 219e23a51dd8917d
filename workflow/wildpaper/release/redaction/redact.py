"""Replace what is personal in the messages of one shard by placeholders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.message_batches import count_messages
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.release.redaction.labelled_messages import keys_of, labelled_batches
from wildpaper.release.redaction.redaction_rules import frequency_key, load_rules
from wildpaper.release.redaction.redaction_spans import Span, cover
from wildpaper.release.redaction.redactor import Redactor, all_redactions
from wildpaper.schema import MESSAGES, REDACTED, REDACTIONS, check_table

__all__ = ["all_redactions", "redact_messages"]

_BATCH_MESSAGES = 2_000
_PRIVATE = 0o700

Key = tuple[int, int]


def redact_messages(
    messages: Path,
    language: Path,
    entities: Path,
    frequencies: Path,
    rules: Path | None,
    redacted: Path,
    redactions: Path,
    secrets: bool = True,
) -> None:
    """Write one shard of messages with placeholders for what is personal.

    Parameters
    ----------
    messages, language, entities : Path
        A shard of messages, its language labels and what was found in it.
    frequencies : Path
        Conversations per value, over all shards.
    rules : Path or None
        See `load_rules`.
    redacted, redactions : Path
        Where to: the messages, schema `REDACTED`, and what was redacted, schema `REDACTIONS`.
    secrets : bool
        Whether keys and passwords are looked for.

    Raises
    ------
    WildpaperError
        If a file cannot be read or does not belong to the messages.
    """
    redactor = Redactor(load_rules(rules), secrets)
    spans, known = _read_findings(entities, frequencies)
    progress = Progress(f"{messages.stem}: redacting", count_messages(messages), "messages")
    columns: dict[str, list[Any]] = {name: [] for name in REDACTIONS.names}
    texts: list[str] = []
    changed: list[bool] = []
    for batch, languages in labelled_batches(messages, language, _BATCH_MESSAGES):
        for key, text, name in zip(
            keys_of(batch), batch.column("text").to_pylist(), languages, strict=True
        ):
            mine = spans.pop(key, [])
            _check_offsets(mine, text, key, entities)
            found = redactor.redactions(text, name, [span for span, _ in mine], known)
            for one in found:
                for column, value in zip(REDACTIONS.names, (*key, *one), strict=True):
                    columns[column].append(value)
            texts.append(cover(text, found))
            changed.append(bool(found))
        progress.advance(batch.num_rows)
    if spans:
        raise _misplaced(entities, f"{len(spans)} messages that are not there")
    _write_redacted(messages, redacted, texts, changed)
    _write_redactions(redactions, columns)


def _read_findings(
    entities: Path, frequencies: Path
) -> tuple[dict[Key, list[tuple[Span, str]]], dict[tuple[str, str], int]]:
    """Return findings (and their values) by message, and the frequencies of their values."""
    table = _read(entities)
    spans: dict[Key, list[tuple[Span, str]]] = {}
    columns = [table[name].to_pylist() for name in ("start", "end", "entity", "score")]
    values = table["value"].to_pylist()
    for key, value, *span in zip(keys_of(table), values, *columns, strict=True):
        spans.setdefault(key, []).append((Span(*span), value))
    wanted = {
        (span.entity, frequency_key(value)) for found in spans.values() for span, value in found
    }
    pairs = sorted(wanted)
    keys = pa.table(
        {
            "entity": pa.array([entity for entity, _ in pairs], pa.string()),
            "value": pa.array([value for _, value in pairs], pa.string()),
        }
    )
    with duckdb.connect() as database:
        database.register("wanted", keys)
        try:
            rows = database.execute(
                "SELECT entity, value, n_conversations FROM read_parquet(?) "
                "SEMI JOIN wanted USING (entity, value)",
                [str(frequencies)],
            ).fetchall()
        except duckdb.Error as error:
            raise _unreadable(frequencies, "the conversations per value") from error
    known = {(entity, value): n for entity, value, n in rows}
    if missing := len(wanted) - len(known):
        raise _misplaced(frequencies, f"no count of {missing} values that were found")
    return spans, known


def _check_offsets(found: Sequence[tuple[Span, str]], text: str, key: Key, entities: Path) -> None:
    if any(text[span.start : span.end] != value for span, value in found):
        raise _misplaced(entities, f"findings of another text for message {key}")


def _write_redacted(messages: Path, path: Path, texts: list[str], changed: list[bool]) -> None:
    table = check_table(_read(messages), MESSAGES, messages)
    place = table.schema.get_field_index("text")
    table = table.set_column(place, "text", pa.array(texts, pa.string()))
    table = table.append_column("redacted", pa.array(changed, pa.bool_()))
    path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        pq.write_table(check_table(table, REDACTED, path), temporary, compression="zstd")


def _write_redactions(path: Path, columns: dict[str, list[Any]]) -> None:
    arrays = {
        name: pa.array(columns[name], REDACTIONS.field(name).type) for name in REDACTIONS.names
    }
    table = check_table(pa.table(arrays), REDACTIONS, path)
    table = table.sort_by([(name, "ascending") for name in REDACTIONS.names])
    path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, "a table") from error


def _unreadable(path: Path, what: str) -> WildpaperError:
    # Not the error of the reader: it may quote what stands in the file.
    return WildpaperError(
        f"Cannot read {what}", where=str(path), hint="Delete the file; the workflow writes it anew."
    )


def _misplaced(path: Path, what: str) -> WildpaperError:
    return WildpaperError(
        f"Files of different runs: {what}",
        where=str(path),
        hint="Delete the file; the workflow writes it anew.",
    )
