"""Settings, losses and judgments of the fine-tuning as tables."""

import csv
import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.evaluate.scores import SCORES, VERDICTS
from wildpaper.files import write_json
from wildpaper.long_table import read_long_table
from wildpaper.measure.likelihood_judge import measure_likelihood_judge
from wildpaper.measure.loss_curve import COLUMNS, measure_loss_curve
from wildpaper.measure.training_text import measure_training_text
from wildpaper.publish.claims import agrees
from wildpaper.publish.published import load_published, tolerance_of
from wildpaper.train.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]


def ingest_report(folder, dataset, simulated=False):
    path = folder / f"{dataset}.json"
    write_json(path, {"dataset": dataset, "release": {"title": dataset, "simulated": simulated}})
    return path


def trained(folder, recipe, name="wildllama", **about):
    settings = load_recipe(ROOT / f"data/recipes/{recipe}.yaml")
    path = folder / f"{name}-report.json"
    content = {"model": name, **settings.models[name].model_dump(), "recipe": recipe,
               "n_examples": 100, "epochs": 3.0, "hardware": "4x A100 80 GB",
               "settings": settings.model_dump(mode="json")}  # fmt: skip
    write_json(path, content | about)
    return path


def text_of(folder, path, simulated=False):
    table, notes = folder / "text.csv", folder / "text.json"
    measure_training_text(path, [ingest_report(folder, "wildchat", simulated)], table, notes)
    return {cell.claim: cell for cell in read_long_table(table)}, json.loads(notes.read_text())


def test_every_published_setting_is_answered_and_the_recipe_of_the_paper_agrees(tmp_path):
    claims, _ = load_published(ROOT / "data/published.yaml")
    published = {claim.id: claim for claim in claims if claim.id.startswith("training.")}
    cells, notes = text_of(tmp_path, trained(tmp_path, "wildllama-7b"))
    assert set(cells) == set(published) == set(notes)
    for name, claim in published.items():
        assert agrees(cells[name].value, claim.value, tolerance_of(claim)), name
        assert cells[name].unit == claim.unit
        assert cells[name].route == "computed"


def test_another_recipe_differs_and_says_so(tmp_path):
    path = trained(tmp_path, "tiny", epochs=0.75, hardware="CPU, one core")
    cells, notes = text_of(tmp_path, path, simulated=True)
    assert cells["training.cutoff"].value == "2023-07-16"
    assert cells["training.epochs"].value == 0.75
    assert cells["training.hardware"].value == "CPU, one core"
    assert {cell.route for cell in cells.values()} == {"simulated"}
    assert all("'tiny'" in note for note in notes.values())
    assert "25,000 tokens" in notes["training.epochs"]


def test_the_curve_holds_every_point_of_every_model_with_its_own_route(tmp_path):
    files, reports = [], []
    for name in ("wildllama", "baseline"):
        files.append(tmp_path / f"{name}.json")
        point = {"step": 1, "n_tokens": 10, "loss_nats": 0.1 + len(name)}
        write_json(files[-1], {"model": name, "training": [point, point | {"step": 2}],
                               "held_out": [point | {"step": 0}]})  # fmt: skip
        reports.append(trained(tmp_path, "tiny", name))
    ingests = [ingest_report(tmp_path, "sharegpt"), ingest_report(tmp_path, "wildchat", True)]
    measure_loss_curve(files, reports, ingests, tmp_path / "curve.csv")
    with (tmp_path / "curve.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["model"], row["share"], row["step"]) for row in rows] == [
        (name, share, step)
        for name in ("wildllama", "baseline")
        for share, step in (("training", "1"), ("training", "2"), ("held-out", "0"))
    ]
    assert {(row["model"], row["route"]) for row in rows} == {
        ("wildllama", "simulated"), ("baseline", "computed")
    }  # fmt: skip
    assert float(rows[0]["loss_nats"]) == 0.1 + len("wildllama")


# (conversation, n_tokens, n_end_tokens, n_characters, nll_nats, nll_end_nats)
FIRST = [(1, 10, 1, 40, 20.0, 1.0), (2, 30, 3, 100, 90.0, 6.0), (3, 0, 1, 0, 0.0, 3.0)]
SECOND = [(1, 10, 1, 40, 30.0, 2.0), (2, 30, 3, 100, 80.0, 6.0), (3, 0, 1, 0, 0.0, 3.0)]
VERDICT = ["win", "loss", "tie"]


