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
_VARIABLE = "CUDA_VISIBLE_DEVICES"
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
        If the machine has not so many.

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
    before = os.environ.get(_VARIABLE)
    with ExitStack() as locks:
        held = _take(indices, n, locks, wait_s) if n else []
        os.environ[_VARIABLE] = ",".join(map(str, held))
        try:
            yield held
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before


def _take(indices: list[int], n: int, locks: ExitStack, wait_s: float) -> list[int]:
    """Lock `n` of some GPUs, all or none: two who wait cannot block each other."""
    folder = lock_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    said = False
    while True:
        with ExitStack() as attempt:
            held: list[int] = []
            for index in indices:
                file = attempt.enter_context((folder / f"{index}.lock").open("a"))
                if len(held) < n and _locked(file):
                    held.append(index)
            if len(held) == n:
                locks.push(attempt.pop_all())
                return held
        if not said:
            _LOG.info("waiting for %d free GPU(s) of %d", n, len(indices))
            said = True
        time.sleep(wait_s)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
