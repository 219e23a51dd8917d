"""Figures of a run for a page, each with how it came about."""

import base64
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.publish.report.jobs import Job

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Origin:
    """How a file came about; empty where the run left no record of it."""

    path: str
    sha256: str
    n_bytes: int
    rule: str
    inputs: tuple[str, ...]
    route: str
    seconds: float | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG: its content in base64, and its size in pixels."""

    data: str
    width: int
    height: int


def origin_of(
    path: Path, jobs: list[Job], manifest: dict[str, Any] | None, route: str = ""
) -> Origin:
    """Return the origin of a file that is there.

    Parameters
    ----------
    path : Path
        As the records of jobs name it.
    jobs : list of Job
        See `read_jobs`.
    manifest : dict or None
        A file with another checksum than there counts as changed since.
    route : str
        Route of the run's data, for want of a manifest.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    job = next((job for job in jobs if str(path) in job.outputs), None)
    listed = {entry["path"]: entry for entry in manifest["outputs"]} if manifest else {}
    entry = listed.get(str(path), {})
    blank = job is not None and job.rule.startswith("leave_")
    return Origin(
        path=str(path),
        sha256=digest,
        n_bytes=len(content),
        rule=job.rule if job else "",
        inputs=job.inputs if job else (),
        route="" if blank else entry.get("route") or route,
        seconds=job.seconds if job else None,
        changed=bool(entry) and entry["sha256"] != digest,
    )


def read_picture(path: Path) -> Picture | None:
    """Read a PNG; None if the file is none."""
    content = path.read_bytes()
    if not content.startswith(_PNG) or len(content) < 24:
        return None
    width, height = struct.unpack(">II", content[16:24])
    return Picture(base64.b64encode(content).decode("ascii"), width, height)
