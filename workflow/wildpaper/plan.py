"""What a run consists of: known before any job starts, from the configuration alone.

Snakemake builds its DAG from this; it must stay light, for it is read at every call.
"""

import hashlib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wildpaper.acquire.preflight_needs import Download, needs_of
from wildpaper.acquire.sources import Sources, load_sources
from wildpaper.artifacts import Artifact, load_artifacts
from wildpaper.config import DATASETS, Config, load_config
from wildpaper.plan_blanks import what_is_lacking
from wildpaper.plan_evaluation import Evaluation, plan_evaluation
from wildpaper.plan_inputs import (
    answer_files,
    detoxify_download,
    files_of,
    from_hub,
    mtbench_file,
    raw_log_files,
    state_of,
    tokenizer_file,
)
from wildpaper.plan_parts import DatasetPlan, DetoxifyDownload, RawLogs, Simulation
from wildpaper.plan_training import Training, plan_training

_SUFFIXES = {
    "wildchat-parquet": (".parquet",),
    "lmsys-parquet": (".parquet",),
    "alpaca-json": (".json",),
    "sharegpt-json": (".json",),
    "dolly-jsonl": (".jsonl",),
    "oasst-jsonl": (".jsonl", ".jsonl.gz"),
}
RAWLOGS = "rawlogs"
_COMPUTED = ("language", "tokens", "jailbreak", "near_duplicate", "embedding")


@dataclass(frozen=True, slots=True)
class Plan:
    """The configuration, validated, with data sets and artifacts resolved."""

    config: Config
    simulation: Simulation | None
    rawlogs: RawLogs | None
    sources: Sources
    artifacts: list[Artifact]
    datasets: dict[str, DatasetPlan]
    tokenizer_file: str
    tokenizer_sha256: str
    version: str
    needs: dict[str, Any]
    training: Training | None
    questions: str
    evaluation: Evaluation | None
    detoxify: DetoxifyDownload | None

    @property
    def config_digest(self) -> str:
        """16 hex digits over the configuration, defaults included."""
        return _digest(self.config.model_dump_json(exclude={"restore"}))

    @property
    def planted(self) -> bool:
        """Whether the raw logs of the run are simulated, so that their truth is known."""
        return self.rawlogs is not None and not self.rawlogs.files

    def registry(self) -> str:
        """Return a digest of ``data/sources.yaml``, in which comments do not count."""
        return _digest(self.sources.model_dump_json())

    def titles(self) -> dict[str, str]:
        """Return {data set: title} of all six data sets."""
        return {name: self.sources.dataset(name).title for name in DATASETS}

    def route(self, dataset: str, label: str) -> str:
        """Return where a label of a data set comes from; empty if the run does not have it.

        Labels of raw logs are made in the run; a release carries some, others are computed.
        """
        if dataset == RAWLOGS:
            return "replayed" if label == "moderation" else "computed"
        if label in self.datasets[dataset].recorded:
            return "recorded"
        annotate = self.config.annotate
        if label == "moderation":
            return "replayed" if self.moderation_store or self.moderated_by(dataset) else ""
        computed = label in _COMPUTED or (
            (label == "detoxify" and self.scorable(dataset))
            or (label == "category" and (annotate.category.model or self.planted))
            or (label == "language_check" and annotate.language.check_messages)
            or (
                label == "detoxify_check"
                and annotate.detoxify.check_messages
                and "detoxify" in self.datasets[dataset].recorded
                and self.scorable(dataset)
            )
        )
        return "computed" if computed else ""

    def scorable(self, dataset: str) -> bool:
        """Say whether the run has a checkpoint of Detoxify for a data set.

        The small one that a simulated run trains knows invented words only.
        """
        simulated = self.simulation is not None and self.datasets[dataset].source == "simulate"
        return bool(self.config.annotate.detoxify.checkpoint) or simulated

    @property
    def moderation_store(self) -> str:
        """The folder of stored moderation answers; empty if the run has none."""
        chosen = self.config.annotate.moderation
        default = f"data/private/{self.config.preset}/moderation" if chosen.ask else ""
        return chosen.answers or default

    def moderated_by(self, dataset: str) -> str:
        """Return the ``acquired.json`` that names stored moderation answers; empty if none does.

        Where the run has a folder of answers, they are taken from there.
        """
        if self.moderation_store:
            return ""
        if dataset == RAWLOGS:
            return self.rawlogs.acquired if self.rawlogs else ""
        if self.simulation is not None and dataset in self.simulation.datasets:
            return self.simulation.file("moderation/acquired.json")
        return ""

    def stored_answers(self) -> list[str]:
        """Return the files of the folder of moderation answers, unless the run adds to them.

        Raises
        ------
        WildpaperError
            If there are none.
        """
        if not self.moderation_store or self.config.annotate.moderation.ask:
            return []
        return answer_files(self.moderation_store, bool(self.config.restore))

    def replayed(self) -> list[str]:
        """Return what is labelled by stored moderation answers, raw logs first."""
        own = [RAWLOGS] if self.rawlogs else []
        return [n for n in [*own, *self.datasets] if self.route(n, "moderation") == "replayed"]

    def having(self, *labels: str) -> list[str]:
        """Return the data sets that have all of some labels."""
        return [name for name in self.datasets if all(self.route(name, one) for one in labels)]

    def checked(self) -> list[str]:
        """Return the data sets whose recorded languages are compared with lingua's."""
        return [
            name
            for name in self.datasets
            if self.route(name, "language") == "recorded" and self.route(name, "language_check")
        ]

    def models(self) -> dict[str, tuple[str, str | None]]:
        """Return {what for: (model, revision)} of what a run takes from the hub to label texts."""
        annotate, lacking = self.config.annotate, self.lacking()
        found = {}
        if annotate.category.model and "category" not in lacking and "wildchat" in self.datasets:
            found["prompt classifier"] = (annotate.category.model, annotate.category.revision)
        if "comparison" not in lacking:
            found["sentence encoder"] = (annotate.embedding.model, annotate.embedding.revision)
        if self.detoxify:
            found[self.detoxify.title] = (self.detoxify.repo, self.detoxify.revision)
        found |= self.evaluation.from_hub() if self.evaluation else {}
        return {what: named for what, named in found.items() if from_hub(named[0])}

    def downloads(self) -> list[Download]:
        """Return what else is fetched: what it is, from where, to where, how large."""
        one = self.detoxify
        return [Download(one.title, one.url, one.folder, 2 * one.n_bytes)] if one else []

    def lacking(self) -> dict[str, str]:
        """Return {what artifacts may need: why this run does not have it}."""
        return what_is_lacking(self)

    def blanks(self, *kinds: str) -> dict[str, str]:
        """Return {artifact id: reason} of the artifacts of some kinds that stay blank."""
        lacking, datasets = self.lacking(), list(self.datasets)
        reasons = {
            a.id: a.blank_reason(datasets, lacking) for a in self.artifacts if a.kind in kinds
        }
        return {name: reason for name, reason in reasons.items() if reason}

    def ids(self, kind: str) -> list[str]:
        """Return the ids of all artifacts of a kind."""
        return [a.id for a in self.artifacts if a.kind == kind]

    def built(self, artifact: str) -> bool:
        """Say whether the run builds an artifact."""
        return artifact not in self.blanks("table", "figure", "numbers")


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
    simulation = _plan_simulation(config, raw_folder)
    rawlogs = _plan_rawlogs(config, raw_folder, simulation)
    datasets = {
        name: _plan_dataset(name, config, sources, raw_folder, simulation, rawlogs)
        for name in config.present_datasets()
    }
    absent_ok = bool(config.restore)
    tokenizer, sha256 = tokenizer_file(config, sources, project, absent_ok)
    training = plan_training(config.train.recipe, project, raw_folder, datasets, absent_ok)
    evaluation = plan_evaluation(config, training, project, absent_ok)
    asked = config.evaluate.questions if training or evaluation else ""
    version = tomllib.loads(Path(project, "pyproject.toml").read_text("utf-8"))["project"][
        "version"
    ]
    plan = Plan(
        config, simulation, rawlogs, sources, artifacts, datasets, tokenizer, sha256, version,
        {}, training,
        mtbench_file("questions", asked, project, absent_ok) if asked else "", evaluation,
        detoxify_download(config.annotate.detoxify.checkpoint, project, raw_folder, absent_ok),
    )  # fmt: skip
    folders = (raw_folder, f"results/{config.preset}")
    needs = needs_of(
        datasets.values(), config.tokenizer.source, training.recipe if training else None,
        sources, *folders,
        models=plan.models(), downloads=plan.downloads(),
    )  # fmt: skip
    return replace(plan, needs=needs)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plan_simulation(config: Config, raw_folder: str) -> Simulation | None:
    names = config.simulated()
    if not names:
        return None
    parameters = config.simulate.model_dump_json()
    version = _digest(f"{config.seed} {parameters} {' '.join(names)}")[:8]
    sets = [name for name in names if name != "wildchat"]
    return Simulation(f"{raw_folder}/simulated/{config.simulate.conversations}-{version}", sets)


