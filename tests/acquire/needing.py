"""What runs need, for the tests of what is checked before they start."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.acquire.preflight_needs import needs_of
from wildpaper.acquire.sources import load_sources
from wildpaper.train.recipe import Recipe, load_recipe

ROOT = Path(__file__).parents[2]
SOURCES = load_sources(ROOT / "data/sources.yaml")


@dataclass(frozen=True)
class Planned:
    name: str
    source: str
    version: str


def needs(*hub: dict[str, Any], **others: Any) -> dict[str, Any]:
    known = {"hub": list(hub), "addresses": [], "gpus": None, "disk": [], "memory_gb": 0.0}
    return known | {"training": None} | others


def gpu_need(n: int, memory_gb: float, bf16: bool = False) -> dict[str, Any]:
    return {"what": "the recipe big", "n": n, "memory_gb": memory_gb, "bf16": bf16}


def recipe(**hardware: Any) -> Recipe:
    known = load_recipe(ROOT / "data/recipes/wildllama-7b.yaml")
    return known.model_copy(update={"hardware": known.hardware.model_copy(update=hardware)})


def plan_needs(*planned: Planned, tokenizer: str = "npm", how: Recipe | None = None) -> dict:
    found = needs_of(planned, tokenizer, how, SOURCES, "data/raw", "results/full")
    assert json.loads(json.dumps(found)) == found
    return found
