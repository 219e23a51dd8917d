"""Answers that are there before all are: what a killed job goes on from."""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import Answer, answer_line, parse_answer
from wildpaper.evaluate.questions import Question
from wildpaper.files import open_unfinished
from wildpaper.interfaces.appended import AppendedFile, Appending

_LOG = logging.getLogger("wildpaper")
_FILE = "answers.partial.jsonl"


class Unfinished(Appending):
    """The answers of one job that are finished, in a folder beside the file it shall write.

    Parameters
    ----------
    answers : Path
        The file that is written when all are there.
    about : dict
        All that decides the answers: JSON values. Answers kept under anything else are
        removed, those of another file stay.
    questions : sequence of Question
        The texts of those asked decide, too.

    Raises
    ------
    WildpaperError
        On entering and adding: if the folder cannot be written, or another process writes to it.

    Attributes
    ----------
    found : dict
        By question: the answers that were kept before, and those that were added.

    Notes
    -----
    Enter it as a context. A last line that a killed process left unfinished is cut off then.
    """

    def __init__(self, answers: Path, about: dict[str, Any], questions: Sequence[Question]) -> None:
        asked = [[one.question_id, one.category, *one.turns] for one in questions]
        written = json.dumps([about, asked], sort_keys=True)
        digest = hashlib.sha256(written.encode()).hexdigest()[:16]
        slug = re.sub(r"[^a-z0-9_]+", "-", answers.stem.lower()).strip("-")
        self.folder = answers.parent / f"answers-of-{slug}-{digest}"
        self.found: dict[int, Answer] = {}
        self._wanted = {question.question_id for question in questions}
        self._path = self.folder / _FILE
        super().__init__(
            AppendedFile(
                self._path,
                holds="Unfinished answers",
                taken="Another run is asking the same model, and keeps its answers here",
                setting="the name of the preset",
            )
        )

    def __enter__(self) -> Self:
        try:
            open_unfinished(self.folder)
        except OSError as error:
            raise WildpaperError(
                f"Unfinished answers cannot be kept: {error.strerror}",
                where=str(self.folder),
                hint="See whether that folder can be written.",
            ) from None
        super().__enter__()
        self._read()
        return self

    def _read(self) -> None:
        n_malformed = 0
        for line in self._path.read_bytes().split(b"\n")[:-1]:
            try:
                answer, _ = parse_answer(line.decode())
            except ValueError:  # what a failing disk or a power cut leaves: asked for again
                n_malformed += 1
                continue
            if answer.question_id in self._wanted:
                self.found[answer.question_id] = answer
        if n_malformed:
            _LOG.warning("%s: %s lines are no answers", self._path, n_malformed)

    def add(self, answers: Sequence[Answer]) -> None:
        """Append answers; they are on the disk when this returns."""
        self._file.add("".join(map(answer_line, answers)).encode())
        self.found |= {answer.question_id: answer for answer in answers}

    def remove(self) -> None:
        """Remove the folder: the answers are written where they belong."""
        shutil.rmtree(self.folder, ignore_errors=True)