def judged(folder, models, simulated=(), shuffle=False, n_replicates=200):
    names = ("conversation_id", "n_tokens", "n_end_tokens", "n_characters", "nll_nats",
             "nll_end_nats")  # fmt: skip
    rows = [{"model": model} | dict(zip(names, row, strict=True))
            for model, listed in models.items() for row in listed]  # fmt: skip
    pairs = [
        {"first": "a", "second": "b", "conversation_id": row[0], "verdict": verdict}
        for row, verdict in zip(models.get("b", []), VERDICT, strict=False)
    ]
    scores, verdicts = folder / "scores.parquet", folder / "verdicts.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCORES), scores)
    pq.write_table(pa.Table.from_pylist(pairs, VERDICTS), verdicts)
    reports = [ingest_report(folder, name, name in simulated) for name in ("wildchat", "sharegpt")]
    measure_likelihood_judge(scores, verdicts, reports, folder / "judge.csv", n_replicates, 7)
    return {(cell.row, cell.column): cell for cell in read_long_table(folder / "judge.csv")}


def test_means_are_over_tokens_and_characters_of_all_conversations(tmp_path):
    cells = judged(tmp_path, {"a": FIRST, "b": SECOND})
    assert cells["a", "nll"].value == pytest.approx(110 / 40)
    assert cells["a", "nll-with-end"].value == pytest.approx(120 / 45)
    assert cells["a", "bits-per-character"].value == pytest.approx(110 / math.log(2) / 140)
    assert cells["a-vs-b", "nll-difference"].value == pytest.approx((120 - 121) / 45)
    for outcome in ("win", "tie", "loss"):
        assert cells["a-vs-b", outcome].value == pytest.approx(100 / 3)
    assert {cell.n for cell in cells.values()} == {3}


def test_every_number_is_our_own_and_named_after_the_artifact(tmp_path):
    cells = judged(tmp_path, {"a": FIRST, "b": SECOND})
    assert {cell.claim for cell in cells.values()} == {
        f"own.likelihood-judge.{row}.{column}" for row, column in cells
    }
    assert len(cells) == 10
    assert all("difference" in key[1] or cell.value > 0 for key, cell in cells.items())


def test_intervals_hold_their_value_and_narrow_with_more_conversations(tmp_path):
    def many(n, factor):
        return [(i, 10, 1, 40, factor * (20.0 + i % 7), 1.0) for i in range(n)]

    few = judged(tmp_path, {"a": many(20, 1)})
    lots = judged(tmp_path, {"a": many(500, 1)})
    for cells in (few, lots):
        for cell in cells.values():
            assert cell.ci_low < cell.value < cell.ci_high
    width = [cells["a", "nll"].ci_high - cells["a", "nll"].ci_low for cells in (few, lots)]
    assert width[1] < width[0] / 3


def test_the_difference_is_paired(tmp_path):
    # conversations differ a lot, the models by exactly 0.1 nats per token in each
    first = [(i, 10, 0, 40, 10.0 * (1 + i % 9), 0.0) for i in range(3)]
    second = [(i, 10, 0, 40, 10.0 * (1 + i % 9) + 1.0, 0.0) for i in range(3)]
    cell = judged(tmp_path, {"a": first, "b": second})["a-vs-b", "nll-difference"]
    assert (cell.value, cell.ci_low, cell.ci_high) == pytest.approx((-0.1, -0.1, -0.1))


def test_one_model_has_no_pair_and_no_replicates_give_no_interval(tmp_path):
    cells = judged(tmp_path, {"a": FIRST}, n_replicates=0)
    assert {row for row, _ in cells} == {"a"}
    assert {cell.ci_low for cell in cells.values()} == {None}


def test_replies_without_text_have_no_mean(tmp_path):
    cells = judged(tmp_path, {"a": [(1, 0, 2, 0, 0.0, 3.0)]})
    assert cells["a", "nll"].value is None
    assert cells["a", "bits-per-character"].value is None
    assert cells["a", "nll-with-end"].value == pytest.approx(1.5)


@pytest.mark.parametrize(("simulated", "route"), [((), "computed"), (("sharegpt",), "simulated")])
def test_one_simulated_data_set_makes_it_simulated(tmp_path, simulated, route):
    cells = judged(tmp_path, {"a": FIRST, "b": SECOND}, simulated)
    assert {cell.route for cell in cells.values()} == {route}
