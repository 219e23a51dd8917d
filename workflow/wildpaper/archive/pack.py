"""Packing the results of a run that took long, with checksums of all and a record of each job."""

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from wildpaper.archive.decide import BROUGHT_IN
from wildpaper.archive.layout import (
    END,
    FOLDERS,
    Index,
    Job,
    Member,
    front,
    header,
    padding,
)
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, read_json, sha256_file
from wildpaper.progress import Progress
from wildpaper.publish.manifest import records_behind

_LOG = logging.getLogger("wildpaper")
_CHUNK_BYTES = 1 << 20
TEXTS = (
    *("ingest/*/messages-*", "ingest/*/quarantine.parquet", "release/wildchat-*/train-*"),
    *("train/*/examples-*", "train/*/held-out*", "train/coverage/*/prompts.parquet"),
    "evaluate/answers/*",
)
"""What holds texts of conversations, or token ids of them."""
MODELS = ("*.safetensors", "*.ckpt", "*/adapter_*")
"""Weights of models."""


def write_archive(
    files: list[Path],
    manifest: Path,
    archive: Path,
    logs: list[str],
    preset: str,
    version: str,
    datasets: dict[str, dict[str, str]],
    records: dict[str, str],
    folders: dict[str, str],
    texts: bool,
    models: bool,
) -> None:
    """Pack what ingest, annotate, release, train and evaluate gave, for runs that start from it.

    Nothing from outside ``results/`` is packed, but for records of what raw data there was.

    Parameters
    ----------
    files : list of Path
        What the run is for; all they were made from is looked at.
    manifest : Path
        ``manifest.json``: results that changed since are refused.
    archive : Path
        To write; the same results give the same bytes.
    logs : list of str
        Folders of logs and provenance records.
    preset, version : str
        What ran.
    datasets : dict
        {data set: source, version and files}, as `wildpaper.plan.Plan.origins` gives them.
    records : dict
        {member: file of raw data of which a copy is packed}.
    folders : dict
        {path, or beginning of paths: what stands for it in the index}.
    texts, models : bool
        Whether to pack texts, and weights of models.

    Raises
    ------
    WildpaperError
        If a result has no record, was made by an earlier version of this project, or is not
        what the manifest says.
    """
    found = records_behind([str(path) for path in files], [Path(folder) for folder in logs])
    found = sorted(found, key=lambda record: (record["rule"], sorted(record["wildcards"].items())))
    inside = next(path for path, name in folders.items() if name == "{results}/")
    chosen = {f"{inside}{name}": name for name in _packable(found, inside)}
    chosen |= {path: member for member, path in records.items()}
    known = {one["path"]: one["sha256"] for one in read_json(manifest)["outputs"]}
    members = _measured(chosen, known)
    kept = [one for one in members if _is_wanted(one.path, texts, models)]
    left_out = [one for one in members if not _is_wanted(one.path, texts, models)]
    index = Index(
        version, preset, datasets,
        [_job(record, folders) for record in found],
        _sources(found),
        kept, left_out,
    )  # fmt: skip
    _write(archive, index, {name: Path(path) for path, name in chosen.items()})


def _packable(records: Iterable[dict[str, Any]], inside: str) -> list[str]:
    """Return the results to pack, below ``results/<preset>/``."""
    allowed = tuple(f"{inside}{folder}/" for folder in FOLDERS)
    names = {
        name.removeprefix(inside)
        for record in records
        for name in record["outputs"]
        if name.startswith(allowed) and Path(name).is_file()
    }
    return sorted(names)


def _is_wanted(name: str, texts: bool, models: bool) -> bool:
    left_out = (*(() if texts else TEXTS), *(() if models else MODELS))
    return not any(fnmatch(name, pattern) for pattern in left_out)


def _measured(chosen: Mapping[str, str], known: Mapping[str, str]) -> list[Member]:
    """Return size and checksum of each file, compared with the manifest."""
    progress = Progress("checksums", len(chosen), "files")
    members = []
    for path, name in chosen.items():
        sha256 = sha256_file(Path(path))
        if known.get(path, sha256) != sha256:
            raise WildpaperError(
                f"{path} changed after the run was finished",
                where="publish/manifest.json",
                hint=f"Make it again: snakemake --cores all --forcerun {path}",
            )
        members.append(Member(name, Path(path).stat().st_size, sha256))
        progress.advance(1)
    return sorted(members, key=lambda member: member.path)


def _job(record: dict[str, Any], folders: Mapping[str, str]) -> Job:
    if "params" not in record:
        raise WildpaperError(
            f"The record of {record['rule']} does not say with which settings it ran",
            where=record["outputs"][0],
            hint="An earlier version of this project made it: run once with --forceall.",
        )
    return Job(
        record["rule"], record["wildcards"],
        tuple(normal(name, folders) for name in record["inputs"]),
        tuple(normal(name, folders) for name in record["outputs"]),
        record["code_digest"], record["params"], record["seconds"],
    )  # fmt: skip


def normal(path: str, folders: Mapping[str, str]) -> str:
    """Return a path as the index names it: independent of the preset and of paths of the user's."""
    for beginning, name in folders.items():
        if path == beginning or (beginning.endswith("/") and path.startswith(beginning)):
            return name + path.removeprefix(beginning)
    return path


def _sources(records: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    """Return size and checksum of each file of the project that jobs read."""
    made = {name for record in records for name in record["outputs"]}
    found = {}
    for record in records:
        for name in [] if record["rule"] in BROUGHT_IN else record["inputs"]:
            path = source_file(name)
            if name not in made and name not in found and "/" in name and path.is_file():
                found[name] = (path.stat().st_size, sha256_file(path))
    return dict(sorted(found.items()))


def source_file(name: str) -> Path:
    """Return where a file of the project stands, which a record names from its folder."""
    return Path(name) if Path(name).exists() else _PROJECT / name


_PROJECT = Path(__file__).resolve().parents[3]


def _write(archive: Path, index: Index, paths: Mapping[str, Path]) -> None:
    n_bytes = sum(member.n_bytes for member in index.members)
    progress = Progress(f"pack {archive.name}", n_bytes, "bytes")
    with atomic_path(archive) as temporary, temporary.open("wb") as out:
        out.write(front(index.as_bytes()))
        for member in index.members:
            out.write(header(member.path, member.n_bytes))
            with paths[member.path].open("rb") as handle:
                _copy(handle, out, member, progress)
            out.write(bytes(padding(member.n_bytes)))
        out.write(END)
        out.flush()
        os.fsync(out.fileno())
    _LOG.info(
        "%s: %d files, %d left out, %.1f MB; sha256 %s", archive, len(index.members),
        len(index.left_out), archive.stat().st_size / 1e6, sha256_file(archive),
    )  # fmt: skip


def _copy(handle: IO[bytes], out: IO[bytes], member: Member, progress: Progress) -> None:
    """Copy a file; what changes meanwhile is refused."""
    digest = hashlib.sha256()
    while chunk := handle.read(_CHUNK_BYTES):
        digest.update(chunk)
        out.write(chunk)
        progress.advance(len(chunk))
    if digest.hexdigest() != member.sha256:
        raise WildpaperError(
            f"{member.path} changed while it was packed",
            where=handle.name,
            hint="Wait until no other run writes to these results, then pack again.",
        )