def _plan_rawlogs(config: Config, raw_folder: str, simulation: Simulation | None) -> RawLogs | None:
    wildchat = config.dataset("wildchat")
    if wildchat.source == "simulate" and simulation:
        return RawLogs(simulation.file("rawlogs/acquired.json"), [], "")
    if wildchat.source != "rawlogs":
        return None
    files = raw_log_files(str(wildchat.path), bool(config.restore))
    version = f"local-{_digest(str(wildchat.path))[:8]}"
    acquired = f"{raw_folder}/{RAWLOGS}/{version}/acquired.json"
    return RawLogs(acquired, files, _digest(state_of(files)))


def _plan_dataset(
    name: str, config: Config, sources: Sources, raw_folder: str,
    simulation: Simulation | None, rawlogs: RawLogs | None,
) -> DatasetPlan:  # fmt: skip
    chosen = config.dataset(name)
    entry = sources.dataset(name)
    files: list[str] = []
    recorded: tuple[str, ...] = ()
    if rawlogs and name == "wildchat":
        acquired = f"results/{config.preset}/release/wildchat-full/acquired.json"
        version = simulation.folder.rpartition("/")[2] if simulation else "own"
        recorded = ("language", "detoxify", "moderation")
    elif chosen.source == "simulate":
        assert simulation is not None  # noqa: S101 - there is one if any data set is simulated
        acquired = simulation.file(f"{name}/acquired.json")
        recorded = ("moderation",) if name == "lmsys_chat_1m" else ()
        version = simulation.folder.rpartition("/")[2]
    elif chosen.source == "path":
        suffixes = _SUFFIXES[entry.native_format]
        files = files_of(name, str(chosen.path), suffixes, bool(config.restore))
        version = "local-" + _digest(str(chosen.path))[:8]
        acquired = f"{raw_folder}/{name}/{version}/acquired.json"
    else:
        version, release = sources.version(name, chosen.revision)
        recorded = release.labels
        acquired = f"{raw_folder}/{name}/{version}/acquired.json"
    labels = list(recorded if chosen.recorded is None else chosen.recorded)
    registry = _digest(entry.model_dump_json() + state_of(files))
    return DatasetPlan(
        name, chosen.source, entry.native_format, version, files, registry, acquired, labels
    )
