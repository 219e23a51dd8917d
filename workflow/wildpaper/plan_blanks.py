"""What a run lacks for some of its artifacts, and why; it leaves them blank."""

from collections.abc import Mapping
from typing import Protocol

from wildpaper.config import Config
from wildpaper.plan_evaluation import Evaluation
from wildpaper.plan_parts import DatasetPlan, RawLogs, Simulation
from wildpaper.plan_training import Training


class Planned(Protocol):
    """What is read of a plan."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def datasets(self) -> Mapping[str, DatasetPlan]:
        """Data sets of the run."""

    @property
    def simulation(self) -> Simulation | None:
        """The simulated study."""

    @property
    def rawlogs(self) -> RawLogs | None:
        """The raw logs."""

    @property
    def planted(self) -> bool:
        """Whether the raw logs are simulated."""

    @property
    def training(self) -> Training | None:
        """What the run trains."""

    @property
    def evaluation(self) -> Evaluation | None:
        """Who answers and judges."""

    def route(self, dataset: str, label: str) -> str:
        """Return where a label comes from."""

    def having(self, *labels: str) -> list[str]:
        """Return the data sets that have all of some labels."""


def what_is_lacking(plan: Planned) -> dict[str, str]:
    """Return {what artifacts may need (``data/artifacts.yaml``): why the run does not have it}."""
    lacking = {}
    for label, title in (("detoxify", "Detoxify scores"), ("moderation", "moderation labels")):
        if "wildchat" in plan.datasets and not plan.route("wildchat", label):
            lacking[label] = f"this run has no {title} for WildChat: its files record none"
        if not plan.having(label):
            lacking[f"any-{label}"] = f"this run has no {title}: its files record none"
    if not plan.having("detoxify", "moderation"):
        lacking["both-classifiers"] = (
            "no data set of this run has both Detoxify scores and moderation labels"
        )
    if not plan.having("detoxify_check"):
        lacking["rescored"] = (
            "this run has no data set with recorded Detoxify scores and a checkpoint to "
            "score it anew (config key annotate.detoxify.checkpoint)"
        )
    detoxify = plan.config.annotate.detoxify
    if not (plan.simulation or (detoxify.checkpoint and detoxify.human_labels)):
        lacking["judged-texts"] = (
            "this run has no checkpoint of Detoxify with texts that people have judged (config "
            "keys annotate.detoxify.checkpoint and human_labels)"
        )
    if "wildchat" in plan.datasets and not plan.route("wildchat", "category"):
        lacking["category"] = (
            "this run has no classifier of prompts (config key annotate.category.model)"
        )
    if len(plan.datasets) < 2:
        lacking["comparison"] = "this run has no data set to compare WildChat with"
    if plan.rawlogs is None:
        lacking["rawlogs"] = "this run starts from a release of WildChat, not from raw logs"
    if not plan.planted:
        lacking["plant"] = "nothing is planted in this run: its raw logs are not simulated"
    lacking |= _unjudged(plan)
    if plan.training is None:
        none = "this preset trains no model (config key train.recipe)"
        return lacking | dict.fromkeys(("train", "coverage", "data-size"), none)
    return lacking | plan.training.lacking()


def _unjudged(plan: Planned) -> dict[str, str]:
    if plan.evaluation is None:
        if plan.config.evaluate.judge.kind == "none":
            why = "this run judges no answers (config key evaluate.judge.kind)"
        else:
            why = (
                "this run trains no model whose answers could be judged, and replays no judgments "
                "(config section evaluate)"
            )
        return dict.fromkeys(("judgments", "pair-judgments", "checks-of-the-judge"), why)
    if plan.evaluation.pairs:
        return {}
    lacking = {
        "pair-judgments": "this run has grades only, no two answers were compared (config key "
        "evaluate.judge.pairs)"
    }
    if plan.evaluation.judge.kind == "replay" and not plan.evaluation.answering("answers"):
        lacking["checks-of-the-judge"] = (
            "the stored judgments of this run tell neither the length of answers nor what a "
            "changed answer would get"
        )
    return lacking
