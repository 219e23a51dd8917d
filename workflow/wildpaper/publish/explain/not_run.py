"""What it takes to run a claim that was not: what its artifact needs, and presets that have it."""

from pathlib import Path
from typing import Any

from wildpaper.config import DATASETS
from wildpaper.doctor.coverage import coverage
from wildpaper.doctor.stand_ins import try_plan

NEEDS = {
    "detoxify": "Detoxify scores of WildChat: a release that records them, or a checkpoint "
    "(config key annotate.detoxify.checkpoint)",
    "moderation": "moderation labels of WildChat: a release that records them, or stored answers "
    "(config section annotate.moderation)",
    "any-detoxify": "Detoxify scores of a data set: recorded ones, or a checkpoint (config key "
    "annotate.detoxify.checkpoint)",
    "any-moderation": "moderation labels of a data set: recorded ones, or stored answers (config "
    "section annotate.moderation)",
    "both-classifiers": "a data set with Detoxify scores and moderation labels",
    "rescored": "a data set with recorded Detoxify scores, and a checkpoint to score it anew "
    "(config key annotate.detoxify.checkpoint)",
    "judged-texts": "a checkpoint of Detoxify, and texts that people have judged (config keys "
    "annotate.detoxify.checkpoint and human_labels)",
    "category": "a classifier of prompts (config key annotate.category.model)",
    "comparison": "a data set to compare WildChat with (config section datasets)",
    "train": "a recipe (config key train.recipe), and the data set that its model is trained on",
    "coverage": "a recipe with a section coverage (config key train.recipe)",
    "data-size": "a recipe with a section for sizes of the training data (config key train.recipe)",
    "judgments": "models and judgments of their answers (config section evaluate)",
    "pair-judgments": "judgments of pairs of answers (config key evaluate.judge.pairs)",
    "checks-of-the-judge": "the judged answers themselves, or a judge that can be asked about "
    "changed ones (config keys evaluate.judge.kind and robustness_questions)",
    "rawlogs": "raw logs instead of a release (config key datasets.wildchat, source rawlogs)",
    "plant": "simulated raw logs (config key datasets.wildchat, source simulate)",
}
"""{need of an artifact in data/artifacts.yaml: what gives it to a run}."""


def what_it_takes(
    claim: dict[str, Any], facts: dict[str, Any], preset: str, project: Path
) -> dict[str, Any]:
    """Return what a claim needs, and which presets compute it.

    Parameters
    ----------
    claim : dict
        Of ``claims.json``; not run.
    facts : dict
        Of `wildpaper.publish.explain.claim.explain_claim`.
    preset : str
        What ran, without it.
    project : Path
        The project's folder.

    Returns
    -------
    dict
        ``needs``: in words; ``presets``: those of config/ that would compute it.
    """
    artifact = facts["artifact"]
    if artifact is None:
        return {"needs": [], "presets": []}
    presets = _presets(claim["id"], preset, project, from_real=facts["cell"] is not None)
    if facts["cell"]:
        return {"needs": ["data that give the value: those of this run do not"], "presets": presets}
    named = str(claim["dataset"]).split(",")
    needs = [f"data set {name} (config key datasets.{name})" for name in named if name in DATASETS]
    models = [m for name in named if name not in DATASETS for m in name.split("-vs-")]
    needs += [f"the model {m} (config key evaluate.models, published_as: {m})" for m in models]
    return {
        "needs": [*needs, *(NEEDS.get(need, need) for need in artifact["needs"])],
        "presets": presets,
    }


def _presets(claim: str, ran: str, project: Path, *, from_real: bool) -> list[str]:
    """Return the presets that compute a claim, of those with real data where others do not."""
    found = []
    for file in sorted((project / "config").glob("*.yaml")):
        plan = try_plan(file, project).plan if file.stem != ran else None
        for one in coverage(plan, project) if plan else ():
            if claim in (one.real if from_real else one.computed):
                found.append(file.stem)
    return found
