"""Recipes: all that decides how models are fine-tuned (``data/recipes/*.yaml``)."""

from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from wildpaper.config_errors import explain
from wildpaper.errors import WildpaperError
from wildpaper.train.settings import (
    AdapterSettings,
    Architecture,
    CoverageSettings,
    DataSettings,
    DataSizeSettings,
    HardwareSettings,
    HeldOutSettings,
    Name,
    OptimiserSettings,
    Section,
    TrainedModel,
)
from wildpaper.yaml_text import parse_yaml

SCRATCH = "scratch"
_HINT = "The keys of a recipe and their meaning: workflow/wildpaper/train/settings.py."


class Recipe(Section):
    """One way to fine-tune."""

    name: Name
    """The name of its file."""
    title: str
    """One line on what it is."""
    base: str = SCRATCH
    """`scratch`, a folder with a model, or a model on the hub."""
    base_revision: str | None = None
    """For a model on the hub: the commit."""
    base_licence: str = ""
    """Of a pretrained base."""
    base_title: str = ""
    """The name of a pretrained base in tables and figures."""
    architecture: Architecture | None = None
    """For `scratch`: the model. For a pretrained base: what it is, to plan with; checked when it is loaded."""  # noqa: E501
    models: dict[Name, TrainedModel] = Field(min_length=1)
    """The models, the one under study first."""
    data: DataSettings
    """Examples."""
    optimiser: OptimiserSettings
    """Training."""
    adapter: AdapterSettings | None = None
    """LoRA, if stated; else all weights are trained."""
    checkpoint_steps: int = Field(default=50, ge=1)
    """Steps after which the state is kept, to go on from where a run was killed."""
    held_out: HeldOutSettings = HeldOutSettings()
    """Checks on the way."""
    coverage: CoverageSettings | None = None
    """Figure 3, if stated."""
    data_size: DataSizeSettings | None = None
    """The comparison of sizes, if stated."""
    hardware: HardwareSettings = HardwareSettings()
    """Machine."""

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if self.base == SCRATCH and self.architecture is None:
            raise ValueError("base 'scratch' needs the section architecture")
        if self.base == SCRATCH and (self.adapter or self.data.tokenizer == "base"):
            raise ValueError("an adapter and the tokenizer 'base' need a pretrained base")
        if self.data.template == "chatml" and self.data.tokenizer != "base":
            raise ValueError("template 'chatml' needs the tokenizer 'base'")
        rooms = [(self.optimiser, self.data.max_length)]
        if self.coverage:
            rooms.append((self.coverage.optimiser, self.coverage.max_length))
        if self.data_size:
            rooms.append((self.data_size.optimiser, self.data.max_length))
        if any(one.micro_batch_tokens < longest for one, longest in rooms):
            raise ValueError("micro_batch_tokens must be at least max_length: one example fits")
        return self

    @property
    def base_folder(self) -> str:
        """The folder of a pretrained base; empty if there is none, or it is on the hub."""
        local = self.base.startswith(("/", ".", "data/")) or Path(self.base).is_dir()
        return self.base if local and self.base != SCRATCH else ""

    @property
    def base_repository(self) -> str:
        """The repository of a pretrained base on the hub; empty if it is none."""
        return "" if self.base == SCRATCH or self.base_folder else self.base

    @property
    def studied(self) -> str:
        """The model under study."""
        return next(iter(self.models))


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    WildpaperError
        If it cannot be read, a key is unknown or missing, or a value does not fit; names
        file and line.
    """
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(raw)
    except ValidationError as error:
        what, where = explain(error, Recipe, [path])
        what = what.replace("Invalid configuration", "Invalid recipe", 1)
        raise WildpaperError(what, where=where, hint=_HINT) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WildpaperError(f"Cannot read the recipe: {error}", where=str(path)) from error
    if recipe.name != path.stem:
        raise WildpaperError(
            f"The recipe is named {recipe.name!r}, its file {path.name!r}",
            where=str(path),
            hint="Give both the same name.",
        )
    return recipe
