"""One model a data set, trained on its prompts by the same recipe and budget (Figure 3)."""

from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.fine_tune import started_on_all_devices
from wildpaper.train.fit import fit
from wildpaper.train.how import how_of
from wildpaper.train.launch import is_first
from wildpaper.train.model import build_model, check_hardware, quieten, save_model
from wildpaper.train.order import training_order
from wildpaper.train.recipe import Recipe, load_recipe
from wildpaper.train.template import load_template


def train_coverage(
    prompts: list[Path],
    held_out: list[Path],
    recipe: Path,
    tokenizer: Path,
    models: list[Path],
    configs: list[Path],
    losses: list[Path],
    reports: list[Path],
    datasets: list[str],
    seed: int,
    base: list[Path] | None = None,
) -> None:
    """Train a model on the prompts of each of some data sets; on a CPU always the same bytes.

    Parameters
    ----------
    prompts, held_out : list of Path
        One a data set, as `wildpaper.train.coverage.prompts` writes them.
    recipe, tokenizer : Path
    models, configs : list of Path
        To write: ``model.safetensors`` and ``config.json``, in one folder a data set.
    losses, reports : list of Path
        To write: loss by step; what was trained on what.
    datasets : list of str
    seed : int
        Of the first weights, the same for all, and of the order of the prompts.
    base : list of Path, optional
        Weights of a pretrained base on this machine, if there is one.

    Raises
    ------
    WildpaperError
        If a data set has no prompt to train on, or the machine lacks what the recipe needs.
    """
    given = dict(locals())
    settings = load_recipe(recipe)
    assert settings.coverage is not None  # noqa: S101 - the rule exists for such recipes only
    quieten()
    check_hardware(settings.hardware, models[0].parent)
    if started_on_all_devices(train_coverage, given, settings):
        return
    optimiser = settings.coverage.optimiser
    template, start = load_template(settings.data, tokenizer), base[0] if base else None
    for i, dataset in enumerate(datasets):
        data, apart = read_examples(prompts[i]), read_examples(held_out[i])
        if not len(data):
            hint = "Leave the data set out, or look at coverage.first_day and last_day."
            where = str(prompts[i])
            raise WildpaperError(f"{dataset} has no prompt to train on", where=where, hint=hint)
        name = f"coverage {dataset}"
        order = training_order(data.lengths.tolist(), optimiser, seed, name)
        fitted = fit(
            lambda: build_model(settings, template, start),
            data, apart, order, how_of(settings, optimiser), name, seed, models[i].parent,
        )  # fmt: skip
        if not is_first():
            continue
        save_model(fitted.model, models[i], configs[i])
        write_json(losses[i], {"model": name, **fitted.watch.recorded()})
        write_json(reports[i], {"dataset": dataset, "seed": seed, **_report(settings, data, order)})


def _report(recipe: Recipe, data: Examples, order: list[int]) -> dict[str, Any]:
    """Return what was trained on what."""
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "base": recipe.base,
        "n_prompts": len(data),
        "epochs": len(order) / len(data),
        "n_tokens": int(data.lengths[order].sum()),
    }
