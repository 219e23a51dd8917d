"""Models of the coverage matrix: one budget for all, and the planted diagonal."""

import json
import random

import pytest
from training_data import tiny_recipe, vocabulary, words, write_ingest_report, write_shards

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.coverage import score_coverage
from wildpaper.measure.coverage.losses import VARIANTS, read_losses
from wildpaper.measure.coverage.matrix import measure_coverage
from wildpaper.train.coverage.fine_tune import train_coverage
from wildpaper.train.coverage.prompts import prepare_prompts
from wildpaper.train.examples import read_examples, write_examples
from wildpaper.train.recipe import load_recipe

SETS = ["alpaca", "dolly", "wildchat"]
BUDGET = 6_000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, tokenizer_file):
    """Prompts of three data sets, each with words of its own and some in common."""
    folder = tmp_path_factory.mktemp("coverage")
    recipe = tiny_recipe(
        folder / "small.yaml", coverage__optimiser__max_tokens=BUDGET, architecture__hidden_size=32,
        coverage__optimiser__learning_rate=0.02, held_out__points=1, held_out__max_examples=4,
    )  # fmt: skip
    paths = {"conversations": [], "messages": []}
    common = vocabulary(99, 30)
    for i, name in enumerate(SETS):
        draw, known = random.Random(i), [*vocabulary(i, 60), *common]
        talks = [[("user", f"{words(draw, draw.randint(4, 16 * (i + 1)), known)} {k}")]
                 for k in range(150)]  # fmt: skip
        for kind, shards in write_shards(folder / name, talks, name).items():
            paths[kind] += shards
    out = [[folder / f"{name}-{part}" for name in SETS]
           for part in ("train.parquet", "held.parquet", "data.json")]  # fmt: skip
    prepare_prompts(**paths, tokenizer=tokenizer_file, recipe=recipe, prompts=out[0],
                    held_out=out[1], reports=out[2], datasets=SETS, seed=1)  # fmt: skip
    sides = [dict(zip(SETS, paths, strict=True)) for paths in out[:2]]
    return {"recipe": recipe, "tokenizer": tokenizer_file, "prompts": sides[0],
            "held_out": sides[1]}  # fmt: skip


def train(prepared, folder, sets, seed=1):
    """Train; return {data set: (model, config, losses, report)}."""
    names = ("model.safetensors", "config.json", "losses.json", "report.json")
    out = {name: [folder / name / file for file in names] for name in sets}
    columns = [list(paths) for paths in zip(*out.values(), strict=True)]
    train_coverage([prepared["prompts"][name] for name in sets],
                   [prepared["held_out"][name] for name in sets],
                   prepared["recipe"], prepared["tokenizer"], *columns, sets, seed)  # fmt: skip
    return out


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory):
    return train(prepared, tmp_path_factory.mktemp("trained"), SETS)


def test_the_planted_diagonal_is_found_from_prompts_to_matrix(prepared, trained, tmp_path):
    scores = [tmp_path / f"{name}.parquet" for name in SETS]
    held_out = [prepared["held_out"][name] for name in SETS]
    models = [trained[name][0] for name in SETS]
    score_coverage(models, held_out, prepared["recipe"], scores, SETS, SETS)
    found = read_losses(scores)
    assert found.sets == SETS
    for variant in VARIANTS:
        values = found.values(variant)
        assert values.argmin(axis=0).tolist() == [0, 1, 2], variant
    for j, name in enumerate(SETS):
        data = read_examples(prepared["held_out"][name])
        n_tokens = found.by_set[SETS[j]].below["tokens-with-end"].sum()
        assert n_tokens == data.supervised.sum()
    reports = [write_ingest_report(tmp_path / f"{name}.json", name, True) for name in SETS]
    measure_coverage(scores, reports, prepared["recipe"], tmp_path / "t.csv", tmp_path / "n.json",
                     20, 1)  # fmt: skip
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + 9


def test_all_data_sets_have_the_same_budget(prepared, trained):
    settings = load_recipe(prepared["recipe"]).coverage
    longest = max(int(read_examples(path).lengths.max()) for path in prepared["prompts"].values())
    for paths in trained.values():
        report = json.loads(paths[3].read_text(encoding="utf-8"))
        assert BUDGET <= report["n_tokens"] < BUDGET + settings.optimiser.batch * longest
        assert report["dataset"] == paths[0].parent.name


def test_a_model_does_not_depend_on_which_others_are_trained_beside_it(prepared, trained, tmp_path):
    again = train(prepared, tmp_path, ["dolly"])
    assert [path.read_bytes() for path in again["dolly"]] == [
        path.read_bytes() for path in trained["dolly"]
    ]
    assert not list(tmp_path.glob("*/checkpoints-*"))


def test_a_data_set_without_prompts_is_named(prepared, tmp_path):
    empty = tmp_path / "empty.parquet"
    with write_examples(empty):
        pass
    given = prepared | {"prompts": prepared["prompts"] | {"dolly": empty}}
    with pytest.raises(WildpaperError, match="dolly has no prompt"):
        train(given, tmp_path, ["dolly"])
