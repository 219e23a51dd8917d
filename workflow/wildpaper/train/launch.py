"""Several devices: the same function in one process for each of them."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError

FAILED = "wildpaper-error: "
"""What a process that stops puts before why: a JSON list of what, where and hint."""

AGAIN = "wildpaper-again"
"""What a process says that stops because all shall start again with less memory."""

_PR_SET_PDEATHSIG = 1


class MemoryRanOut(Exception):  # noqa: N818 - it is no error: it has been seen to
    """One of several processes had no memory; all must start again, with smaller micro-batches."""


def n_devices() -> int:
    """Return how many processes train together; 1 outside of `across_devices`."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Say whether this process is the one that writes."""
    return int(os.environ.get("RANK", "0")) == 0


def across_devices(function: Callable[..., None], arguments: dict[str, Any], n: int) -> None:
    """Call a function in `n` processes that find each other, and wait for them.

    Parameters
    ----------
    function : callable
        Of a module, with arguments that are paths, lists of paths or JSON values. It asks
        `is_first` before it writes.
    arguments : dict
    n : int
        Processes, one a device.

    Raises
    ------
    WildpaperError
        If one of them stops; says what it said.
    """
    call = {
        "function": f"{function.__module__}:{function.__qualname__}",
        "arguments": {name: _plain(value) for name, value in arguments.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "call.json")
        path.write_text(json.dumps(call), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *(f"--nproc-per-node={n}", "-m", "wildpaper.train.worker", str(path)),
        ]
        while True:
            status, (what, where, hint) = _run(command)
            if what != AGAIN:
                break
        if status:
            raise WildpaperError(
                what or f"A training on {n} devices stopped with status {status}",
                where=where,
                hint=hint or "The lines above, and the log of the job, say more.",
            )


def _run(command: list[str]) -> tuple[int, list[str]]:
    """Return the status of a command and why it failed; killed, it takes its children along."""
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent
    ) as process:
        assert process.stderr is not None  # noqa: S101 - it is piped
        said = _pass_on(process.stderr)
    return process.returncode, said


def die_with_parent() -> None:
    """Let the system end this process when the one that started it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _pass_on(lines: Any) -> list[str]:
    """Write lines of the processes to stderr up to the first error; return what it says."""
    why: list[str] = []
    for line in lines:
        _, found, after = line.partition(FAILED)
        if found and not why:
            why = json.loads(after)
        elif not why:  # torch ends with a page on who failed, which says nothing more
            sys.stderr.write(line)
    return why or ["", "", ""]


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def revived(value: Any) -> Any:
    """Return an argument from what `across_devices` wrote of it."""
    if isinstance(value, dict) and list(value) == ["path"]:
        return Path(value["path"])
    if isinstance(value, list):
        return [revived(item) for item in value]
    return value
