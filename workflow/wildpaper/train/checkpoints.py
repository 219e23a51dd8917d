"""States of an unfinished training, to go on from where it was killed."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wildpaper.files import open_unfinished, read_json, write_json
from wildpaper.train.examples import Examples

_COMPLETE = "complete.json"
_MICRO_BATCH = "micro-batch.json"
_STEP = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The states of one training in a folder of their own.

    Attributes
    ----------
    folder : Path
        Named after the training and a digest of all that decides its result.
    """

    folder: Path

    def open(self) -> None:
        """Make the folder; remove those of the same training with other data or settings."""
        open_unfinished(self.folder)

    def latest(self) -> tuple[Path, dict[str, Any]] | None:
        """Return the last complete state and what was recorded up to it; remove others.

        A state is complete when the file that says so stands in it: it is written last.
        """
        found: list[tuple[int, Path]] = []
        for path in self.folder.iterdir():
            match = _STEP.fullmatch(path.name)
            if match and (path / _COMPLETE).is_file():
                found.append((int(match[1]), path))
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)  # other processes do so too
        if not found:
            return None
        path = max(found)[1]
        return path, read_json(path / _COMPLETE)

    def complete(self, step: int, recorded: dict[str, Any]) -> None:
        """Say that the state of a step is complete, and keep what was recorded up to it."""
        write_json(self.folder / f"checkpoint-{step}" / _COMPLETE, recorded)

    def micro_batch_tokens(self, stated: int) -> int:
        """Return how many tokens a micro-batch has: as stated, or what memory allowed."""
        path = self.folder / _MICRO_BATCH
        return int(read_json(path)) if path.is_file() else stated

    def keep_micro_batch_tokens(self, n_tokens: int) -> None:
        """Keep how many tokens memory allows, also for who goes on later."""
        write_json(self.folder / _MICRO_BATCH, n_tokens)

    def remove(self) -> None:
        """Remove the folder: the training is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)


def checkpoints_of(
    folder: Path, name: str, data: Examples, order: list[int], settings: dict[str, Any]
) -> Checkpoints:
    """Return where the states of a training stand.

    Parameters
    ----------
    folder : Path
        Of the results of the training.
    name : str
        Of the training.
    data : Examples
    order : list of int
    settings : dict
        Whatever else decides the result: JSON values.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for array in (data.input_ids, data.supervised, data.starts, np.array(order, np.int64)):
        digest.update(np.ascontiguousarray(array).tobytes())
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return Checkpoints(folder / f"checkpoints-{slug}-{digest.hexdigest()[:16]}")
