"""Losses by size of the data: means, paired differences, and intervals that hold them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.long_table import read_long_table
from wildpaper.measure.data_size import LOSS, measure_data_size
from wildpaper.train.data_size.losses import LOSSES

N_SUPERVISED = np.array([10, 30, 20, 40])
RANDOM = [("random", "25", 0.25, 100), ("random", "50", 0.5, 201), ("random", "100", 1.0, 400)]
RULE = [("rule", "25", 0.25, 102), ("rule", "all", 0.4, 160)]


def measured(folder, subsets, per_token, n_supervised=N_SUPERVISED, simulated=False, **options):
    """Measure subsets, given the loss per token of each in each conversation."""
    rows = [
        dict(zip(LOSSES.names, (selection, size, share, n_tokens, 7 + i, int(n), float(n * nll)),
                 strict=True))
        for (selection, size, share, n_tokens), losses in zip(subsets, per_token, strict=True)
        for i, (n, nll) in enumerate(zip(n_supervised, losses, strict=True))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, LOSSES), folder / "losses.parquet")
    about = {
        "rule": {"n_examples": 60, "left_out": {"short-reply": 3, "repetitive": 2}},
        "subsets": [
            {"selection": selection, "size": size, "share": share, "n_tokens": n_tokens,
             "n_conversations": n_tokens // 10, "n_steps": 5, "n_tokens_seen": 3 * n_tokens}
            for selection, size, share, n_tokens in subsets
        ],
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(about))
    release = {"dataset": "wildchat", "release": {"title": "x", "simulated": simulated}}
    (folder / "ingest.json").write_text(json.dumps(release))
    table = measure(folder, **options)
    return {(cell.row, cell.column): cell for cell in read_long_table(table)}


def measure(folder, n_replicates=200):
    losses, report, ingest, table = (
        folder / name for name in ("losses.parquet", "report.json", "ingest.json", "table.csv")
    )
    measure_data_size(losses, report, [ingest], table, n_replicates, seed=7)
    return table


FLAT = [[4.0, 5.0, 6.0, 5.5], [3.0, 4.0, 5.0, 4.0], [3.0, 3.5, 5.0, 4.0], [3.5, 4.5, 6.0, 5.5],
        [3.0, 3.0, 4.0, 4.0]]  # fmt: skip


def test_means_are_over_tokens_and_counts_are_those_of_the_report(tmp_path):
    cells = measured(tmp_path, RANDOM + RULE, FLAT)
    for row, losses in zip(("random-25", "random-50", "random-100", "rule-25", "rule-all"), FLAT,
                           strict=True):  # fmt: skip
        expected = np.average(losses, weights=N_SUPERVISED)
        assert cells[row, LOSS].value == pytest.approx(expected, abs=1e-9)
        assert cells[row, LOSS].n == 4
    assert cells["random-50", "n-tokens"].value == 201
    assert cells["rule-all", "n-tokens"].value == 160
    assert cells["rule-25", "n-tokens-seen"].value == 306
    assert {column: cell.value for (row, column), cell in cells.items() if row == "rule"} == {
        "kept": 60, "short-reply": 3, "repetitive": 2}  # fmt: skip


def test_differences_are_those_of_the_means(tmp_path):
    cells = measured(tmp_path, RANDOM + RULE, FLAT)
    for row, first, second in (
        ("rule-minus-random-25", "rule-25", "random-25"),
        ("rule-all-minus-random-100", "rule-all", "random-100"),
        ("random-50-minus-25", "random-50", "random-25"),
        ("random-100-minus-50", "random-100", "random-50"),
    ):
        expected = cells[first, LOSS].value - cells[second, LOSS].value
        assert cells[row, LOSS].value == pytest.approx(expected, abs=1e-9)
    assert sum("minus" in row for row, _ in cells) == 4


def test_differences_are_paired_by_conversation(tmp_path):
    draw = np.random.default_rng(3)
    hard = draw.uniform(1, 12, 40)  # conversations differ a lot, subsets by little in each
    gains = 0.1 + draw.normal(0, 0.01, 40)
    cells = measured(tmp_path, [RANDOM[0], RULE[0]], [hard, hard - gains], np.full(40, 25))
    found = cells["rule-minus-random-25", LOSS]
    assert found.ci_low < -0.1 < found.ci_high < 0
    assert found.ci_high - found.ci_low < 0.01
    alone = cells["rule-25", LOSS]
    assert alone.ci_low < alone.value < alone.ci_high
    assert alone.ci_high - alone.ci_low > 1


def test_intervals_narrow_with_more_conversations(tmp_path):
    def width(n):
        losses = 4 + np.arange(n) % 7
        cell = measured(tmp_path, [RANDOM[0]], [losses], np.full(n, 9))["random-25", LOSS]
        return cell.ci_high - cell.ci_low

    assert width(500) < width(20) / 3


def test_without_a_rule_that_anything_passes_nothing_is_compared_with_it(tmp_path):
    cells = measured(tmp_path, RANDOM, FLAT[:3])
    assert {row for row, _ in cells} == {"random-25", "random-50", "random-100", "rule",
                                         "random-50-minus-25", "random-100-minus-50"}  # fmt: skip


@pytest.mark.parametrize(("simulated", "route"), [(True, "simulated"), (False, "computed")])
def test_every_number_is_our_own_with_its_route(tmp_path, simulated, route):
    cells = measured(tmp_path, RANDOM + RULE, FLAT, simulated=simulated)
    for (row, column), cell in cells.items():
        assert cell.claim == f"own.data-size.{row}.{column}"
        assert cell.route == route


def test_the_order_of_rows_does_not_matter(tmp_path):
    measured(tmp_path, RANDOM + RULE, FLAT)
    before = (tmp_path / "table.csv").read_bytes()
    rows = pq.read_table(tmp_path / "losses.parquet")
    blocks = [rows.slice(i, 4) for i in range(0, len(rows), 4)]
    pq.write_table(pa.concat_tables(reversed(blocks)), tmp_path / "losses.parquet")
    assert measure(tmp_path).read_bytes() == before


def test_without_replicates_there_are_values_and_no_intervals(tmp_path):
    cells = measured(tmp_path, RANDOM + RULE, FLAT, n_replicates=0)
    assert all(cell.ci_low is None and cell.value is not None for cell in cells.values())
