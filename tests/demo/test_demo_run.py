"""What the finished demo shows; run after it: ``make paper``, then ``pytest tests/demo``."""

import csv
import json

import pytest


@pytest.fixture(scope="module")
def run(project):
    folder = project / "results/demo"
    if not (folder / "publish/claims.json").is_file():
        pytest.skip("there is no finished demo: run 'make paper'")
    return folder


@pytest.fixture(scope="module")
def claims(run):
    found = json.loads((run / "publish/claims.json").read_text("utf-8"))["claims"]
    return {claim["id"]: claim for claim in found}


def test_all_that_was_planted_is_recovered(claims):
    verdicts = [claim["truth_verdict"] for claim in claims.values()]
    assert "missed" not in verdicts
    assert verdicts.count("recovered") > 400


def test_all_notebooks_and_the_report_are_there(run, project):
    names = sorted(path.stem for path in (project / "notebooks").glob("*.ipynb"))
    assert len(names) == 7
    for name in names:
        assert (run / f"present/notebooks/{name}.html").stat().st_size > 0
    assert (run / "publish/report.html").stat().st_size > 0


def test_each_column_of_the_coverage_matrix_is_lowest_on_the_diagonal(claims):
    lowest = claims["own.coverage-variants.tokens-with-end.diagonal-lowest"]["obtained"]
    assert lowest == 6


def test_a_stand_in_judges_and_answers_no_published_claim(run, claims):
    for name, claim in claims.items():
        if name.startswith(("table-09.", "table-10.")):
            assert (claim["verdict"], claim["obtained"]) == ("not-run", None)
            assert "stand-in" in claim["reason"]
    with (run / "present/tables/table-09-mtbench-scores.csv").open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["value"]]
    assert {row["row"] for row in rows} == {"wildllama", "baseline"}
    assert {row["route"] for row in rows} == {"simulated"}
