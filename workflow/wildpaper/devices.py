"""GPUs handed out to jobs: each is held by one job at a time, and a job sees its own alone."""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from wildpaper.errors import WildpaperError
from wildpaper.train.hardware import visible_gpus

_LOG = logging.getLogger("wildpaper")
_VARIABLE, _ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
_WAIT_S = 1.0


def lock_folder() -> Path:
    """Return where the locks of this user stand, one file a GPU of the machine."""
    return Path(tempfile.gettempdir(), f"wildpaper-gpus-{os.getuid()}")


@contextmanager
def hold(n: int, wait_s: float = _WAIT_S) -> Iterator[list[int]]:
    """Hold `n` GPUs, waiting for them if need be; the block sees these and no others.

    Parameters
    ----------
    n : int
        With 0 the block sees no GPU.
    wait_s : float
        Seconds between two looks.

    Yields
    ------
    list of int
        Their numbers, as nvidia-smi counts.

    Raises
    ------
    WildpaperError
        If the machine has not so many, or the locks cannot be written.

    Notes
    -----
    The locks are the system's (flock): they go with the process, however it ends. CUDA
    reads the variable when it starts, so a job must not have used a GPU before.
    """
    indices = [gpu.index for gpu in visible_gpus()] if n else []
    if n > len(indices):
        raise WildpaperError(
            f"This job needs {n} GPUs, {len(indices)} are visible",
            where=f"this machine, {_VARIABLE} as it is",
            hint="Run it on a machine that has them, or choose another recipe or device.",
        )
    before = {name: os.environ.get(name) for name in (_VARIABLE, _ORDER)}
    with ExitStack() as locks:
        held = _take(indices, n, locks, wait_s) if n else []
        os.environ[_VARIABLE] = ",".join(map(str, held))
        os.environ[_ORDER] = "PCI_BUS_ID"  # CUDA counts as nvidia-smi does
        try:
            yield held
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})


def _take(indices: list[int], n: int, locks: ExitStack, wait_s: float) -> list[int]:
    """Lock `n` of some GPUs, all or none: two who wait cannot block each other."""
    said = False
    while True:
        with ExitStack() as attempt:
            held: list[int] = []
            for index in indices:
                if len(held) < n and _locked(attempt.enter_context(_lock_file(index))):
                    held.append(index)
            if len(held) == n:
                locks.push(attempt.pop_all())
                return held
        if not said:
            _LOG.info("waiting for %d free GPU(s) of %d", n, len(indices))
            said = True
        time.sleep(wait_s)


def _lock_file(index: int) -> IO[str]:
    folder = lock_folder()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        return (folder / f"{index}.lock").open("a")
    except OSError as error:
        raise WildpaperError(
            f"The lock of a GPU cannot be written: {error.strerror}",
            where=str(folder),
            hint="Remove that folder if it is not yours, or set TMPDIR.",
        ) from error


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
