"""The manifest: every output of a run with its checksum, rule, inputs, time and memory."""

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, sha256_file, write_json
from wildpaper.releases import Release, read_releases, route_of

_PACKAGES = (
    "snakemake", "papermill", "jupyter", "pandas", "seaborn", "duckdb", "pyarrow", "pydantic",
    "transformers", "tokenizers", "torch", "detoxify", "lingua-language-detector", "numpy",
    "numba", "matplotlib",
)  # fmt: skip


def write_manifest(
    files: list[Path],
    acquired: list[Path],
    manifest: Path,
    logs: list[str],
    preset: str,
    version: str,
    config_digest: str,
) -> None:
    """List what the run made, from the provenance records that the jobs left.

    Files of an earlier run that this one does not use are left out.

    Parameters
    ----------
    files : list of Path
        What the run is for; all they were made from is listed too.
    acquired : list of Path
        ``acquired.json`` of each data set: whether it is simulated.
    manifest : Path
        To write.
    logs : list of str
        Folders of logs and provenance records: the run's own, and that of raw files,
        which several runs may share.
    preset, version, config_digest : str
        What ran.

    Raises
    ------
    WildpaperError
        If an output has no record.
    """
    releases = read_releases(acquired)
    records = records_behind([str(path) for path in files], [Path(folder) for folder in logs])
    outputs = {
        entry["path"]: entry for record in records for entry in _outputs_of(record, releases)
    }
    write_json(
        manifest,
        {
            "wildpaper": version,
            "preset": preset,
            "config_digest": config_digest,
            "hardware": _hardware(),
            "packages": {name: _installed(name) for name in _PACKAGES},
            "outputs": [outputs[name] for name in sorted(outputs)],
        },
    )


def records_behind(files: list[str], logs: list[Path]) -> list[dict[str, Any]]:
    """Return the records of the jobs that made files and all that these were made from.

    Parameters
    ----------
    files : list of str
        Files of the run.
    logs : list of Path
        Folders in which records lie.

    Raises
    ------
    WildpaperError
        If a file of the run has no record.
    """
    made_by: dict[str, dict[str, Any]] = {}
    paths = [path for folder in logs for path in folder.rglob("*.provenance.json")]
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        record = read_json(path)
        made_by |= dict.fromkeys(record["outputs"], record)
    found: dict[int, dict[str, Any]] = {}
    missing: set[str] = set()
    todo = list(files)
    while todo:
        name = todo.pop()
        if name in made_by:
            record = made_by[name]
            if id(record) not in found:
                found[id(record)] = record
                todo.extend(record["inputs"])
        elif name in files or name.startswith("results/") or name.endswith("/acquired.json"):
            missing.add(name)
    if missing:
        first = min(missing)
        raise WildpaperError(
            f"No provenance record for {len(missing)} outputs, the first: {first}",
            where=", ".join(str(folder) for folder in logs),
            hint=f"Make it again: snakemake --cores all --forcerun {first}",
        )
    return list(found.values())


def _outputs_of(record: dict[str, Any], releases: dict[str, Release]) -> list[dict[str, Any]]:
    """Return an entry for each output of one job that is still there."""
    dataset = record["wildcards"].get("dataset")
    behind = [release for name, release in releases.items() if dataset in (None, name)]
    blank = record["rule"].startswith("leave_")
    restored = record["rule"].startswith("restore_")
    facts = ("rule", "wildcards", "inputs", "code_digest", "seconds", "peak_mb")
    return [
        {
            "path": name,
            "sha256": sha256_file(Path(name)),
            "bytes": Path(name).stat().st_size,
            **{fact: record[fact] for fact in facts},
            "route": "restored" if restored else None if blank else route_of(behind),
        }
        for name in record["outputs"]
        if Path(name).is_file()
    ]


def _hardware() -> dict[str, Any]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "n_cores": os.cpu_count(),
        "memory_gb": round(pages / 2**30, 1),
        "python": platform.python_version(),
    }


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
