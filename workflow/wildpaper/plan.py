"""What a run consists of: known before any job starts, from the configuration alone.

Snakemake builds its DAG from this; it must stay light, for it is read at every call.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.acquire.sources import Sources, load_sources
from wildpaper.artifacts import Artifact, load_artifacts
from wildpaper.config import DATASETS, Config, load_config
from wildpaper.errors import WildpaperError

_SUFFIXES = {
    "wildchat-parquet": ".parquet",
    "lmsys-parquet": ".parquet",
    "alpaca-json": ".json",
    "sharegpt-json": ".json",
    "dolly-jsonl": ".jsonl",
    "oasst-jsonl": ".jsonl",
}
HUB_TOKENIZER = "data/raw/llama2-tokenizer/hub/tokenizer.json"
_READERS = ("alpaca-json", "wildchat-parquet")


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """One data set of the run.

    Attributes
    ----------
    name, source, native_format : str
        As in the configuration and in ``data/sources.yaml``.
    version : str
        Folder below ``data/raw/<name>/``.
    files : list of str
        For source ``path``: the user's files.
    registry : str
        Digest of what ``data/sources.yaml`` says of the data set, and of sizes and times
        of the user's files: one that is replaced by an older one has changed, too.
    acquired : str
        What the acquire stage writes last: the raw files are complete.
    """

    name: str
    source: str
    native_format: str
    version: str
    files: list[str]
    registry: str
    acquired: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The configuration, validated, with data sets and artifacts resolved."""

    config: Config
    sources: Sources
    artifacts: list[Artifact]
    datasets: dict[str, DatasetPlan]
    tokenizer_file: str
    tokenizer_sha256: str
    version: str

    @property
    def config_digest(self) -> str:
        """16 hex digits over the configuration, defaults included."""
        return _digest(self.config.model_dump_json())

    def registry(self) -> str:
        """Return a digest of ``data/sources.yaml``, in which comments do not count."""
        return _digest(self.sources.model_dump_json())

    def titles(self) -> dict[str, str]:
        """Return {data set: title} of all six data sets."""
        return {name: self.sources.dataset(name).title for name in DATASETS}

    def blanks(self, kind: str) -> dict[str, str]:
        """Return {artifact id: reason} of the artifacts of a kind that stay blank."""
        reasons = {
            a.id: a.blank_reason(list(self.datasets)) for a in self.artifacts if a.kind == kind
        }
        return {name: reason for name, reason in reasons.items() if reason}

    def ids(self, kind: str) -> list[str]:
        """Return the ids of all artifacts of a kind."""
        return [a.id for a in self.artifacts if a.kind == kind]


def make_plan(raw: dict[str, Any], files: list[Path], project: str, raw_folder: str) -> Plan:
    """Validate a configuration and resolve what depends on it.

    Parameters
    ----------
    raw : dict
        Snakemake's ``config``.
    files : list of Path
        The files it came from.
    project : str
        The project's folder.
    raw_folder : str
        Where raw files stand.

    Raises
    ------
    WildpaperError
        If the configuration is invalid, a file is missing, or no reader knows a format.
    """
    config = load_config(raw, files)
    sources = load_sources(Path(project, "data", "sources.yaml"))
    artifacts = load_artifacts(Path(project, "data", "artifacts.yaml"))
    datasets = {
        name: _plan_dataset(name, config, sources, raw_folder) for name in config.present_datasets()
    }
    tokenizer, sha256 = _tokenizer(config, sources, project)
    version = tomllib.loads(Path(project, "pyproject.toml").read_text("utf-8"))["project"][
        "version"
    ]
    return Plan(config, sources, artifacts, datasets, tokenizer, sha256, version)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plan_dataset(name: str, config: Config, sources: Sources, raw_folder: str) -> DatasetPlan:
    chosen = config.dataset(name)
    entry = sources.dataset(name)
    if entry.native_format not in _READERS:
        raise WildpaperError(
            f"This version has no reader for {entry.title} ({entry.native_format})",
            where=f"config key datasets.{name}",
            hint="Set its source to 'none'.",
        )
    files: list[str] = []
    if chosen.source == "path":
        files = _files(name, str(chosen.path), _SUFFIXES[entry.native_format])
        version = "local-" + _digest(str(chosen.path))[:8]
    else:
        version, _ = sources.version(name, chosen.revision)
    registry = _digest(entry.model_dump_json() + _state_of(files))
    acquired = f"{raw_folder}/{name}/{version}/acquired.json"
    return DatasetPlan(name, chosen.source, entry.native_format, version, files, registry, acquired)


def _state_of(files: list[str]) -> str:
    """Return names, sizes and times of files."""
    states = ((file, Path(file).stat()) for file in files)
    return repr([(file, state.st_size, state.st_mtime_ns) for file, state in states])


def _files(name: str, path: str, suffix: str) -> list[str]:
    where = f"config key datasets.{name}.path"
    found = Path(path)
    if "{" in path or "}" in path:
        raise WildpaperError(
            f"Snakemake cannot take a path with braces: {path}",
            where=where,
            hint="Rename the file or folder, or link to it from elsewhere.",
        )
    if found.is_file():
        return [path]
    if found.is_dir():
        files = sorted(
            str(file)
            for file in found.iterdir()
            if file.suffix == suffix and file.is_file() and not file.name.startswith(".")
        )
        if files:
            return files
        raise WildpaperError(
            f"No {suffix} file in the folder {path}",
            where=where,
            hint=f"The files of {name} end in {suffix}; name the folder that holds them.",
        )
    raise WildpaperError(
        f"No such file or folder: {path}",
        where=where,
        hint="Correct the path, set the environment variable that it names, or set the source "
        "to 'none'.",
    )


def _tokenizer(config: Config, sources: Sources, project: str) -> tuple[str, str]:
    """Return the tokenizer's source file, and its checksum where the registry states one."""
    if config.tokenizer.path:
        if not Path(config.tokenizer.path).is_file():
            raise WildpaperError(
                f"No such file: {config.tokenizer.path}",
                where="config key tokenizer.path",
                hint="Correct the path, or set the tokenizer's source to 'npm'.",
            )
        return config.tokenizer.path, ""
    if config.tokenizer.source == "hub":
        return HUB_TOKENIZER, ""
    npm = sources.tokenizers.llama2.npm
    found = Path(project, "data", "raw", "llama2-tokenizer", npm.archive)
    if not found.is_file():
        raise WildpaperError(
            f"The Llama-2 tokenizer's package is not there: {npm.archive}",
            where=str(found.parent),
            hint="Run 'make setup', or name a tokenizer.model under the config key tokenizer.",
        )
    return str(found), npm.sha256
