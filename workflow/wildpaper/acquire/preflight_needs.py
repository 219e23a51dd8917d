"""What a run needs of its surroundings: known from the configuration, before any job.

It is read at every call of Snakemake, so it asks nobody; `wildpaper.acquire.preflight`
checks what this lists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wildpaper.acquire.sources import Sources, Version
from wildpaper.train.estimate import disk_bytes, least_memory
from wildpaper.train.memory import BF16, host_memory, size_of
from wildpaper.train.recipe import Recipe
from wildpaper.train.workload import runs_of

Needs = dict[str, Any]

RESULTS_PER_RAW = 1.5
"""Bytes of results for each byte of raw files: ingest writes the text once more (0.96 of a
WildChat parquet, 0.14 to 0.36 of JSON), labels take about 0.2; the rest is for sorting."""

_BYTES_IF_UNKNOWN = 5_000_000_000
_ESTIMATED_BYTES = {
    # 4,000 bytes a conversation, as in WildChat-1M, whose size is registered
    "wildchat-1m-full": 4_000_000_000,
    "wildchat-4.8m": 13_000_000_000,
    "wildchat-4.8m-full": 19_000_000_000,
}
_BASE_MODEL_BYTES = 14_000_000_000
"""Of a base whose architecture the recipe does not state: 7B parameters, two bytes each."""
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Download:
    """One file that is fetched: what it is, from where, to where, about how large."""

    what: str
    url: str
    folder: str
    n_bytes: int


class Planned(Protocol):
    """What is read of a data set of the plan."""

    @property
    def name(self) -> str:
        """Key of the data set."""

    @property
    def source(self) -> str:
        """Where it comes from: simulate, path, url or hub."""

    @property
    def version(self) -> str:
        """Version in ``data/sources.yaml``, for url and hub."""


def needs_of(
    datasets: Iterable[Planned],
    tokenizer_source: str,
    recipe: Recipe | None,
    sources: Sources,
    raw_folder: str,
    results_folder: str,
    memory_gb: float = 0.0,
    models: Mapping[str, tuple[str, str | None]] | None = None,
    downloads: Iterable["Download"] = (),
) -> Needs:
    """Return what has to be checked before a run starts; empty if there is nothing.

    Parameters
    ----------
    datasets : iterable of Planned
        Data sets of the run.
    tokenizer_source : str
        ``npm``, ``path`` or ``hub``.
    recipe : Recipe or None
        How models are trained, if any are.
    sources : Sources
        The registry.
    raw_folder, results_folder : str
        Where raw files and results of the run are written.
    memory_gb : float
        Memory (10^9 bytes) that the machine must have; 0 if that is not stated.
    models : mapping, optional
        {what for: (repository of the hub, revision)} of models that label texts.
    downloads : iterable of Download
        What else is fetched.

    Returns
    -------
    dict
        ``hub``: repositories of the hub, one file of each to ask for; ``addresses``;
        ``gpus``: number, memory, whether they must know bf16, or None; ``disk``: bytes by
        folder, where the folder None stands for the hub's cache; ``memory_gb``;
        ``training``: what its plan is made of, or None. JSON values only. Empty for a run that
        needs neither network nor GPU.
    """
    datasets = list(datasets)
    hub: list[dict[str, Any]] = []
    addresses: list[dict[str, str]] = []
    disk: list[dict[str, Any]] = []
    for planned in datasets:
        if planned.source not in ("url", "hub"):
            continue
        key, version = sources.version(planned.name, planned.version)
        what = f"{planned.name} {key}"
        if planned.source == "hub" and version.hub_repo:
            hub.append(_repository(what, version))
        elif planned.source == "url" and version.files and version.files[0].url:
            addresses.append({"what": what, "url": version.files[0].url})
        disk.append(_raw_disk(what, key, version, f"{raw_folder}/{planned.name}/{key}"))
    if tokenizer_source == "hub":
        found = sources.tokenizers.llama2.hub
        hub.append(
            _hub_need("Llama-2 tokenizer", found.repo, "model", found.file, found.revision)
            | {"gated": found.gated}
        )
    for what, (repo, revision) in (models or {}).items():
        hub.append(_hub_need(what, repo, "model", "config.json", revision))
    for one in downloads:
        addresses.append({"what": one.what, "url": one.url})
    n_raw_bytes = sum(need["bytes"] for need in disk)
    if n_raw_bytes:
        what = f"results, {RESULTS_PER_RAW:g} times the raw files"
        n_bytes = int(RESULTS_PER_RAW * n_raw_bytes)
        disk.append(_disk_need(what, f"{results_folder}/ingest", n_bytes))
    disk += [_disk_need(one.what, one.folder, one.n_bytes, True) for one in downloads]
    gpus = training = None
    if recipe:
        n_compared = len(datasets) if recipe.coverage else 0
        hub += _base_model(recipe, sources)
        disk += _training_disk(recipe, results_folder, n_compared)
        gpus = _gpus(recipe)
        memory_gb = max(memory_gb, _host_gb(recipe))
        training = {"recipe": recipe.model_dump(mode="json"), "n_compared": n_compared}
    if not (hub or addresses or gpus):
        return {}
    return {
        "hub": hub,
        "addresses": addresses,
        "gpus": gpus,
        "disk": disk,
        "memory_gb": memory_gb,
        "training": training,
    }


def _hub_need(
    what: str, repo: str, repo_type: str, file: str | None, revision: str | None
) -> dict[str, Any]:
    return {
        "what": what,
        "repo": repo,
        "repo_type": repo_type,
        "file": file,
        "glob": None,
        "revision": revision,
        "gated": False,
    }


def _repository(what: str, version: Version) -> dict[str, Any]:
    file = version.files[0] if version.files else None
    path = (file.hub_path or file.name) if file else None
    need = _hub_need(what, str(version.hub_repo), "dataset", path, version.revision)
    return need | {"glob": version.hub_glob, "gated": version.gated}


def _base_model(recipe: Recipe, sources: Sources) -> list[dict[str, Any]]:
    if not recipe.base_repository:
        return []
    known = sources.tokenizers.llama2.hub
    need = _hub_need(
        f"base model of the recipe {recipe.name}",
        recipe.base,
        "model",
        "config.json",
        recipe.base_revision,
    )
    return [need | {"gated": known.gated and known.repo == recipe.base}]


def _gpus(recipe: Recipe) -> dict[str, Any] | None:
    """Return what GPUs must have: what the recipe says, or more if its plan takes more."""
    hardware = recipe.hardware
    if hardware.device != "cuda":
        return None
    least = 0.0
    if recipe.architecture:
        least = least_memory(recipe, size_of(recipe.architecture, recipe.adapter)) / _GB
    return {
        "what": f"the recipe {recipe.name}",
        "n": hardware.n_gpus,
        "memory_gb": max(hardware.min_gpu_memory_gb, round(least, 1)),
        "bf16": hardware.precision == "bf16",
    }


def _host_gb(recipe: Recipe) -> float:
    """Return the memory (10^9 bytes) of the machine that loading a model for GPUs takes."""
    if recipe.hardware.device != "cuda" or not recipe.architecture:
        return 0.0
    return round(host_memory(size_of(recipe.architecture), recipe.hardware.n_gpus) / _GB, 1)


def _training_disk(recipe: Recipe, results_folder: str, n_compared: int) -> list[dict[str, Any]]:
    """Return the disk of models and kept states, and of a base that is fetched."""
    needed, of_base = int(_GB * recipe.hardware.min_disk_gb), _BASE_MODEL_BYTES
    if recipe.architecture:
        size = size_of(recipe.architecture, recipe.adapter)
        needed = max(needed, disk_bytes(recipe, size, runs_of(recipe, None, n_compared, 1.0)))
        of_base = BF16 * size.n_parameters
    disk = [_disk_need(f"training with {recipe.name}", f"{results_folder}/train", needed)]
    if recipe.base_repository:
        disk.append(_disk_need(f"base model of {recipe.name}", None, of_base, True))
    return disk


def _raw_disk(what: str, key: str, version: Version, folder: str) -> dict[str, Any]:
    sizes = [file.size_bytes for file in version.files]
    known = bool(sizes) and None not in sizes
    n_bytes = sum(size or 0 for size in sizes)
    if not known:
        n_bytes = max(n_bytes, _ESTIMATED_BYTES.get(key, _BYTES_IF_UNKNOWN))
    return _disk_need(what, folder, n_bytes, estimated=not known)


def _disk_need(
    what: str, folder: str | None, n_bytes: int, estimated: bool = False
) -> dict[str, Any]:
    return {"what": what, "folder": folder, "bytes": n_bytes, "estimated": estimated}
