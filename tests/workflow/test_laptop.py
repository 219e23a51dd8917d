"""The preset laptop: what it trains, what it needs, and what it says where that is lacking."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from wildpaper.acquire.base_models import read_base_models
from wildpaper.errors import WildpaperError
from wildpaper.plan import make_plan
from wildpaper.train.recipe import load_recipe

REGISTRIES = ("sources.yaml", "artifacts.yaml", "detoxify.yaml", "models.yaml")
FILES = ("alpaca/alpaca_data.json", "wildchat/train-00000-of-00001.parquet")


@pytest.fixture
def entry(project):
    (found,) = read_base_models(project / "data/models.yaml")
    return found


@pytest.fixture
def folder(tmp_path, project, entry, monkeypatch):
    """Return a project's registries, with empty files in place of what the preset reads."""
    home = tmp_path / "project"
    (home / "data").mkdir(parents=True)
    for name in REGISTRIES:
        shutil.copyfile(project / "data" / name, home / "data" / name)
    for name in ("recipes", "mtbench"):
        shutil.copytree(project / "data" / name, home / "data" / name)
    shutil.copyfile(project / "pyproject.toml", home / "pyproject.toml")
    raw = ("llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz", "mtbench/question.jsonl", entry.file)
    for path in (
        *(home / "data/raw" / name for name in raw),
        *(tmp_path / "real" / n for n in FILES),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setenv("WILDPAPER_REALDATA", str(tmp_path / "real"))
    return home


@pytest.fixture
def preset(project):
    return yaml.safe_load((project / "config/laptop.yaml").read_text(encoding="utf-8"))


def plan(folder, preset):
    return make_plan(preset, [], str(folder), "data/raw")


def refused(folder, preset):
    with pytest.raises(WildpaperError) as caught:
        plan(folder, preset)
    return caught.value


def test_it_trains_the_pretrained_model_on_alpaca(folder, preset, entry):
    training = plan(folder, preset).training
    assert training.models == {"smollm2": "alpaca"}
    assert set(training.titles()) == {"smollm2", "base"}
    assert training.titles()["base"] == entry.title
    assert training.recipe.base_folder == f"data/raw/{entry.folder}"
    assert training.base_source == str(folder / "data/raw" / entry.file)
    assert training.base_sha256 == entry.sha256


def test_what_it_does_not_train_is_blank_with_the_reason(folder, preset):
    blanks = plan(folder, preset).blanks("table", "figure", "numbers")
    assert "section coverage" in blanks["figure-03-coverage"]
    assert "likelihood-judge" not in blanks
    assert "loss-curve" not in blanks


def test_it_reaches_for_no_network_and_no_hub(folder, preset):
    needs = plan(folder, preset).needs
    assert not needs.get("hub")
    assert not needs.get("addresses")


def test_the_recipe_goes_with_the_registered_model(project, entry):
    recipe = load_recipe(project / "data/recipes/smollm2-135m.yaml")
    assert recipe.base == f"data/raw/{entry.folder}"
    assert (recipe.base_title, recipe.base_licence) == (entry.title, entry.licence)
    assert (recipe.data.template, recipe.data.tokenizer) == ("chatml", "base")
    assert recipe.adapter is not None
    assert recipe.coverage is None


def test_a_model_that_is_not_there_says_how_to_get_it(folder, preset, entry):
    (folder / "data/raw" / entry.file).unlink()
    error = refused(folder, preset)
    assert entry.title in error.what
    assert "make smollm2" in error.hint


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_that_is_not_there_is_named_with_its_key(folder, preset, tmp_path, name):
    (tmp_path / "real" / name).unlink()
    error = refused(folder, preset)
    assert name in error.what
    assert error.where == f"config key datasets.{name.partition('/')[0]}.path"


def test_conversations_of_ones_own_as_the_preset_explains(folder, preset, project, tmp_path):
    """Follow the comment of the preset to the letter."""
    text = (project / "config/laptop.yaml").read_text(encoding="utf-8")
    (example,) = re.findall(r"^#   (sharegpt: \{.*\})$", text, re.MULTILINE)
    sharegpt = yaml.safe_load(example)["sharegpt"]
    path = tmp_path / sharegpt["path"]
    path.parent.mkdir(parents=True)
    path.touch()
    recipe = yaml.safe_load((folder / "data/recipes/smollm2-135m.yaml").read_text("utf-8"))
    recipe["name"] = "mine"
    recipe["models"]["smollm2"]["dataset"] = "sharegpt"
    (folder / "data/recipes/mine.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    preset["datasets"]["sharegpt"] = sharegpt | {"path": str(path)}
    preset["train"]["recipe"] = "mine"
    assert plan(folder, preset).training.models == {"smollm2": "sharegpt"}


def test_make_fetches_the_registered_file_for_this_preset_alone(project, entry):
    def would_do(*arguments):
        # --always-make: as in a fresh clone; --dry-run: nothing is done
        done = subprocess.run(
            ["make", "--dry-run", "--always-make", *arguments], cwd=project, check=True,
            capture_output=True, text=True, env=os.environ | {"MAKEFLAGS": ""},
        )  # fmt: skip
        return done.stdout

    laptop, demo = (would_do("paper", f"PRESET={name}") for name in ("laptop", "demo"))
    package, version = entry.package.split()[:2]
    assert f"{package}=={version} --hash=sha256:" in laptop
    assert f"data/raw/{entry.file}" in laptop
    assert "config/laptop.yaml" in laptop
    assert package not in demo
