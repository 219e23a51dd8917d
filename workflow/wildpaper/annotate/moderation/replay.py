"""Moderation of each message, replayed from stored answers of the API (section 4).

The answers stand beside the raw logs, ``moderation-*.jsonl``, one a line, keyed by the
SHA-256 of the text in UTF-8. Nothing is sent anywhere.
"""

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wildpaper.annotate.message_batches import (
    KEY,
    count_messages,
    key_table,
    message_batches,
)
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.progress import Progress
from wildpaper.schema import MODERATION_CATEGORIES, write_labels

_LOG = logging.getLogger("wildpaper")

_BATCH_MESSAGES = 4_096
_BEGINNING = re.compile(rb'\{"sha256": ?"([0-9a-f]{64})"')
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Answer(NamedTuple):
    """A stored answer: `bits` are flagged and the categories, `scores` the scores."""

    date: str
    model: str
    bits: tuple[bool, ...]
    scores: tuple[float, ...]


_EMPTY = _Answer(
    "", "", (False,) * (1 + len(MODERATION_CATEGORIES)), (0.0,) * len(MODERATION_CATEGORIES)
)


class _Shard(NamedTuple):
    """The keys of a shard's messages, and the digest of each of their texts."""

    keys: pa.Table
    digests: list[bytes]


def replay_moderation(
    messages: Path, acquired: Path, labels: Path, route: str = "replayed"
) -> None:
    """Label one shard of messages with the stored answers.

    Parameters
    ----------
    messages : Path
        Shard of canonical messages.
    acquired : Path
        ``acquired.json`` of the raw logs; it names the files of answers beside it.
    labels : Path
        Shard of labels to write.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file cannot be used, or a text has no answer: names how many and the key of
        the first, never the text.

    Notes
    -----
    The empty text needs no answer, as the authors' code asks for none: nothing is
    flagged. Of several answers to a text the one of the latest date counts, of equal
    dates the first. Lines that are not an answer are counted in the log, with the place
    of the first; only answers to texts of this shard are read in full and kept.
    """
    shard = _read_shard(messages)
    needed = set(shard.digests) - {_digest("")}
    answers, malformed = _read_answers(_answer_files(acquired), needed)
    _refuse_unanswered(shard, answers, malformed, acquired)
    answers[_digest("")] = _EMPTY
    found = [answers[digest] for digest in shard.digests]
    _write(labels, shard.keys, found, route)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _read_shard(messages: Path) -> _Shard:
    progress = Progress(f"{messages.stem}: texts to moderate", count_messages(messages), "messages")
    keys, digests = [], []
    for batch in message_batches(messages, ("text",), _BATCH_MESSAGES):
        digests += [_digest(text) for text in batch.column("text").to_pylist()]
        keys.append(batch.select(list(KEY)))
        progress.advance(batch.num_rows)
    return _Shard(key_table(keys), digests)


def _answer_files(acquired: Path) -> list[Path]:
    try:
        names = [file["name"] for file in read_json(acquired)["files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WildpaperError(
            f"Cannot read which files were acquired: {type(error).__name__}",
            where=str(acquired),
            hint="Delete the file; the workflow writes it anew.",
        ) from error
    files = [
        acquired.parent / name
        for name in sorted(names)
        if name.startswith("moderation-") and name.endswith(".jsonl")
    ]
    absent = [file.name for file in files if not file.is_file()]
    if absent or not files:
        raise WildpaperError(
            f"The stored moderation answers are absent: {', '.join(absent) or 'none is listed'}",
            where=str(acquired),
            hint="Put moderation-*.jsonl beside the raw logs, one answer a line, and name them "
            "in acquired.json.",
        )
    return files


def _read_answers(files: list[Path], needed: set[bytes]) -> tuple[dict[bytes, _Answer], list[str]]:
    """Return the answers to the texts needed, and where lines are that hold none."""
    answers: dict[bytes, _Answer] = {}
    malformed: list[str] = []
    total = sum(file.stat().st_size for file in files)
    progress = Progress("moderation answers", total, "bytes")
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                progress.advance(len(line))
                begins = _BEGINNING.match(line)
                if begins and bytes.fromhex(begins[1].decode()) not in needed:
                    continue
                try:
                    digest, answer = _parse(line)
                except (ValueError, KeyError, TypeError):
                    malformed.append(f"{file}, line {number}")
                    continue
                if digest in needed and answer.date > answers.get(digest, _EMPTY).date:
                    answers[digest] = answer
    if malformed:
        _LOG.warning(
            "%s lines are no moderation answers, the first: %s", len(malformed), malformed[0]
        )
    return answers, malformed


def _parse(line: bytes) -> tuple[bytes, _Answer]:
    """Return one answer and the digest that it answers; raise where it is of another form."""
    found: dict[str, Any] = json.loads(line)
    digest, date, model = found["sha256"], found["date"], found["model"]
    bits = (found["flagged"], *(found["categories"][name] for name in MODERATION_CATEGORIES))
    scores = tuple(found["category_scores"][name] for name in MODERATION_CATEGORIES)
    if not (
        _DIGEST.fullmatch(digest)
        and _DATE.fullmatch(date)
        and isinstance(model, str)
        and model
        and all(isinstance(bit, bool) for bit in bits)
        and all(type(score) in (int, float) and 0 <= score <= 1 for score in scores)
    ):
        raise ValueError("a field is not allowed")
    return bytes.fromhex(digest), _Answer(date, model, bits, tuple(float(s) for s in scores))


def _refuse_unanswered(
    shard: _Shard, answers: dict[bytes, _Answer], malformed: list[str], acquired: Path
) -> None:
    empty = _digest("")
    without = [
        row for row, digest in enumerate(shard.digests) if digest != empty and digest not in answers
    ]
    if not without:
        return
    conversation, position = (shard.keys[name][without[0]].as_py() for name in KEY)
    n_texts = len({shard.digests[row] for row in without})
    lines = f"; {len(malformed)} lines hold none, the first: {malformed[0]}" if malformed else ""
    raise WildpaperError(
        f"{len(without)} messages ({n_texts} texts) have no stored moderation answer, the first: "
        f"conversation_id {conversation}, position {position}{lines}",
        where=str(acquired.parent / "moderation-*.jsonl"),
        hint="Add the answers, keyed by the SHA-256 of the text as it stands in the messages.",
    )


def _write(labels: Path, keys: pa.Table, found: list[_Answer], route: str) -> None:
    width = len(MODERATION_CATEGORIES)
    bits: NDArray[np.bool_] = np.array([a.bits for a in found], np.bool_).reshape(-1, 1 + width)
    scores = np.array([a.scores for a in found], np.float64).reshape(-1, width)
    table = keys
    for i, name in enumerate(("flagged", *MODERATION_CATEGORIES)):
        table = table.append_column(name, pa.array(bits[:, i]))
    for i, name in enumerate(MODERATION_CATEGORIES):
        table = table.append_column(f"{name}_score", pa.array(scores[:, i]))
    write_labels(labels, "moderation", table, _annotator(found), route)


def _annotator(found: list[_Answer]) -> str:
    """Return the stored models and the dates of their answers."""
    asked = [answer for answer in found if answer.model]
    if not asked:
        return "no-text-to-moderate"
    models = "+".join(sorted({answer.model for answer in asked}))
    dates = sorted({answer.date for answer in asked})
    return f"{models}-{dates[0]}..{dates[-1]}"
