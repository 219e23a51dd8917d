"""Which published claims a preset computes, which it compares, and which it leaves blank."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from wildpaper.acquire.sources import Sources, match_release
from wildpaper.artifacts import Artifact, artifact_of
from wildpaper.config import DATASETS
from wildpaper.files import sha256_file
from wildpaper.plan import Plan
from wildpaper.plan_evaluation import published_rows
from wildpaper.plan_parts import DatasetPlan
from wildpaper.publish.published import PublishedClaim, load_published

_VERSUS = "-vs-"
_ANY = "any-"
"""Needs of artifacts that some data set has to meet; a claim's own has to meet it for the claim."""
_LARGEST_BYTES = 64 * 2**20


@dataclass(slots=True)
class Covered:
    """The published claims of one artifact in a preset.

    Attributes
    ----------
    artifact, kind, title : str
    computed, real, compared : list of str
        Ids that the preset computes; those of them whose data are not simulated; those of these
        whose data are the releases of the paper, so that a value is reproduced or deviates.
    blank : dict
        {id: why the preset does not compute it}.
    """

    artifact: str
    kind: str
    title: str
    computed: list[str] = field(default_factory=list)
    real: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    blank: dict[str, str] = field(default_factory=dict)

    @property
    def claims(self) -> int:
        """How many there are."""
        return len(self.computed) + len(self.blank)


def coverage(plan: Plan, project: Path) -> list[Covered]:
    """Return what a preset makes of each artifact with published claims.

    Parameters
    ----------
    plan : Plan
    project : Path
        The project's folder.

    Notes
    -----
    Known before the run: that the data do not give some value is found by the run only. Files
    of the user's own that are missing are taken for the paper's.
    """
    blanks = plan.blanks("table", "figure", "numbers")
    rows, comparable = _rows(plan), _comparable(plan)
    found: dict[str, Covered] = {}
    for claim in _published(project / "data" / "published.yaml"):
        artifact = artifact_of(plan.artifacts, claim.id)
        one = found.setdefault(artifact.id, Covered(artifact.id, artifact.kind, artifact.title))
        why = _why_blank(claim, artifact, plan, blanks, rows)
        if why:
            one.blank[claim.id] = why
            continue
        one.computed.append(claim.id)
        behind = [name for name in claim.dataset.split(",") if name in DATASETS]
        sources = {plan.datasets[name].source for name in behind or plan.datasets}
        if "simulate" not in sources:
            one.real.append(claim.id)
            one.compared += [claim.id] if comparable.issuperset(behind) else []
    order = [artifact.id for artifact in plan.artifacts]
    return sorted(found.values(), key=lambda one: order.index(one.artifact))


@cache
def _published(path: Path) -> list[PublishedClaim]:
    return load_published(path)[0]


def _rows(plan: Plan) -> set[str]:
    """Return the rows of published tables of models that the preset has, and of their pairs."""
    one = plan.evaluation
    if one is None or one.judge.kind == "likelihood":  # a stand-in, not comparable
        return set()
    rows, _ = published_rows(plan.config, one.models)
    pairs = [(rows[a], rows[b]) for a, b in one.pairs if a in rows and b in rows]
    both = [pair for a, b in pairs for pair in ((a, b), (b, a))]
    return {*rows.values(), *(_VERSUS.join(pair) for pair in both)}


def _why_blank(
    claim: PublishedClaim, artifact: Artifact, plan: Plan, blanks: dict[str, str], rows: set[str]
) -> str:
    named = claim.dataset.split(",")
    missing = [name for name in named if name in DATASETS and name not in plan.datasets]
    if missing:
        return f"data set not in this preset: {', '.join(dict.fromkeys(missing))}"
    if artifact.id in blanks:
        return blanks[artifact.id]
    for label in [need.removeprefix(_ANY) for need in artifact.needs if need.startswith(_ANY)]:
        bare = [name for name in named if name in DATASETS and not plan.route(name, label)]
        if bare:
            return f"no {label} labels in this preset: {', '.join(bare)}"
    absent = [name for name in named if name not in DATASETS and name not in rows]
    if absent and plan.evaluation and plan.evaluation.judge.kind == "likelihood":
        return "a stand-in judges, whose grades are not comparable (config key evaluate.judge.kind)"
    return f"not judged in this preset: {', '.join(absent)}" if absent else ""


def _comparable(plan: Plan) -> set[str]:
    """Return the data sets whose release is the paper's, by the registry."""
    found = set()
    for name, dataset in plan.datasets.items():
        entry = plan.sources.dataset(name)
        if dataset.source in ("url", "hub"):
            if entry.versions[dataset.version].comparable:
                found.add(name)
        elif dataset.source == "path" and _is_papers(dataset, plan.sources):
            found.add(name)
    return found


def _is_papers(dataset: DatasetPlan, sources: Sources) -> bool:
    """Say whether files of the user's own are a comparable release, large ones by their size."""
    files, entry = [Path(file) for file in dataset.files], sources.dataset(dataset.name)
    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    if not any(sizes):  # stand-ins, which are gone by now
        return True
    if sum(sizes) > _LARGEST_BYTES:
        known = {f.size_bytes for v in entry.versions.values() if v.comparable for f in v.files}
        return any(size in known for size in sizes)
    checksums = {file.name: sha256_file(file) for file in files}
    release = match_release(sources, dataset.name, checksums)
    return release is not None and release[1].comparable
