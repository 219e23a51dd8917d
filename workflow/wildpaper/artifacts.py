"""The registry of tables, figures and numbers (``data/artifacts.yaml``)."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml


class Artifact(BaseModel):
    """One table, figure or group of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Literal["table", "figure", "numbers"]
    section: str
    title: str
    datasets: tuple[str, ...]
    claims: tuple[str, ...]
    needs: tuple[str, ...] = ()
    rule: str = ""
    not_built: str = ""

    @model_validator(mode="after")
    def _rule_or_reason(self) -> "Artifact":
        if bool(self.rule) == bool(self.not_built):
            raise ValueError(f"{self.id}: give a rule or the reason why there is none")
        return self

    def answers(self, claim_id: str) -> bool:
        """Say whether this artifact answers a published claim."""
        return any(fnmatchcase(claim_id, pattern) for pattern in self.claims)

    def blank_reason(self, datasets: list[str], lacking: dict[str, str]) -> str:
        """Return why the artifact is blank in a run; empty if it is not.

        Parameters
        ----------
        datasets : list of str
            Data sets of the run.
        lacking : dict
            {what the run lacks: why}, for the names in `needs`.
        """
        if self.not_built:
            return self.not_built
        for need in self.needs:
            if need in lacking:
                return lacking[need]
        if not set(self.datasets) & set(datasets):
            return f"none of its data sets is in this run: {', '.join(self.datasets)}"
        return ""


def load_artifacts(path: Path) -> list[Artifact]:
    """Read the registry.

    Raises
    ------
    WildpaperError
        If the file breaks its model; names the file.
    """
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))["artifacts"]
        return [Artifact.model_validate(item) for item in raw]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise WildpaperError(f"Invalid registry of artifacts: {error}", where=str(path)) from error


def artifact_of(artifacts: list[Artifact], claim_id: str) -> Artifact:
    """Return the one artifact that answers a claim.

    Raises
    ------
    WildpaperError
        If none or several do.
    """
    found = [artifact for artifact in artifacts if artifact.answers(claim_id)]
    if len(found) != 1:
        raise WildpaperError(
            f"Claim {claim_id!r} is answered by {[a.id for a in found] or 'no artifact'}",
            where="data/artifacts.yaml",
            hint="Exactly one artifact must name a pattern that matches it.",
        )
    return found[0]
