"""Fine-tune one model by a recipe, with transformers' own Trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.train.estimate import announce
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.fit import fit
from wildpaper.train.hardware import resolve
from wildpaper.train.how import how_of
from wildpaper.train.launch import across_devices, is_first, n_devices
from wildpaper.train.model import build_model, check_hardware, quieten, save_model
from wildpaper.train.order import training_order
from wildpaper.train.recipe import Recipe, load_recipe
from wildpaper.train.template import load_template
from wildpaper.train.watch import Watch


def train_model(
    examples: list[Path],
    held_out: list[Path],
    recipe: Path,
    tokenizer: Path,
    model: Path,
    config: Path,
    losses: Path,
    report: Path,
    speed: Path,
    model_name: str,
    seed: int,
    base: list[Path] | None = None,
) -> None:
    """Train a model; on a CPU the same input gives the same bytes.

    Parameters
    ----------
    examples, held_out : list of Path
        Shards of the model's data set, as `prepare_training` writes them.
    recipe, tokenizer : Path
    model, config : Path
        To write: ``model.safetensors`` and ``config.json``, in one folder.
    losses, report : Path
        To write: loss by step; what was trained on what, without any timing.
    speed : Path
        To write: how fast it went and what it took, `wildpaper.train.speed.Speed`.
    model_name : str
        One of the recipe's models.
    seed : int
        Of the first weights and of the order of the examples.
    base : list of Path, optional
        Weights of a pretrained base on this machine, if there is one.

    Raises
    ------
    WildpaperError
        If the recipe has no such model, there is nothing to train on, or the machine
        lacks what the recipe needs.
    """
    given = dict(locals())
    settings = load_recipe(recipe)
    if model_name not in settings.models:
        raise WildpaperError(
            f"The recipe has no model {model_name!r}",
            where=str(recipe),
            hint=f"It has: {', '.join(settings.models)}.",
        )
    quieten()
    hardware = check_hardware(settings.hardware, model.parent)
    data, apart = read_examples(examples), read_examples(held_out)
    if not len(data):
        raise WildpaperError(
            f"There is no example to train {model_name} on",
            where=str(examples[0].parent),
            hint="The report beside it says why; look at data.cutoff in the recipe.",
        )
    if n_devices() == 1:
        announce(settings, int(data.starts[-1]), len(data), model.parent)
    if started_on_all_devices(train_model, given, settings):
        return
    order = training_order(data.lengths.tolist(), settings.optimiser, seed, model_name)
    template = load_template(settings.data, tokenizer)
    start = base[0] if base else None
    fitted = fit(
        lambda: build_model(settings, template, start),
        data, apart, order, how_of(settings), model_name, seed, model.parent,
    )  # fmt: skip
    if not is_first():
        return
    save_model(fitted.model, model, config)
    watch = fitted.watch
    write_json(losses, {"model": model_name, **watch.recorded()})
    write_json(
        report, _report(fitted.model, settings, data, order, watch, model_name, seed, hardware)
    )
    write_json(speed, fitted.speed.values())


def started_on_all_devices(
    function: Callable[..., None], given: dict[str, Any], recipe: Recipe
) -> bool:
    """Call a function once for each GPU of a recipe, unless this is one of these calls.

    Returns
    -------
    bool
        Whether it was done: there is nothing left to do.
    """
    n = recipe.hardware.n_gpus if resolve(recipe.hardware.device) == "cuda" else 1
    if n < 2 or n_devices() > 1:
        return False
    across_devices(function, given, n)
    return True


def _report(
    net: Any,
    recipe: Recipe,
    data: Examples,
    order: list[int],
    watch: Watch,
    name: str,
    seed: int,
    hardware: str,
) -> dict[str, Any]:
    supervised = np.add.reduceat(data.supervised, data.starts[:-1], dtype=np.int64)
    return {
        "model": name,
        **recipe.models[name].model_dump(),
        "recipe": recipe.name,
        "base": recipe.base,
        "seed": seed,
        "n_parameters": sum(part.numel() for part in net.parameters()),
        "n_examples": len(data),
        "epochs": len(order) / len(data),
        "n_steps": len(watch.training),
        "n_tokens": int(data.lengths[order].sum()),
        "n_supervised_tokens": int(supervised[order].sum()),
        "hardware": hardware,
        "last": {"training": watch.training[-1], "held_out": watch.held_out[-1:]},
        "settings": recipe.model_dump(mode="json"),
    }
