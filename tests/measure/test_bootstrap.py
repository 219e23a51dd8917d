"""Intervals cover what they should, widen with clusters, and repeat exactly."""

import numpy as np
import pytest

from wildpaper.measure.bootstrap import category_intervals, ratio_intervals


def interval(numerators, denominators, n_replicates=200, seed=1, name="x", **options):
    columns = [np.asarray(part)[:, None] for part in (numerators, denominators)]
    (found,) = ratio_intervals(*columns, n_replicates, seed, name, **options)
    return found


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    # 300 sets of 80 Poisson(20) counts; the share covered has a standard error of 1.3 points,
    # and percentile intervals of 80 clusters fall short of 95 % by about one point.
    generator = np.random.default_rng(5)
    covered = 0
    for i in range(300):
        found = interval(generator.poisson(20, 80), np.ones(80, np.int64), 300, seed=i)
        covered += found[0] <= 20 <= found[1]
    assert 0.90 <= covered / 300 <= 0.985


def test_a_lower_level_gives_a_narrower_interval():
    values = np.random.default_rng(2).poisson(20, 100)
    ones = np.ones(100, np.int64)
    wide, narrow = interval(values, ones), interval(values, ones, level=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_width_is_that_of_the_normal_approximation():
    values = np.random.default_rng(3).poisson(20, 2000)
    low, high = interval(values, np.ones(2000, np.int64), 1000)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 2000**0.5, rel=0.1)


def test_clusters_that_differ_widen_the_interval():
    generator = np.random.default_rng(4)
    levels = generator.poisson(20, 50)
    messages = generator.poisson(np.repeat(levels, 20))  # 20 alike from each of 50 users
    apart = interval(messages, np.ones(1000, np.int64))
    users = interval(messages.reshape(50, 20).sum(1), np.full(50, 20))
    assert users[1] - users[0] > 2 * (apart[1] - apart[0])


def test_seed_and_name_and_order_decide():
    values, ones = np.arange(30), np.ones(30, np.int64)
    first = interval(values, ones)
    assert interval(values, ones) == first
    assert interval(values, ones, seed=2) != first
    assert interval(values, ones, name="y") != first
    assert interval(values[::-1], ones) != first
    assert interval(values.astype(np.int32), ones) == first


def test_ratios_are_drawn_together_and_do_not_disturb_each_other():
    generator = np.random.default_rng(6)
    both = generator.poisson(20, (40, 2))
    ones = np.ones((40, 2), np.int64)
    together = ratio_intervals(both, ones, 100, 1, "x")
    alone = [ratio_intervals(both[:, [i]], ones[:, [i]], 100, 1, "x")[0] for i in (0, 1)]
    assert together == alone


def test_large_sums_stay_exact():
    large = np.full(10, 2**53 // 10 + 1)
    assert interval(large, np.ones(10, np.int64)) == (float(large[0]), float(large[0]))


def test_blocks_and_binary_fractions_change_nothing(monkeypatch):
    generator = np.random.default_rng(8)
    both = generator.poisson(1e6, (50, 3)), generator.poisson(30, (50, 3))
    first = ratio_intervals(*both, 100, 1, "x")
    monkeypatch.setattr("wildpaper.measure.bootstrap._BLOCK_DRAWS", 170)
    assert ratio_intervals(*both, 100, 1, "x") == first
    monkeypatch.setattr("wildpaper.measure.bootstrap._EXACT", 0)
    assert ratio_intervals(*both, 100, 1, "x") == first


def test_one_column_below_serves_all_ratios():
    generator = np.random.default_rng(9)
    above, below = generator.poisson(20, (40, 3)), generator.poisson(9, (40, 1))
    wide = ratio_intervals(above, below.repeat(3, axis=1), 100, 1, "x")
    assert ratio_intervals(above, below, 100, 1, "x") == wide


def test_shares_of_categories_are_ratios_of_indicators():
    categories = np.random.default_rng(10).integers(0, 4, 60)
    ones = np.ones((60, 1), np.int64)
    ratios = ratio_intervals(np.eye(5, dtype=np.int64)[categories], ones, 100, 1, "x")
    assert category_intervals(categories, 5, 100, 1, "x") == ratios
    assert ratios[4] == (0.0, 0.0)
    assert category_intervals(categories, 5, 0, 1, "x") == [None] * 5


@pytest.mark.parametrize(("n_clusters", "n_replicates"), [(10, 0), (1, 100), (0, 100)])
def test_no_replicates_or_no_clusters_give_no_interval(n_clusters, n_replicates):
    ones = np.ones(n_clusters, np.int64)
    assert interval(ones, ones, n_replicates) is None


def test_a_ratio_over_nothing_has_no_interval():
    assert interval(np.zeros(5, np.int64), np.zeros(5, np.int64)) is None


def test_replicates_without_denominator_are_left_out():
    numerators, denominators = np.array([6, 0, 0]), np.array([2, 0, 0])
    assert interval(numerators, denominators) == (3.0, 3.0)
