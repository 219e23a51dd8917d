"""Recipes: those of the project are valid, and a wrong one says what is wrong and where."""

import datetime

import pytest
from training_data import ROOT, tiny_recipe

from wildpaper.errors import WildpaperError
from wildpaper.publish.published import load_published
from wildpaper.train.recipe import load_recipe

RECIPES = sorted((ROOT / "data/recipes").glob("*.yaml"))


def test_the_recipes_of_the_project_are_valid_and_begin_with_the_model_under_study():
    assert {path.stem for path in RECIPES} >= {"tiny", "micro", "wildllama-7b"}
    for path in RECIPES:
        recipe = load_recipe(path)
        assert recipe.architecture is not None, "without it nothing can be planned"
        if recipe.name != "smollm2-135m":  # it has real weights and real texts, not WildChat's
            assert recipe.studied == "wildllama"
            assert recipe.models["wildllama"].dataset == "wildchat"


def test_the_recipe_of_the_paper_has_the_published_settings():
    claims, _ = load_published(ROOT / "data/published.yaml")
    published = {claim.id: claim.value for claim in claims if claim.id.startswith("training.")}
    recipe = load_recipe(ROOT / "data/recipes/wildllama-7b.yaml")
    assert recipe.data.cutoff == datetime.date.fromisoformat(str(published["training.cutoff"]))
    assert recipe.data.max_length == published["training.max-length"]
    assert recipe.optimiser.batch == published["training.batch"]
    assert recipe.optimiser.learning_rate == published["training.learning-rate"]
    assert recipe.optimiser.epochs == published["training.epochs"]
    assert str(published["training.hardware"]).startswith(f"{recipe.hardware.n_gpus}x")


def test_models_of_one_recipe_share_all_but_their_data():
    assert set(load_recipe(ROOT / "data/recipes/tiny.yaml").models["wildllama"].model_dump()) == {
        "title", "dataset"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optimiser__learning_rte": 1.0}, "did you mean 'learning_rate'"),
        ({"optimiser__epochs": 2}, "exactly one of epochs"),
        ({"optimiser__max_tokens": None}, "exactly one of epochs"),
        ({"optimiser__micro_batch_tokens": 200}, "one example fits"),
        ({"architecture": None}, "'scratch' needs the section architecture"),
        ({"hardware__device": "cuda"}, "n_gpus"),
        ({"architecture__n_heads": 3}, "multiple of twice n_heads"),
        ({"data__template": "chatml"}, "needs the tokenizer 'base'"),
        ({"name": "other"}, "same name"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong_and_in_which_file(tmp_path, change, said):
    path = tiny_recipe(tmp_path / "small.yaml", **change)
    with pytest.raises(WildpaperError) as caught:
        load_recipe(path)
    assert said in str(caught.value)
    assert "small.yaml" in str(caught.value)


def test_a_wrong_key_is_named_with_its_line(tmp_path):
    path = tiny_recipe(tmp_path / "small.yaml", data__max_lenght=9)
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if "lenght" in text)
    with pytest.raises(WildpaperError, match=f"line {line}"):
        load_recipe(path)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "\x00"])
def test_what_is_no_recipe_at_all_stops_with_the_file(tmp_path, text):
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        load_recipe(path)
    assert "small.yaml" in str(caught.value)
