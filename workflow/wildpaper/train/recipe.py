"""Recipes: all that decides how models are fine-tuned (``data/recipes/*.yaml``)."""

import datetime
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from wildpaper.config_errors import explain
from wildpaper.errors import WildpaperError

SCRATCH = "scratch"
_HINT = "The keys of a recipe and their meaning: workflow/wildpaper/train/recipe.py."

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Architecture(_Section):
    """A Llama model that starts from random weights."""

    hidden_size: int = Field(ge=8)
    """Width of the hidden states."""
    intermediate_size: int = Field(ge=8)
    """Width of the feed-forward layers."""
    n_layers: int = Field(ge=1)
    """Decoder layers."""
    n_heads: int = Field(ge=1)
    """Attention heads; they divide the hidden size."""
    tied_embeddings: bool = True
    """Whether input and output share their embeddings."""

    @model_validator(mode="after")
    def _divides(self) -> "Architecture":
        if self.hidden_size % (2 * self.n_heads):
            raise ValueError("hidden_size must be a multiple of twice n_heads")
        return self


class TrainedModel(_Section):
    """One model of the recipe; all of them differ in their data only."""

    title: str
    """Its name in tables and figures."""
    dataset: Name
    """The data set that it is trained on."""


class DataSettings(_Section):
    """How conversations become examples."""

    max_length: int = Field(ge=64)
    """Tokens in an example; longer conversations are split at exchange borders."""
    cutoff: datetime.date | None = None
    """Last day (UTC) of the conversations used; those without a time are kept."""
    template: Literal["vicuna_v1.1"] = "vicuna_v1.1"
    """How a conversation is written out."""
    languages: Literal["all"] | tuple[str, ...] = "all"
    """Languages of conversations, as recorded. The paper does not say that it chose any."""
    held_out_percent: float = Field(default=10.0, ge=0, lt=100)
    """Share of distinct first prompts whose conversations are never trained on."""


class OptimiserSettings(_Section):
    """AdamW; give one of `epochs`, `max_steps` and `max_tokens`."""

    learning_rate: float = Field(gt=0)
    """Highest learning rate."""
    batch: int = Field(ge=1)
    """Examples in a step."""
    micro_batch: int = Field(ge=1)
    """Examples on one device at a time."""
    epochs: int | None = Field(default=None, ge=1)
    """Passes over the examples."""
    max_steps: int | None = Field(default=None, ge=1)
    """Steps, over as many passes as that takes."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens, prompts included, over as many passes as that takes; ends with a whole batch."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """Course of the learning rate after the warm-up."""
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps in which the learning rate rises from zero."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Weight decay."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are clipped to this norm."""

    @model_validator(mode="after")
    def _one_length(self) -> "OptimiserSettings":
        if sum(x is not None for x in (self.epochs, self.max_steps, self.max_tokens)) != 1:
            raise ValueError("give exactly one of epochs, max_steps and max_tokens")
        if self.batch % self.micro_batch:
            raise ValueError("batch must be a multiple of micro_batch")
        return self


class HeldOutSettings(_Section):
    """Loss on held-out examples in the course of the training."""

    points: int = Field(default=4, ge=1)
    """How often after the start."""
    max_examples: int = Field(default=64, ge=1)
    """On how many examples, evenly spaced among the held-out ones."""


class HardwareSettings(_Section):
    """What the training runs on."""

    device: Literal["cpu", "cuda"] = "cpu"
    """`cpu` computes on one core, so that the same weights come out each time."""
    precision: Literal["float32", "bf16"] = "float32"
    """Number format of the forward and backward pass."""
    n_gpus: int = Field(default=0, ge=0)
    """GPUs; more than one means sharding."""
    sharding: Literal["none", "fsdp-full"] = "none"
    """How parameters are spread over GPUs."""
    gradient_checkpointing: bool = False
    """Trade time for memory."""
    min_gpu_memory_gb: float = Field(default=0.0, ge=0)
    """Memory that each GPU must have."""
    min_disk_gb: float = Field(default=0.0, ge=0)
    """Disk that must be free for the results."""

    @model_validator(mode="after")
    def _consistent(self) -> "HardwareSettings":
        if (self.device == "cuda") != (self.n_gpus > 0):
            raise ValueError("device 'cuda' and n_gpus go together")
        return self


class Recipe(_Section):
    """One way to fine-tune."""

    name: Name
    """The name of its file."""
    title: str
    """One line on what it is."""
    base: str = SCRATCH
    """`scratch`, a folder with a model, or a model on the hub."""
    base_revision: str | None = None
    """For a model on the hub: the commit."""
    architecture: Architecture | None = None
    """For `scratch`: the model."""
    models: dict[Name, TrainedModel] = Field(min_length=1)
    """The models, the one under study first."""
    data: DataSettings
    """Examples."""
    optimiser: OptimiserSettings
    """Training."""
    held_out: HeldOutSettings = HeldOutSettings()
    """Checks on the way."""
    hardware: HardwareSettings = HardwareSettings()
    """Machine."""

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if (self.base == SCRATCH) != (self.architecture is not None):
            raise ValueError("base 'scratch' and the section architecture go together")
        per_step = self.optimiser.micro_batch * max(self.hardware.n_gpus, 1)
        if self.optimiser.batch % per_step:
            raise ValueError("optimiser.batch must be a multiple of micro_batch times n_gpus")
        return self


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    WildpaperError
        If it cannot be read, a key is unknown or missing, or a value does not fit; names
        file and line.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
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
