"""Reading and writing files: atomic writes, checksums, stable JSON."""

import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place if all went well.

    A killed process leaves nothing under the final name. The temporary file is
    removed when the block raises; one that a killed process left goes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files for `path` whose processes are no more."""
    beginning = f".{path.name}.tmp-"
    for leftover in path.parent.glob(glob.escape(beginning) + "*"):
        process = leftover.name.removeprefix(beginning)
        if not (process.isdigit() and _is_running(int(process))):
            leftover.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield a new folder in `parent` that only its owner can enter and that vanishes.

    What killed processes left under that name goes first: one process at a time may have
    scratch of a name in a folder.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob(f".{glob.escape(name)}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{name}-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def open_unfinished(folder: Path) -> None:
    """Make a folder for unfinished work; remove those of the same work with other inputs.

    Parameters
    ----------
    folder : Path
        Its name ends in a hyphen and 16 hexadecimal digits, the digest of the inputs.
    """
    name = folder.name.rpartition("-")[0]
    same = re.compile(rf"{re.escape(name)}-[0-9a-f]{{16}}")
    for other in folder.parent.glob(f"{glob.escape(name)}-*"):
        if other != folder and same.fullmatch(other.name):
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, indented, keys in the order given, one final newline."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits, reading it in chunks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
