"""A file of lines that is only ever appended to, by one process at a time."""

import fcntl
import logging
import os
from pathlib import Path
from typing import Self

from wildpaper.errors import WildpaperError

_LOG = logging.getLogger("wildpaper")

_CHUNK_BYTES = 1 << 16


class AppendedFile:
    """Lines that are on the disk as soon as they are added; enter it as a context.

    Parameters
    ----------
    path : Path
        Made where it is absent, with its folder.
    holds : str
        What stands in it, for errors ("The stored moderation answers").
    taken : str
        What another process that has it open does, for errors.
    setting : str
        Where the folder is chosen in the configuration.
    private : bool
        Whether a folder that is made, and the file, are for their owner alone.

    Raises
    ------
    WildpaperError
        On entering: if another process has it open, or it cannot be written.

    Notes
    -----
    A last line that a killed process left unfinished is cut off on entering. The lock is the
    system's: it goes with the process that holds it.
    """

    def __init__(
        self, path: Path, *, holds: str, taken: str, setting: str, private: bool = False
    ) -> None:
        self._path, self._holds, self._taken, self._setting = path, holds, taken, setting
        self._modes = (0o700, 0o600) if private else (0o777, 0o644)
        self._file = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.parent.mkdir(parents=True, exist_ok=True)
            self._path.parent.mkdir(mode=self._modes[0], exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._file = os.open(self._path, flags, self._modes[1])
        except OSError as error:
            raise self._refusal(error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise WildpaperError(
                self._taken,
                where=str(self._path),
                hint=f"Wait for it, or give this run another folder ({self._setting}).",
            ) from error
        self._cut_unfinished()
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)

    def add(self, lines: bytes) -> None:
        """Append whole lines; they are on the disk when this returns.

        Raises
        ------
        WildpaperError
            If they cannot be written.
        """
        try:
            while lines:
                lines = lines[os.write(self._file, lines) :]
            os.fsync(self._file)
        except OSError as error:
            raise self._refusal(error) from error

    def _cut_unfinished(self) -> None:
        """Cut off what follows the last end of a line."""
        size = end = os.fstat(self._file).st_size
        while end:
            start = max(0, end - _CHUNK_BYTES)
            found = os.pread(self._file, end - start, start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            _LOG.info("%s: an unfinished last line (%s bytes) is cut off", self._path, size - end)
            os.ftruncate(self._file, end)

    def _refusal(self, error: OSError) -> WildpaperError:
        return WildpaperError(
            f"{self._holds} cannot be written: {error.strerror}",
            where=str(self._path),
            hint="What was stored before stays. Free some space or choose another folder "
            f"({self._setting}), then run again.",
        )


class Appending:
    """What keeps its lines in an `AppendedFile`; enter it as a context, see there."""

    def __init__(self, file: AppendedFile) -> None:
        self._file = file

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)
