"""A run as a Workflow Run RO-Crate: what was run, on what, with what result, under which licence.

The crate is a zip: the metadata, the sources of the workflow and the results that the
manifest lists, each at its place in the project. Raw data, labels and models stay out, as
their licences and privacy ask; the metadata names them. It holds times, so its bytes differ
from run to run.
"""

import datetime
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wildpaper.acquire.base_models import read_base_models
from wildpaper.acquire.sources import load_sources
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, read_json, sha256_file, write_json
from wildpaper.publish.crate_graph import Entity, RunFacts, file_entity, graph_of
from wildpaper.publish.crate_inputs import data_entities, model_entities
from wildpaper.yaml_text import parse_yaml

METADATA = "ro-crate-metadata.json"
MAIN_WORKFLOW = "Snakefile"
_FILES = (
    *(MAIN_WORKFLOW, "LICENSE", "README.md", "CITATION.cff", "pyproject.toml"),
    *("requirements.lock", "environment.yml"),
)
_FOLDERS = ("config", "data", "notebooks", "paper", "profiles", "workflow")
_NO_CODE = frozenset({"raw", "private", "__pycache__"})
_CODE = (
    *(".py", ".smk", ".yaml", ".md", ".ipynb", ".tex", ".sty", ".bib", ".txt", ".j2", ".css"),
    *(".js", "schema.json", "demo-questions.jsonl", "judge-prompts.jsonl"),
)
"""Endings of sources; what a user may have put beside them is not looked at."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can state: files have no times of their own."""


def write_crate(
    manifest: Path,
    configuration: list[Path],
    acquired: list[Path],
    sources: Path,
    models: Path,
    crate: Path,
    metadata: Path,
    project: str,
    logs: list[str],
) -> None:
    """Write the crate and, beside it, a copy of its metadata.

    Parameters
    ----------
    manifest : Path
        manifest.json of the run.
    configuration : list of Path
        Files of the configuration.
    acquired : list of Path
        ``acquired.json`` of what the run read.
    sources, models : Path
        ``data/sources.yaml``, ``data/models.yaml``.
    crate, metadata : Path
        To write: a zip, and its ``ro-crate-metadata.json``, whose paths count from the root
        of the zip.
    project : str
        The folder of the project.
    logs : list of str
        Folders of provenance records, for the times.

    Raises
    ------
    WildpaperError
        If a result has changed since the manifest was written, or there are no records.
    """
    known = read_json(manifest)
    code = dict(code_of(Path(project)))
    config = {_inside(path, Path(project)): path for path in configuration}
    listed = [one for one in known["outputs"] if is_result(one["path"], known["preset"])]
    own = _own_entry(manifest, known["preset"])
    results = [*listed, own]
    _unchanged(listed)
    registry = load_sources(sources)
    facts = RunFacts(
        **_about(known, [*config.values()]),
        times=times_of(known, [Path(folder) for folder in logs]),
        workflow=file_entity(MAIN_WORKFLOW, code[MAIN_WORKFLOW]),
        code=[file_entity(name, path) for name, path in code.items() if name in _FILES[1:]],
        folders=[f"{folder}/" for folder in _FOLDERS if any(n.startswith(folder) for n in code)],
        configuration=[file_entity(name, path) for name, path in config.items()],
        results=results,
        data=data_entities([read_json(path) for path in acquired], registry),
        models=model_entities(known, registry, read_base_models(models)),
    )
    document = graph_of(facts)
    write_json(metadata, document)
    packed = code | config | {one["path"]: Path(one["path"]) for one in listed}
    _pack(packed | {own["path"]: manifest, METADATA: metadata}, crate)


def code_of(project: Path) -> Iterator[tuple[str, Path]]:
    """Yield the sources of the workflow: their place in the project, and where they lie."""
    for name in _FILES:
        if (project / name).is_file():
            yield name, project / name
    for folder in _FOLDERS:
        for path in sorted((project / folder).rglob("*")):
            parts = path.relative_to(project).parts
            hidden = any(part.startswith(".") for part in parts)
            wanted = not hidden and not _NO_CODE.intersection(parts) and path.is_file()
            if wanted and path.name.endswith(_CODE):
                yield "/".join(parts), path


def is_result(path: str, preset: str) -> bool:
    """Say whether an output of a run is a result; the others are steps on the way to one."""
    return path == f"results/{preset}/ledger.json" or path.startswith(
        (f"results/{preset}/present/", f"results/{preset}/publish/")
    )


def times_of(manifest: dict[str, Any], logs: list[Path]) -> tuple[str, str]:
    """Return when the first job of a run began and the last ended, by their records.

    Raises
    ------
    WildpaperError
        If there is no record of any output.
    """
    outputs = {one["path"] for one in manifest["outputs"]}
    spans = []
    for path in (path for folder in logs for path in folder.rglob("*.provenance.json")):
        record = read_json(path)
        if outputs.intersection(record["outputs"]):
            end = path.stat().st_mtime
            spans.append((end - record["seconds"], end))
    if not spans:
        raise WildpaperError(
            "No provenance record of the run was found.",
            where=", ".join(str(folder) for folder in logs),
            hint="Build the manifest again where the run was made.",
        )
    return _iso(min(start for start, _ in spans)), _iso(max(end for _, end in spans))


def _iso(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="seconds")


def _about(manifest: dict[str, Any], configuration: list[Path]) -> dict[str, Any]:
    purposes = [parse_yaml(path.read_text(encoding="utf-8")) for path in configuration]
    named = [one["purpose"] for one in purposes if isinstance(one, dict) and one.get("purpose")]
    return {
        "preset": manifest["preset"],
        "version": manifest["wildpaper"],
        "config_digest": manifest["config_digest"],
        "snakemake": manifest["packages"].get("snakemake") or "",
        "purpose": " ".join(named),
    }


def _inside(path: Path, project: Path) -> str:
    """Return the place of a file of the configuration, which may lie elsewhere."""
    absolute, root = path.resolve(), project.resolve()
    return (
        absolute.relative_to(root).as_posix()
        if absolute.is_relative_to(root)
        else f"config/{path.name}"
    )


def _own_entry(manifest: Path, preset: str) -> Entity:
    """Return the manifest as an entry of itself."""
    return {
        "path": f"results/{preset}/publish/{manifest.name}",
        "sha256": sha256_file(manifest),
        "bytes": manifest.stat().st_size,
        "rule": "manifest",
        "route": None,
    }


def _unchanged(listed: list[Entity]) -> None:
    for one in listed:
        path = Path(one["path"])
        if not path.is_file() or sha256_file(path) != one["sha256"]:
            raise WildpaperError(
                "A result is not what the manifest says.",
                where=one["path"],
                hint="Build the manifest again: snakemake --cores all --forcerun manifest",
            )


def _pack(files: dict[str, Path], crate: Path) -> None:
    """Write the zip; folders have entries of their own, which validators look for."""
    folders = {f"{parent}/" for name in files for parent in Path(name).parents if parent.name}
    with atomic_path(crate) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(folders):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, b"")
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, files[name].read_bytes())


def read_crate(metadata: Path) -> dict[str, Entity]:
    """Return the entities of a crate by their ``@id``."""
    graph = json.loads(metadata.read_text(encoding="utf-8"))["@graph"]
    return {entity["@id"]: entity for entity in graph}
