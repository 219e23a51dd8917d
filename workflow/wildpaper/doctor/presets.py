"""Whether a preset can run on this machine, what it lacks, and which claims it covers."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wildpaper.acquire.preflight import (
    Finding,
    machine_findings,
    network_findings,
    token_findings,
)
from wildpaper.doctor.coverage import Covered, coverage
from wildpaper.doctor.environment import Check
from wildpaper.doctor.stand_ins import try_plan
from wildpaper.errors import WildpaperError
from wildpaper.interfaces.endpoint import open_endpoint
from wildpaper.plan import Plan
from wildpaper.train.estimate import plan_training
from wildpaper.train.hardware import this_machine, visible_gpus


@dataclass(frozen=True, slots=True)
class Lack:
    """What a preset lacks, what was found instead, how to mend it, and where it is wanted."""

    what: str
    found: str = ""
    mend: str = ""
    where: str = ""


@dataclass(slots=True)
class Preset:
    """One preset on this machine.

    Attributes
    ----------
    name, purpose : str
    lacks : list of Lack
        Empty if it can run.
    covered : list of Covered or None
        By artifact; None if the preset cannot be planned at all.
    unasked : bool
        Whether it needs the network and nobody was asked.
    """

    name: str
    purpose: str = ""
    lacks: list[Lack] = field(default_factory=list)
    covered: list[Covered] | None = None
    unasked: bool = False

    @property
    def can_run(self) -> bool:
        """Whether nothing is lacking."""
        return not self.lacks


def examine(
    file: Path, project: Path, checks: list[Check], *, network: bool = False, results: str = ""
) -> Preset:
    """Compare what a preset needs with what this machine has.

    Parameters
    ----------
    file : Path
        ``config/<preset>.yaml``.
    project : Path
        The project's folder.
    checks : list of Check
        Of the machine; what stops every preset is among the lacks.
    network : bool
        Whether to ask the hub and the addresses.
    results : str
        Folder below which the run writes; default ``results``.
    """
    found = Preset(file.stem)
    found.lacks = [Lack(one.what, one.found, one.mend) for one in checks if one.stops]
    try:
        tried = try_plan(file, project)
        found.lacks += [Lack(one.what, "", one.hint, one.where) for one in tried.missing]
        if tried.plan:
            found.purpose = tried.plan.config.purpose
            found.covered = coverage(tried.plan, project)
            found.lacks += _lacks_of(tried.plan, network, Path(results or "results"))
            asked_for = bool(tried.plan.needs.get("hub") or tried.plan.needs.get("addresses"))
            found.unasked = asked_for and not network
    except WildpaperError as error:
        found.lacks.append(Lack(error.what, "", error.hint, error.where))
    except Exception as error:  # noqa: BLE001 - a doctor does not fall ill
        what = f"Unexpected {type(error).__name__}: {str(error)[:200]}"
        found.lacks.append(Lack(what, where=str(file)))
    return found


def _lacks_of(plan: Plan, network: bool, results: Path) -> list[Lack]:
    findings: list[Finding] = []
    if plan.needs:
        findings += token_findings(plan.needs)
        findings += machine_findings(plan.needs)
        findings += network_findings(plan.needs) if network else ()
    found = [Lack(one.need, one.found, one.mend, one.where) for one in findings if one.mend]
    return [*found, *_keys(plan), *_training(plan, results), *_devices(plan)]


def _keys(plan: Plan) -> Iterator[Lack]:
    """Yield the interfaces that a preset asks and that have no key; no key is shown."""
    evaluate, moderation = plan.config.evaluate, plan.config.annotate.moderation
    asked: dict[tuple[str, str], str] = {}
    if plan.evaluation and plan.evaluation.judge.kind == "ask":
        judge = plan.evaluation.judge
        asked[(judge.endpoint, judge.key_variable)] = "evaluate.judge"
    for name, one in plan.evaluation.answering("endpoint").items() if plan.evaluation else ():
        where = f"evaluate.models.{name}"
        asked.setdefault((str(one.endpoint), evaluate.answers.key_variable), where)
    if moderation.ask:
        asked[(moderation.endpoint, "OPENAI_API_KEY")] = "annotate.moderation"
    for (url, variable), where in asked.items():
        try:
            open_endpoint(
                url, called=f"interface of {where}", setting=f"config key {where}.endpoint",
                model_setting=f"config key {where}.model", key_variable=variable,
            )  # fmt: skip
        except WildpaperError as error:
            yield Lack(error.what, "", error.hint, error.where)


def _training(plan: Plan, results: Path) -> Iterator[Lack]:
    """Yield what a training on the CPU lacks; what one on GPUs needs is among the needs."""
    training = plan.training
    if not training or training.device != "cpu" or not training.recipe.architecture:
        return
    recipe, n_compared = training.recipe, len(training.compared)
    # memory and disk do not depend on the size of the data
    for one in plan_training(recipe, None, this_machine(results), n_compared).lacking:
        what, _, mend = one.partition(". ")
        yield Lack(f"training with {recipe.name}: {what}", "", mend, "config key train.recipe")


def _devices(plan: Plan) -> Iterator[Lack]:
    """Yield annotators that are set to a GPU where there is none."""
    annotate = plan.config.annotate
    for name in ("embedding", "detoxify"):
        if getattr(annotate, name).device == "cuda" and not visible_gpus():
            shown = os.environ.get("CUDA_VISIBLE_DEVICES")
            found = "none is visible" if shown is not None else "there is none"
            where = f"config key annotate.{name}.device"
            yield Lack(f"a GPU for annotate.{name}", found, "Set it to 'cpu'.", where)
