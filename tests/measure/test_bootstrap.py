"""Intervals cover what they should, widen with clusters, and repeat exactly."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from wildpaper.measure import replicates
from wildpaper.measure.bootstrap import (
    category_intervals,
    percentile,
    ratio_intervals,
    share_intervals,
)
from wildpaper.measure.replicates import replicate_ratios
from wildpaper.measure.shares import shares_of


def columns(*parts):
    return [np.asarray(part)[:, None] for part in parts]


def interval(numerators, denominators, n_replicates=200, seed=1, name="x", **options):
    (found,) = ratio_intervals(
        *columns(numerators, denominators), n_replicates, seed, name, **options
    )
    return found


def share(counts, totals, n_replicates=400, seed=1, name="x", **options):
    (found,) = share_intervals(*columns(counts, totals), n_replicates, seed, name, **options)
    return found


def wilson(n, total, level=0.95):
    found = binomtest(n, total).proportion_ci(level, method="wilson")
    return found.low, found.high


# ------------------------------------------------------------------ means


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    # 300 sets of 80 Poisson(20) counts; the share covered has a standard error of 1.3 points.
    generator = np.random.default_rng(5)
    covered = 0
    for i in range(300):
        found = interval(generator.poisson(20, 80), np.ones(80, np.int64), 300, seed=i)
        covered += found[0] <= 20 <= found[1]
    assert 0.92 <= covered / 300 <= 0.985


def test_of_long_tails_it_covers_more_than_percentiles_do():
    generator = np.random.default_rng(6)
    covered, plain, true = 0, 0, math.exp(10 + 1.5**2 / 2)
    for i in range(300):
        values = generator.lognormal(10, 1.5, 40).astype(np.int64)
        found = replicate_ratios(*columns(values, np.ones(40, np.int64)), 300, i, "x")
        low, high = percentile(found)[0]
        plain += low <= true <= high
        low, high = interval(values, np.ones(40, np.int64), 300, seed=i)
        covered += low <= true <= high
    assert plain / 300 < 0.86 < 0.88 < covered / 300
    assert covered - plain > 20


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


def test_ends_follow_the_scale_and_the_sign():
    generator = np.random.default_rng(7)
    x, y = generator.poisson(30, 50), generator.poisson(4, 50) + 1
    low, high = interval(x, y)
    assert interval(7 * x, y) == pytest.approx((7 * low, 7 * high))
    assert interval(x, 7 * y) == pytest.approx((low / 7, high / 7))
    assert low * high == pytest.approx((x.sum() / y.sum()) ** 2)  # symmetric on the log scale
    mixed = x - 30
    low, high = interval(mixed, y)
    assert interval(-mixed, y) == pytest.approx((-high, -low))
    assert low + high == pytest.approx(2 * mixed.sum() / y.sum())


def test_a_mean_of_what_is_not_negative_has_a_positive_interval_with_bounds():
    low, high = interval([100, 50, 20, 30], np.ones(4, np.int64), 1000)
    assert 0 < low < 50 < high < 500


# ------------------------------------------------------------------ shares


@pytest.mark.parametrize("n", [0, 1, 17, 59, 60])
def test_of_clusters_of_one_unit_the_interval_is_wilsons(n):
    counts = np.arange(60) < n
    ones = np.ones(60, np.int64)
    assert share(counts.astype(np.int64), ones) == pytest.approx(wilson(n, 60), abs=1e-12)
    categories = category_intervals(counts.astype(np.int64), 2, 10, 1, "x")
    assert categories[1] == pytest.approx(wilson(n, 60), abs=1e-12)


def test_none_or_all_is_not_taken_for_certain():
    totals = np.array([3, 1, 5, 2, 2])
    low, high = share(np.zeros(5, np.int64), totals)
    assert low == 0
    # As if the units of a cluster were all alike: n² / Σ m² of them.
    z2, n = NormalDist().inv_cdf(0.975) ** 2, 13**2 / 43
    assert high == pytest.approx(z2 / (n + z2))
    assert share(totals, totals) == pytest.approx((1 - high, 1))


def test_clusters_of_alike_units_count_once():
    alike = np.random.default_rng(8).random(100) < 0.3
    counts, totals = 10 * alike.astype(np.int64), np.full(100, 10)
    low, high = share(counts, totals, 2000)
    assert (low, high) == pytest.approx(wilson(int(alike.sum()), 100), abs=0.01)
    apart = wilson(int(counts.sum()), 1000)
    assert high - low > 2.5 * (apart[1] - apart[0])


def test_units_that_differ_within_clusters_count_each():
    counts = np.random.default_rng(9).binomial(10, 0.3, 400)
    low, high = share(counts, np.full(400, 10), 2000)
    apart = wilson(int(counts.sum()), 4000)
    assert high - low == pytest.approx(apart[1] - apart[0], rel=0.15)


matrices = st.lists(
    st.integers(0, 6).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m))),
    min_size=1,
    max_size=30,
)


@given(matrices)
@settings(max_examples=150, deadline=None)
def test_an_interval_holds_its_share_within_0_and_1(pairs):
    counts, totals = np.array(pairs).T
    known = int((totals > 0).sum())
    found = share(counts, totals, 50)
    mirrored = share(totals - counts, totals, 50)
    if known < 2:
        assert found is mirrored is None
        return
    value = counts.sum() / totals.sum()
    assert 0 <= found[0] <= value <= found[1] <= 1
    assert found[0] < found[1]
    assert mirrored == pytest.approx((1 - found[1], 1 - found[0]), abs=1e-6)
    few = totals.sum() ** 2 / (totals**2).sum()
    z = NormalDist().inv_cdf(0.975)
    widest = z * math.sqrt(value * (1 - value) / few + (z / (2 * few)) ** 2) / (1 + z**2 / few)
    assert (found[1] - found[0]) / 2 <= widest + 1e-9


def test_the_interval_covers_a_true_share_of_users_who_are_alike():
    generator = np.random.default_rng(10)
    covered = plain = 0
    for i in range(300):
        totals = generator.geometric(0.2, 40)
        own = generator.beta(0.2, 1.8, 40)  # a tenth on the whole, most users never
        counts = generator.binomial(totals, own)
        low, high = share(counts, totals, 200, seed=i)
        covered += low <= 0.1 <= high
        (ends,) = percentile(replicate_ratios(*columns(counts, totals), 200, i, "x"))
        plain += ends[0] <= 0.1 <= ends[1]
    assert 0.92 <= covered / 300 <= 0.98
    assert plain / 300 < 0.9


def test_shares_in_percent_have_intervals_in_percent():
    counts, totals = columns([1, 0, 2, 0], [2, 3, 2, 1])
    (found,) = shares_of(counts, totals, 100, 1, "x")
    (interval,) = share_intervals(counts, totals, 100, 1, "x")
    assert (found.n, found.total, found.percent) == (3, 8, 37.5)
    assert found.interval == (100 * interval[0], 100 * interval[1])
    assert shares_of(counts, totals, 0, 1, "x")[0].interval is None


# ------------------------------------------------------------------ exact, and as drawn


@pytest.mark.parametrize("function", [ratio_intervals, share_intervals])
def test_columns_are_drawn_together_and_do_not_disturb_each_other(function):
    generator = np.random.default_rng(6)
    below = generator.poisson(9, (40, 4)) + 1
    above = generator.binomial(below, [0.1, 0.5, 0.9, 0.3])
    together = function(above, below, 100, 1, "x")
    assert len(set(together)) == 4
    order = [2, 0, 3, 1]
    assert function(above[:, order], below[:, order], 100, 1, "x") == [together[i] for i in order]
    for i in range(4):
        assert function(above[:, [i]], below[:, [i]], 100, 1, "x") == [together[i]]
    wide = function(above, below[:, [3]].repeat(4, axis=1), 100, 1, "x")
    assert function(above, below[:, [3]], 100, 1, "x") == wide


def test_seed_and_name_and_order_decide():
    values, ones = np.arange(30), np.ones(30, np.int64)
    first = interval(values, ones)
    assert interval(values, ones) == first
    assert interval(values, ones, seed=2) != first
    assert interval(values, ones, name="y") != first
    assert interval(values[::-1], ones) != first
    assert interval(values.astype(np.int32), ones) == first


def test_blocks_of_draws_and_threads_change_nothing(monkeypatch):
    generator = np.random.default_rng(8)
    size = (9001, 3)
    both = generator.poisson(1e6, size), generator.poisson(30, size)
    with threadpool_limits(1):
        first = ratio_intervals(*both, 60, 1, "x")
    with threadpool_limits(4):
        assert ratio_intervals(*both, 60, 1, "x") == first
    monkeypatch.setattr(replicates, "_BLOCK_CELLS", 17 * 4096 - 5)
    assert ratio_intervals(*both, 60, 1, "x") == first


def test_replicates_are_ratios_of_drawn_sums_with_their_own_errors(monkeypatch):
    generator = np.random.default_rng(12)
    x, y = columns(generator.lognormal(9, 2, 30).astype(np.int64), generator.poisson(3, 30))
    drawn = []
    sound = replicates._draws

    def watched(*arguments):
        for rows, times in sound(*arguments):
            drawn.extend(times.astype(int))
            yield rows, times

    monkeypatch.setattr(replicates, "_draws", watched)
    found = replicate_ratios(x, y, 25, 1, "x")
    n = int((y > 0).sum())
    for i, times in enumerate(drawn):
        one, other = np.repeat(x[:, 0], times), np.repeat(y[:, 0], times)
        ratio = one.sum() / other.sum()
        error = math.sqrt(((one - ratio * other) ** 2).sum() * n / (n - 1)) / other.sum()
        assert (found.drawn[i, 0], found.drawn_errors[i, 0]) == pytest.approx((ratio, error))


def test_clusters_are_drawn_as_poisson_1_says():
    often = np.array(replicates._OFTEN)
    k = np.arange(len(often))
    assert often.sum() == often @ k == often @ (k - 1) ** 2 == 2**16
    poisson = np.array([math.exp(-1) / math.factorial(i) for i in k])
    assert np.abs(often / 2**16 - poisson).max() < 3e-4
    bits = np.random.default_rng(1).bit_generator
    (_, times), *_ = replicates._draws(bits, 4096, 256)
    assert np.abs(np.bincount(times.astype(int).ravel(), minlength=9) / times.size
                  - often / 2**16).max() < 2e-3  # fmt: skip


def test_large_sums_stay_exact():
    large = np.full(10, 2**53 // 10 + 1)
    assert interval(large, np.ones(10, np.int64)) == (float(large[0]), float(large[0]))


def test_categories_are_shares_of_indicators():
    categories = np.random.default_rng(10).integers(0, 4, 60)
    ones = np.ones((60, 1), np.int64)
    indicators = np.eye(5, dtype=np.int64)[categories]
    found = category_intervals(categories, 5, 100, 1, "x")
    for one, other in zip(found, share_intervals(indicators, ones, 100, 1, "x"), strict=True):
        assert one == pytest.approx(other, abs=1e-12)
    assert found[4][0] == 0 < found[4][1]
    assert category_intervals(categories, 5, 0, 1, "x") == [None] * 5


# ------------------------------------------------------------------ where there is none


@pytest.mark.parametrize(("n_clusters", "n_replicates"), [(10, 0), (1, 100), (0, 100)])
def test_no_replicates_or_no_clusters_give_no_interval(n_clusters, n_replicates):
    ones = np.ones(n_clusters, np.int64)
    assert interval(ones, ones, n_replicates) is None
    assert share(ones, ones, n_replicates) is None


@pytest.mark.parametrize("function", [interval, share])
def test_a_ratio_over_nothing_or_over_one_cluster_has_no_interval(function):
    assert function(np.zeros(5, np.int64), np.zeros(5, np.int64)) is None
    assert function(np.array([1, 0, 0]), np.array([2, 0, 0])) is None


def test_replicates_without_denominator_are_left_out():
    numerators, denominators = np.array([6, 4, 0, 0, 0]), np.array([2, 1, 0, 0, 0])
    low, high = interval(numerators, denominators, 50)
    assert 0 < low < 10 / 3 < high < math.inf


def test_what_does_not_vary_has_no_width():
    totals = np.array([2, 1, 4])
    assert interval(3 * totals, totals) == (3, 3)
    assert interval(0 * totals, totals) == (0, 0)


def test_many_columns_of_none_are_no_columns():
    nothing = np.zeros((4, 0), np.int64)
    assert ratio_intervals(nothing, np.ones((4, 1), np.int64), 9, 1, "x") == []
