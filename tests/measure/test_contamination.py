"""Contamination in numbers: counts that can be made by hand."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.proportion import proportion_confint

from wildpaper.evaluate.contamination import OVERLAPS
from wildpaper.long_table import read_long_table
from wildpaper.measure.contamination import measure_contamination

# (tokens, covered) of first turns, then of second ones; questions in the same order
FIRST = [(100, 0), (100, 19), (100, 20), (100, 79), (100, 80), (5, 1), (10, 8), (10, 10)]
SECOND = [(9, 9), (9, 0), (3, 3), (40, 0), (40, 40), (20, 0), (12, 0), (15, 0)]


def write(folder, turns, lengths=(10,), n_searched=1234):
    rows = [
        {
            "question_id": 81 + i, "category": "math", "turn": turn, "ngram": length,
            "n_tokens": n_tokens, "n_covered": n_covered, "n_training_tokens": n_searched,
        }
        for turn, listed in turns.items()
        for i, (n_tokens, n_covered) in enumerate(listed)
        for length in lengths
    ]  # fmt: skip
    path = folder / "overlaps.parquet"
    pq.write_table(pa.Table.from_pylist(rows, OVERLAPS), path)
    return path


@pytest.fixture
def measure(tmp_path):
    def run(overlaps, simulated=False, n_replicates=200, seed=1, name="table.csv"):
        report = tmp_path / "report.json"
        report.write_text(json.dumps({"release": {"simulated": simulated}}))
        measure_contamination(overlaps, [report], tmp_path / name, n_replicates, seed)
        return {(cell.row, cell.column): cell for cell in read_long_table(tmp_path / name)}

    return run


def test_a_question_is_clean_below_a_fifth_and_dirty_from_four_fifths_on(measure, tmp_path):
    found = measure(write(tmp_path, {1: FIRST, 2: SECOND}, [10]))
    values = {column: cell.value for (row, column), cell in found.items() if row == "10-first"}
    # the one of 5 tokens is too short, and covered in part: not found whole
    assert (values["turns"], values["too-short"]) == (8, 1)
    assert values["any"] == pytest.approx(100 * 6 / 7)
    assert values["clean"] == pytest.approx(100 * 2 / 7)
    assert values["dirty"] == pytest.approx(100 * 3 / 7)
    assert values["covered"] == pytest.approx(100 * 216 / 520)
    second = {column: cell.value for (row, column), cell in found.items() if row == "10-second"}
    assert (second["turns"], second["too-short"], second["too-short-found"]) == (8, 3, 2)
    assert second["any"] == second["dirty"] == pytest.approx(20)
    assert second["clean"] == pytest.approx(80)
    assert second["covered"] == pytest.approx(100 * 40 / 127)
    assert found["training-data", "tokens"].value == 1234


def test_ids_units_and_routes(measure, tmp_path):
    overlaps = write(tmp_path, {1: FIRST, 2: SECOND}, [8, 13])
    found = measure(overlaps, simulated=True)
    assert {row for row, _ in found} == {
        "8-first", "8-second", "13-first", "13-second", "training-data"}  # fmt: skip
    for (row, column), cell in found.items():
        assert cell.claim == f"own.contamination.{row}.{column}"
        assert cell.route == "simulated"
    assert {cell.route for cell in measure(overlaps).values()} == {"computed"}


def test_intervals_are_wilsons_hold_the_value_and_go_without_replicates(measure, tmp_path):
    overlaps = write(tmp_path, {1: FIRST, 2: SECOND})
    found = measure(overlaps)
    clean = found["10-first", "clean"]
    low, high = proportion_confint(2, 7, method="wilson")
    assert (clean.ci_low, clean.ci_high) == pytest.approx((100 * low, 100 * high))
    for column in ("any", "clean", "dirty", "covered"):
        cell = found["10-first", column]
        assert 0 <= cell.ci_low <= cell.value <= cell.ci_high <= 100
        assert cell.ci_low < cell.ci_high
    assert found["10-first", "turns"].ci_low is None
    assert all(cell.ci_low is None for cell in measure(overlaps, n_replicates=0).values())


def test_where_all_are_too_short_there_is_no_share(measure, tmp_path):
    found = measure(write(tmp_path, {1: [(3, 3), (4, 0)], 2: [(12, 0), (15, 0)]}))
    assert found["10-first", "too-short-found"].value == 1
    for column in ("any", "clean", "dirty", "covered"):
        cell = found["10-first", column]
        assert (cell.value, cell.ci_low, cell.n) == (None, None, 0)
    assert found["10-second", "clean"].value == 100
    assert found["10-second", "any"].value == 0


def test_the_order_of_questions_changes_no_count_and_a_rerun_nothing(measure, tmp_path):
    overlaps = write(tmp_path, {1: FIRST, 2: SECOND})
    first = measure(overlaps, name="one.csv")
    measure(overlaps, name="two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    turned = measure(write(tmp_path, {1: FIRST[::-1], 2: SECOND[::-1]}))
    assert {k: c.value for k, c in turned.items()} == {k: c.value for k, c in first.items()}
