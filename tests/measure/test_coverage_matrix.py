"""The matrix and its variants on planted losses, against slow arithmetic and scipy."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.stats import kendalltau, spearmanr

from wildpaper.evaluate.coverage import SCORES
from wildpaper.files import write_json
from wildpaper.long_table import read_long_table
from wildpaper.measure.coverage.losses import VARIANTS, read_losses
from wildpaper.measure.coverage.matrix import measure_coverage
from wildpaper.measure.coverage.variants import (
    measure_coverage_variants,
    on_diagonal,
    rank_correlations,
)
from wildpaper.publish.published import load_published

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "data/recipes/tiny.yaml"
FIVE = ["alpaca", "dolly", "open_assistant", "sharegpt", "wildchat"]
SIX = [*FIVE, "lmsys_chat_1m"]
VOCABULARY = 32_000


def published_matrix(sets):
    values = {claim.id: claim.value for claim in load_published(ROOT / "data/published.yaml")[0]}
    return np.array([[values.get(f"figure-03.{a}.{b}", math.nan) for b in sets] for a in sets])


def planted(sets, means, n_prompts=40, seed=0, noise=0.0):
    """Return rows of scores in which the mean of cell (i, j) is means[i, j] but for noise."""
    draw = np.random.default_rng(seed)
    rows = []
    for j, evaluated in enumerate(sets):
        lengths = draw.integers(2, 60, n_prompts)
        shift = noise * draw.standard_normal(n_prompts)  # a hard prompt is hard for all models
        for i, trained in enumerate(sets):
            for k in range(n_prompts):
                n, mean = int(lengths[k]), means[i][j] + shift[k]
                head = 16 if n >= 16 else 0
                rows.append(
                    {"trained_on": trained, "evaluated_on": evaluated, "conversation_id": k,
                     "first_prompt": 1000 * j + k, "n_tokens": n, "n_end_tokens": 1,
                     "n_characters": 4 * n, "n_head_tokens": head, "nll_nats": n * mean,
                     "nll_end_nats": mean, "head_nats": head * mean,
                     "n_vocabulary": VOCABULARY}
                )  # fmt: skip
    return rows


def write_run(folder, rows, sets, simulated=()):
    folder.mkdir(parents=True, exist_ok=True)
    scores, reports = [], []
    for name in sets:
        scores.append(folder / f"{name}.parquet")
        own = [row for row in rows if row["trained_on"] == name]
        pq.write_table(pa.Table.from_pylist(own, SCORES), scores[-1])
        reports.append(folder / f"{name}.json")
        release = {"title": name, "simulated": name in simulated}
        write_json(reports[-1], {"dataset": name, "release": release})
    return scores, reports


def matrix(folder, rows, sets, simulated=(), n_replicates=50, recipe=TINY):
    scores, reports = write_run(folder, rows, sets, simulated)
    table, notes = folder / "matrix.csv", folder / "notes.json"
    measure_coverage(scores, reports, recipe, table, notes,
                     n_replicates, 3)  # fmt: skip
    return {(c.row, c.column): c for c in read_long_table(table)}, json.loads(notes.read_text())


def variants(folder, rows, sets, n_replicates=50):
    scores, reports = write_run(folder, rows, sets)
    measure_coverage_variants(scores, reports, ROOT / "data/published.yaml", folder / "v.csv",
                              n_replicates, 3)  # fmt: skip
    return {(c.row, c.column): c for c in read_long_table(folder / "v.csv")}


def test_means_are_over_tokens_not_over_prompts(tmp_path):
    rows = planted(["alpaca", "dolly"], [[1.0, 2.0], [3.0, 4.0]], n_prompts=2)
    # one prompt of 1 token that costs 9 nats, and one of 99 that cost 1 nat each
    for row in rows:
        long = row["conversation_id"] == 1
        row |= {"n_tokens": 99 if long else 1, "n_end_tokens": 0, "nll_end_nats": 0.0,
                "nll_nats": 99.0 if long else 9.0}  # fmt: skip
    cells, _ = matrix(tmp_path, rows, ["alpaca", "dolly"])
    assert [cell.value for cell in cells.values()] == pytest.approx([108 / 100] * 4)


def test_the_planted_matrix_comes_back_whatever_the_order_of_files(tmp_path):
    means = published_matrix(SIX)
    means[np.isnan(means)] = 7.5
    cells, _ = matrix(tmp_path / "a", planted(SIX, means), SIX)
    back, _ = matrix(tmp_path / "b", planted(SIX, means)[::-1], SIX[::-1])
    for i, a in enumerate(SIX):
        for j, b in enumerate(SIX):
            assert cells[a, b].value == pytest.approx(means[i, j], abs=1e-6)
            # prompts that all have the same mean leave no doubt about it
            ends = (cells[a, b].ci_low, cells[a, b].ci_high)
            assert ends == pytest.approx((means[i, j], means[i, j]), abs=1e-5)
    assert cells == back
    assert list(cells) == [(a, b) for a in SIX for b in SIX]


def test_only_cells_of_the_paper_answer_its_claims_and_have_notes(tmp_path):
    cells, notes = matrix(tmp_path, planted(SIX, np.full((6, 6), 4.0)), SIX)
    published = {claim.id for claim in load_published(ROOT / "data/published.yaml")[0]
                 if claim.id.startswith("figure-03.")}  # fmt: skip
    answered = {cell.claim for cell in cells.values()}
    assert answered & published == published
    assert set(notes) == published
    assert {claim for claim in answered - published if "lmsys_chat_1m" not in claim} == set()
    assert all(claim.startswith("own.figure-03-coverage.") for claim in answered - published)
    assert all("Llama-2" in note and "tiny" in note for note in notes.values())


def test_a_model_of_the_papers_base_is_not_called_another(tmp_path):
    recipe = yaml.safe_load((ROOT / "data/recipes/tiny.yaml").read_text(encoding="utf-8"))
    recipe |= {"name": "big", "base": "meta-llama/Llama-2-7b-hf"}
    del recipe["architecture"]
    (tmp_path / "big.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    _, notes = matrix(tmp_path, planted(FIVE, np.full((5, 5), 4.0)), FIVE,
                      recipe=tmp_path / "big.yaml")  # fmt: skip
    assert all("the paper's are" not in note for note in notes.values())


def test_a_cell_is_simulated_if_one_of_its_two_sets_is(tmp_path):
    cells, _ = matrix(tmp_path, planted(["alpaca", "dolly"], [[1, 2], [2, 1]]),
                      ["alpaca", "dolly"], simulated=("dolly",))  # fmt: skip
    routes = {key: cell.route for key, cell in cells.items()}
    assert routes.pop(("alpaca", "alpaca")) == "computed"
    assert set(routes.values()) == {"simulated"}


def test_equal_prompts_count_each_time_but_are_drawn_together(tmp_path):
    sets = ["alpaca", "dolly"]
    once = planted(sets, [[2.0, 3.0], [3.0, 2.0]], noise=0.5)
    copies = [row | {"conversation_id": 100 + row["conversation_id"]} for row in once]
    alone, _ = matrix(tmp_path / "once", once, sets)
    twice, _ = matrix(tmp_path / "twice", once + copies, sets)
    for key, cell in alone.items():
        assert twice[key].value == pytest.approx(cell.value)
        assert twice[key].n == 2 * cell.n
        # copies tell nothing new: the interval is as wide
        width, other = (one.ci_high - one.ci_low for one in (cell, twice[key]))
        assert other == pytest.approx(width)


def test_a_set_without_any_token_has_no_value(tmp_path):
    sets = ["alpaca", "dolly"]
    rows = planted(sets, [[2.0, 3.0], [3.0, 2.0]])
    rows = [row for row in rows if row["evaluated_on"] == "alpaca"]
    cells, _ = matrix(tmp_path, rows, sets)
    assert cells["alpaca", "dolly"].value is None
    assert cells["alpaca", "dolly"].ci_low is None
    assert cells["dolly", "alpaca"].value == pytest.approx(3.0)
    found = variants(tmp_path / "v", rows, sets)
    assert found["tokens", "diagonal-lowest"].value == 1
    assert found["tokens", "diagonal-lowest"].n == 1


def test_variants_are_what_slow_arithmetic_gives(tmp_path):
    rows = planted(["alpaca", "dolly"], [[2.0, 3.0], [4.0, 1.5]], noise=0.7)
    found = read_losses(write_run(tmp_path, rows, ["alpaca", "dolly"])[0])
    for i, trained in enumerate(found.sets):
        for j, evaluated in enumerate(found.sets):
            own = [r for r in rows if (r["trained_on"], r["evaluated_on"]) == (trained, evaluated)]

            def total(*columns, own=own):
                return sum(row[column] for row in own for column in columns)

            slow = {
                "tokens-with-end": total("nll_nats", "nll_end_nats")
                / total("n_tokens", "n_end_tokens"),
                "tokens": total("nll_nats") / total("n_tokens"),
                "bits-per-character": total("nll_nats") / math.log(2) / total("n_characters"),
                "length-matched": total("head_nats") / total("n_head_tokens"),
            }
            assert set(slow) == set(VARIANTS)
            for variant, value in slow.items():
                assert found.values(variant)[i, j] == pytest.approx(value, rel=1e-6)


def test_the_published_matrix_agrees_with_itself_and_not_with_its_mirror(tmp_path):
    printed = published_matrix(FIVE)
    same = variants(tmp_path / "same", planted(FIVE, printed), FIVE)
    mirrored = variants(tmp_path / "mirror", planted(FIVE, 14 - printed), FIVE)
    for variant in VARIANTS:
        for name in ("spearman", "kendall"):
            # three pairs of published cells are equal, ours equal but for their last digits
            assert same[variant, name].value == pytest.approx(1, abs=0.01)
            assert mirrored[variant, name].value == pytest.approx(-1, abs=0.01)
            assert same[variant, name].n == 25
        assert same[variant, "diagonal-lowest"].value == 5
        assert mirrored[variant, "diagonal-lowest"].value == 0
    assert same["tokens", "above-uniform"].value == 2
    assert same["tokens", "smallest"].value == pytest.approx(2.24)
    assert same["tokens", "largest"].value == pytest.approx(11.11)
    assert same["uniform-guess", "nats"].value == pytest.approx(math.log(VOCABULARY))
    assert ("bits-per-character", "above-uniform") not in same


def test_a_sixth_set_takes_no_part_in_the_agreement_but_counts_on_the_diagonal(tmp_path):
    means = published_matrix(SIX)
    means[np.isnan(means)] = 0.1  # the sixth model is best everywhere
    found = variants(tmp_path, planted(SIX, means), SIX)
    assert found["tokens", "kendall"].value == pytest.approx(1, abs=0.01)
    assert found["tokens", "kendall"].n == 25
    lowest = found["tokens-with-end", "diagonal-lowest"]
    assert (lowest.value, lowest.n) == (0, 6)  # in its own column all others are as low
    assert lowest.claim == "own.coverage-variants.tokens-with-end.diagonal-lowest"


def test_the_interval_of_the_agreement_narrows_with_prompts_and_holds_its_value(tmp_path):
    printed = published_matrix(FIVE)
    blurred = printed + 0.4 * np.random.default_rng(5).standard_normal((5, 5))
    widths = []
    for n in (10, 300):
        rows = planted(FIVE, blurred, n_prompts=n, noise=2.0)
        cell = variants(tmp_path / str(n), rows, FIVE, 200)["tokens", "spearman"]
        assert -1 <= cell.ci_low <= cell.value <= cell.ci_high <= 1
        widths.append(cell.ci_high - cell.ci_low)
    assert 0 < widths[1] < widths[0] / 2


def test_two_sets_make_four_cells_and_one_makes_none(tmp_path):
    two = ["alpaca", "dolly"]
    found = variants(tmp_path / "two", planted(two, [[1.0, 2.0], [3.0, 4.0]]), two)
    assert found["tokens", "spearman"].n == 4
    one = variants(tmp_path / "one", planted(["dolly"], [[1.0]]), ["dolly"])
    assert one["tokens", "spearman"].value is None
    assert one["tokens", "diagonal-lowest"].value == 1
    alone, _ = matrix(tmp_path / "alone", planted(["dolly"], [[1.0]]), ["dolly"])
    assert list(alone) == [("dolly", "dolly")]


def test_no_replicates_give_no_intervals(tmp_path):
    rows = planted(FIVE, published_matrix(FIVE))
    assert {cell.ci_low for cell in matrix(tmp_path, rows, FIVE, n_replicates=0)[0].values()} == {
        None
    }
    assert {cell.ci_low for cell in variants(tmp_path, rows, FIVE, 0).values()} == {None}


def test_rank_correlations_are_scipys_also_with_ties():
    draw = np.random.default_rng(1)
    for _ in range(20):
        rows, other = draw.integers(0, 6, (3, 12)).astype(float), draw.integers(0, 9, 12) / 2
        found = rank_correlations(rows, other)
        for row, (rho, tau) in zip(rows, found, strict=True):
            assert rho == pytest.approx(spearmanr(row, other).statistic)
            assert tau == pytest.approx(kendalltau(row, other).statistic)
    assert np.isnan(rank_correlations(np.ones((1, 4)), np.arange(4.0))).all()


def test_a_tie_is_not_the_lowest():
    columns = np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0], [3.0, 3.0, 5.0]])
    assert on_diagonal(columns, np.array([0, 1, 1])) == 2


def test_the_same_bytes_on_a_second_run(tmp_path):
    rows = planted(FIVE, published_matrix(FIVE), noise=1.0)
    for name in ("one", "two"):
        matrix(tmp_path / name, rows, FIVE)
        variants(tmp_path / name, rows, FIVE)
    for name in ("matrix.csv", "notes.json", "v.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
