"""Stored answers: files ``moderation-*.jsonl``, one answer a line, only ever appended to."""

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from wildpaper.annotate.moderation.answers import EMPTY, Answer, answer_line, parse_line
from wildpaper.errors import WildpaperError
from wildpaper.interfaces.appended import AppendedFile, Appending
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")

ASKED = "moderation-asked.jsonl"
"""The file in the folder of answers to which new ones are appended."""

_BEGINNING = re.compile(rb'\{"sha256": ?"([0-9a-f]{64})"')


def answer_files(folder: Path) -> list[Path]:
    """Return the files of answers in a folder, by name."""
    return sorted(file for file in folder.glob("moderation-*.jsonl") if file.is_file())


def read_answers(
    files: Iterable[Path], needed: Collection[bytes], model: str = ""
) -> tuple[dict[bytes, Answer], list[str]]:
    """Return the stored answers to some texts, and where lines are that hold none.

    Parameters
    ----------
    files : iterable of Path
        Files of answers.
    needed : set of bytes
        Digests of the texts. A line about another text is passed over by its beginning.
    model : str
        Only answers of this model; all where it is empty.

    Returns
    -------
    dict
        By digest; of several answers to a text the one of the latest date, of equal dates
        the first.
    list of str
        File and line of each line that is no answer.

    Raises
    ------
    WildpaperError
        If a file cannot be read.
    """
    answers: dict[bytes, Answer] = {}
    malformed: list[str] = []
    for digest, answer in _scan(files, needed, model, malformed):
        if answer.date > answers.get(digest, EMPTY).date:
            answers[digest] = answer
    return answers, malformed


def _scan(
    files: Iterable[Path], needed: Collection[bytes], model: str, malformed: list[str]
) -> Iterator[tuple[bytes, Answer]]:
    """Yield what is stored of `model` on the texts needed; note the lines that hold no answer."""
    paths = list(files)
    try:
        total = sum(file.stat().st_size for file in paths)
        progress = Progress("moderation answers", total, "bytes")
        for file in paths:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    progress.advance(len(line))
                    begins = _BEGINNING.match(line)
                    if begins and bytes.fromhex(begins[1].decode()) not in needed:
                        continue
                    try:
                        digest, answer = parse_line(line)
                    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                        malformed.append(f"{file}, line {number}")
                        continue
                    if digest in needed and answer.is_of(model):
                        yield digest, answer
    except OSError as error:
        raise WildpaperError(
            f"Cannot read stored moderation answers: {error.strerror}", where=str(error.filename)
        ) from error
    if malformed:
        _LOG.warning(
            "%s lines are no moderation answers, the first: %s", len(malformed), malformed[0]
        )


class Store(Appending):
    """The folder of answers, open for appending by one process at a time.

    Parameters
    ----------
    folder : Path
        Made where it is absent.

    Raises
    ------
    WildpaperError
        On entering: if another process has it open, or it cannot be written.

    Notes
    -----
    Enter it as a context, see `AppendedFile`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            AppendedFile(
                folder / ASKED,
                holds="The stored moderation answers",
                taken="Another run is asking for moderation and stores its answers here",
                setting="annotate.moderation.answers",
            )
        )

    def missing(self, needed: Collection[bytes], model: str) -> set[bytes]:
        """Return which of the texts `needed` have no answer of `model` in any file."""
        left = set(needed)
        for digest, _ in _scan(answer_files(self.folder), left, model, []):
            left.discard(digest)
        return left

    def read(self, needed: Collection[bytes], model: str) -> dict[bytes, Answer]:
        """Return the answers of `model` to the texts `needed` from all files of the folder."""
        return read_answers(answer_files(self.folder), needed, model)[0]

    def add(self, answers: Iterable[tuple[bytes, Answer]]) -> None:
        """Append answers; they are on the disk when this returns.

        Raises
        ------
        WildpaperError
            If they cannot be written.
        """
        self._file.add(b"".join(answer_line(digest, answer) for digest, answer in answers))
