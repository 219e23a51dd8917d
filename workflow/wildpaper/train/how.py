"""How a model is fitted: what a recipe says, without what it is fitted to."""

from dataclasses import dataclass
from typing import Any

from wildpaper.train.hardware import resolve
from wildpaper.train.recipe import Recipe
from wildpaper.train.settings import (
    AdapterSettings,
    HardwareSettings,
    HeldOutSettings,
    OptimiserSettings,
)


@dataclass(frozen=True, slots=True)
class How:
    """Sections of a recipe."""

    optimiser: OptimiserSettings
    hardware: HardwareSettings
    held_out: HeldOutSettings
    adapter: AdapterSettings | None
    checkpoint_steps: int

    def settings(self) -> dict[str, Any]:
        """Return all that decides a result: JSON values."""
        parts = (self.optimiser, self.hardware, self.held_out)
        found = {type(part).__name__: part.model_dump(mode="json") for part in parts}
        return found | {"adapter": self.adapter and self.adapter.model_dump(mode="json")}


def how_of(recipe: Recipe, optimiser: OptimiserSettings | None = None) -> How:
    """Return how a recipe fits its models, or others with an optimiser of their own."""
    hardware = recipe.hardware.model_copy(update={"device": resolve(recipe.hardware.device)})
    return How(
        optimiser or recipe.optimiser, hardware, recipe.held_out, recipe.adapter,
        recipe.checkpoint_steps,
    )  # fmt: skip
