"""Moderation of each message, replayed from stored answers of an interface (section 4).

The answers stand in files ``moderation-*.jsonl``, one a line, keyed by the SHA-256 of the
text in UTF-8. Nothing is sent anywhere.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wildpaper.annotate.message_batches import (
    KEY,
    count_messages,
    key_table,
    message_batches,
)
from wildpaper.annotate.moderation.answers import EMPTY, Answer, text_digest
from wildpaper.annotate.moderation.store import answer_files, read_answers
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.progress import Progress
from wildpaper.schema import MODERATION_CATEGORIES, write_labels

_BATCH_MESSAGES = 4_096
_NO_TEXT = text_digest("")

Paths = Path | str | Sequence[Path | str]


class _Shard(NamedTuple):
    """The keys of a shard's messages, and the digest of each of their texts."""

    keys: pa.Table
    digests: list[bytes]


def replay_moderation(
    messages: Path,
    labels: Path,
    acquired: Paths = (),
    answers: Paths = (),
    asked: Paths = (),
    model: str = "",
    route: str = "replayed",
) -> None:
    """Label one shard of messages with stored answers.

    Parameters
    ----------
    messages : Path
        Shard of canonical messages.
    labels : Path
        Shard of labels to write.
    acquired : Path or list of Path
        ``acquired.json`` of raw logs or of a simulation; it names files of answers beside it.
    answers : Path or list of Path
        Files of answers, or folders of them.
    asked : Path or list of Path
        The report of `ask_moderation`, where it went before: the answers are then complete.
        Not read.
    model : str
        Only answers of this model count; all where it is empty.
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
    files = [file for path in _listed(acquired) for file in _files_acquired(path)]
    files += [file for path in _listed(answers) for file in _files_given(path)]
    if not files:
        raise WildpaperError(
            "There are no stored moderation answers",
            where=", ".join(str(path) for path in _listed(answers)) or str(messages),
            hint="Name a folder with files moderation-*.jsonl (annotate.moderation.answers), or "
            "have the answers asked for (annotate.moderation.ask): docs/moderation.md.",
        )
    shard = _read_shard(messages)
    found, malformed = read_answers(files, set(shard.digests) - {_NO_TEXT}, model)
    _refuse_unanswered(shard, found, malformed, files, model)
    found[_NO_TEXT] = EMPTY
    _write(labels, shard.keys, [found[digest] for digest in shard.digests], route)


def _listed(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def _read_shard(messages: Path) -> _Shard:
    progress = Progress(f"{messages.stem}: texts to moderate", count_messages(messages), "messages")
    keys, digests = [], []
    for batch in message_batches(messages, ("text",), _BATCH_MESSAGES):
        digests += [text_digest(text) for text in batch.column("text").to_pylist()]
        keys.append(batch.select(list(KEY)))
        progress.advance(batch.num_rows)
    return _Shard(key_table(keys), digests)


def _files_given(path: Path) -> list[Path]:
    if path.is_dir():
        return answer_files(path)
    if path.is_file():
        return [path]
    raise WildpaperError(
        "The stored moderation answers are absent",
        where=str(path),
        hint="Correct annotate.moderation.answers: a folder with files moderation-*.jsonl.",
    )


def _files_acquired(acquired: Path) -> list[Path]:
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


def _refuse_unanswered(
    shard: _Shard,
    answers: dict[bytes, Answer],
    malformed: list[str],
    files: list[Path],
    model: str,
) -> None:
    without = [
        row
        for row, digest in enumerate(shard.digests)
        if digest != _NO_TEXT and digest not in answers
    ]
    if not without:
        return
    conversation, position = (shard.keys[name][without[0]].as_py() for name in KEY)
    n_texts = len({shard.digests[row] for row in without})
    of_model = f" of the model {model}" if model else ""
    lines = f"; {len(malformed)} lines hold none, the first: {malformed[0]}" if malformed else ""
    raise WildpaperError(
        f"{len(without)} messages ({n_texts} texts) have no stored moderation answer{of_model}, "
        f"the first: conversation_id {conversation}, position {position}{lines}",
        where=", ".join(sorted({str(file.parent / "moderation-*.jsonl") for file in files})),
        hint="Add the answers, keyed by the SHA-256 of the text as it stands in the messages, or "
        "have them asked for (annotate.moderation.ask): docs/moderation.md.",
    )


def _write(labels: Path, keys: pa.Table, found: list[Answer], route: str) -> None:
    width = len(MODERATION_CATEGORIES)
    bits: NDArray[np.bool_] = np.array([a.bits for a in found], np.bool_).reshape(-1, 1 + width)
    scores = np.array([a.scores for a in found], np.float64).reshape(-1, width)
    table = keys
    for i, name in enumerate(("flagged", *MODERATION_CATEGORIES)):
        table = table.append_column(name, pa.array(bits[:, i]))
    for i, name in enumerate(MODERATION_CATEGORIES):
        table = table.append_column(f"{name}_score", pa.array(scores[:, i]))
    write_labels(labels, "moderation", table, _annotator(found), route)


def _annotator(found: list[Answer]) -> str:
    """Return the models that answered and the dates of their answers."""
    asked = [answer for answer in found if answer.model]
    if not asked:
        return "no-text-to-moderate"
    models = "+".join(sorted({answer.served or answer.model for answer in asked}))
    dates = sorted({answer.date for answer in asked})
    return f"{models}-{dates[0]}..{dates[-1]}"
