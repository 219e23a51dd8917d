"""The registry of pretrained models that the workflow converts itself (``data/models.yaml``)."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml


class BaseModelEntry(BaseModel):
    """One pretrained model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    licence: str
    folder: str
    package: str
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


def read_base_models(path: Path) -> list[BaseModelEntry]:
    """Read the registry.

    Raises
    ------
    WildpaperError
        If the file breaks its model.
    """
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))["models"]
        return [BaseModelEntry.model_validate(item) for item in raw]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise WildpaperError(f"Invalid registry of models: {error}", where=str(path)) from error
