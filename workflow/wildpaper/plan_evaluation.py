"""Who answers the questions of MT-bench in a run, who judges, and which files that takes."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from wildpaper.config import Config
from wildpaper.config_evaluate import AnsweringModel, JudgeConfig
from wildpaper.errors import WildpaperError
from wildpaper.plan_inputs import from_hub, mtbench_file
from wildpaper.plan_training import Training
from wildpaper.train.recipe import SCRATCH

BASE = "base"
"""Name of a recipe's pretrained base among the models."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a run.

    Attributes
    ----------
    judge : JudgeConfig
        Of kind ``likelihood``, ``replay`` or ``ask``.
    questions : str
        File of the questions.
    trained : list of str
        Models that the run trained, the one under study first; none if stored judgments are
        replayed.
    base : bool
        Whether the pretrained base of the recipe answers, too, under the name `BASE`.
    others : dict
        {model: where its answers come from}.
    pairs : list of (str, str)
        To compare.
    titles : dict
        {model: title}.
    prompts : str
        Judge prompts, for ``ask``.
    references : str
        Right answers in a file of their own; empty if there is none.
    log : str
        Folder of requests and verdicts, for ``ask``.
    """

    judge: JudgeConfig
    questions: str
    trained: list[str]
    base: bool
    others: dict[str, AnsweringModel]
    pairs: list[tuple[str, str]]
    titles: dict[str, str]
    prompts: str
    references: str
    log: str

    @property
    def models(self) -> list[str]:
        """All models, in the order of tables."""
        return [*self.trained, *([BASE] if self.base else []), *self.others]

    def answering(self, source: str) -> dict[str, AnsweringModel]:
        """Return the other models with a source: ``model``, ``endpoint`` or ``answers``."""
        return {n: one for n, one in self.others.items() if getattr(one, source) is not None}

    def from_hub(self) -> dict[str, tuple[str, str | None]]:
        """Return {what for: (repository, revision)} of models that are taken from the hub."""
        return {
            self.titles[name]: (str(one.model), one.revision)
            for name, one in self.answering("model").items()
            if from_hub(str(one.model))
        }


def plan_evaluation(
    config: Config, training: Training | None, project: str, absent_ok: bool = False
) -> Evaluation | None:
    """Return who answers and judges; None if the run has nobody to judge, or no judge.

    Raises
    ------
    WildpaperError
        If a file that the configuration names is missing, unless `absent_ok`; if a model has no
        source of answers, or a pair names a model that the run does not have.
    """
    judge, chosen = config.evaluate.judge, config.evaluate.models
    trained = list(training.models) if training and judge.kind != "replay" else []
    if judge.kind == "none" or (judge.kind == "likelihood" and not trained):
        return None
    base = bool(trained and training and training.recipe.base != SCRATCH)
    own = {*trained, BASE} if trained else set()
    others = {name: one for name, one in chosen.items() if name not in own}
    if judge.kind == "replay":
        others |= {name: AnsweringModel() for name in judge.names.values() if name not in others}
    else:
        _check_sources(others)
    titles = (training.titles() if training else {}) | {
        name: one.title or name for name, one in others.items()
    }
    titles |= {name: one.title for name, one in chosen.items() if one.title}
    names = [*trained, *([BASE] if base else []), *others]
    if not absent_ok:
        _check_files(judge, others)

    def file(key: str, name: str | None) -> str:
        return mtbench_file(key, name, project, absent_ok) if name else ""

    asks = judge.kind == "ask"
    return Evaluation(
        judge, file("questions", config.evaluate.questions), trained, base, others,
        _pairs(judge, names), titles,
        file("judge.prompts", judge.prompts if asks else None),
        file("judge.references", judge.references if asks else None),
        judge.log or f"data/private/{config.preset}/judge",
    )  # fmt: skip


def published_rows(
    config: Config, models: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return {model: its row in the published tables}, and {row: how its model differs}."""
    chosen = {n: one for n, one in config.evaluate.models.items() if n in models}
    rows = {name: one.published_as for name, one in chosen.items() if one.published_as}
    return rows, {rows[n]: one.differs for n, one in chosen.items() if n in rows and one.differs}


def _check_sources(others: dict[str, AnsweringModel]) -> None:
    for name, one in others.items():
        if not (one.model or one.endpoint or one.answers):
            raise WildpaperError(
                f"Nothing says where the answers of {name} come from",
                where=f"config key evaluate.models.{name}",
                hint="Give model, endpoint or answers; a model that the run trains has the name "
                "that the recipe gives it.",
            )


def _check_files(judge: JudgeConfig, others: dict[str, AnsweringModel]) -> None:
    named = {f"evaluate.models.{n}.answers": [one.answers] for n, one in others.items()}
    if judge.kind == "replay":
        named["evaluate.judge.judgments"] = list(judge.judgments)
    for key, files in named.items():
        for file in files:
            if file is not None and not Path(file).is_file():
                raise WildpaperError(
                    f"No such file: {file}",
                    where=f"config key {key}",
                    hint="Correct the path, or set the environment variable that it names.",
                )


def _pairs(judge: JudgeConfig, names: list[str]) -> list[tuple[str, str]]:
    default = [] if judge.kind == "replay" else list(combinations(names, 2))
    pairs = default if judge.pairs is None else list(judge.pairs)
    for name in (one for pair in pairs for one in pair):
        if name not in names:
            raise WildpaperError(
                f"There is no model {name!r} to compare",
                where="config key evaluate.judge.pairs",
                hint=f"The models of this run: {', '.join(names)}.",
            )
    return pairs
