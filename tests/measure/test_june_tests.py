"""The test of June finds planted drops, and where there is none says so as often as it should."""

from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from wildpaper.acquire.simulation import dialogue
from wildpaper.acquire.simulation.dialogue import UPDATE_FACTOR, Message, Speech
from wildpaper.acquire.simulation.schedule import DAY, JUNE_UPDATE
from wildpaper.acquire.simulation.streams import Choice, stream
from wildpaper.acquire.simulation.targets import read_targets
from wildpaper.measure.toxicity.june_cells import placebo_p
from wildpaper.measure.toxicity.june_dates import best_date, date_interval
from wildpaper.measure.toxicity.june_draws import NO_DROP, JuneStudy
from wildpaper.measure.toxicity.june_series import Turns
from wildpaper.measure.toxicity.june_tests import (
    LEAST_DAYS,
    candidate_dates,
    fit_break,
    placebos,
    scan,
)
from wildpaper.measure.toxicity.june_update import is_drop

TARGETS = read_targets(Path(__file__).parents[2] / "data" / "published.yaml")
UPDATE = JUNE_UPDATE // DAY
LAG = 7
SEEDS = 60
CERTAIN = 1e-4
DESIGNS = pytest.mark.parametrize("design", ["two-trends", "one-trend", "no-trend"])


def fits_of(factor, n_seeds=SEEDS, burst_days=None, n=3000):
    study = JuneStudy(TARGETS, factor, burst_days)
    return [fit_break(study.draw(n, seed), UPDATE, LAG) for seed in range(n_seeds)]


def turns_of(rows):
    """Return turns from rows of cluster, day, n, user, chatbot."""
    cluster, day, n, user, chatbot = (np.array(c, np.int64) for c in zip(*rows, strict=True))
    return Turns(cluster, day, n, user, chatbot, np.ones(len(n), bool))


def random_turns(seed, days=range(1000, 1060), users=15, per_day=6):
    rng = np.random.default_rng(seed)
    rows = []
    for day in days:
        for user in sorted(rng.choice(users, per_day, replace=False)):
            n = int(rng.integers(1, 9))
            rows.append((user, day, n, rng.integers(0, n + 1), rng.integers(0, n + 1)))
    return turns_of(rows)


def planted(step, slopes=(0.0, 0.0), both=0.0, days=(80, 80), n=100_000):
    """Return two users a day without noise; `both` is a step of both roles."""
    rows = []
    for day in range(-days[0], days[1]):
        after = day >= 0
        user = 0.2 + both * after
        chatbot = user + step * after + slopes[after] * day / 100
        rows += [(i, 500 + day, n, round(n * user), round(n * chatbot)) for i in range(2)]
    return turns_of(rows)


# ------------------------------------------------------------------ what it was made for


def test_without_a_drop_it_seldom_finds_one():
    found = sum(map(is_drop, fits_of(NO_DROP)))
    assert found <= 0.1 * SEEDS


def test_with_the_published_drop_it_mostly_finds_it():
    fits = fits_of(UPDATE_FACTOR)
    assert sum(map(is_drop, fits)) >= 0.9 * SEEDS
    # Of the size that was planted: replies to harmless and toxic messages, jailbreaks aside.
    study = JuneStudy(TARGETS, UPDATE_FACTOR)
    late, early = study.factors["chatbot"] - study.factors["user"] * study.user / (
        study.user * dialogue.REPLY_TO_TOXIC + study.clean * (1 - study.user)
    )
    chatbot = TARGETS.toxicity["chatbot"].either
    mean = np.mean([fit.value(fit.step) for fit in fits])
    assert mean == pytest.approx((late - early) * chatbot, rel=0.15)


def test_bursts_of_users_do_not_mislead_it_as_they_do_newey_and_west():
    fits = fits_of(NO_DROP, n_seeds=80, burst_days=30)
    alone = [fit.p_value(fit.errors(fit.step)[0]) < 0.05 for fit in fits]
    ours = [fit.p_value() < 0.05 for fit in fits]
    assert np.mean(alone) > 0.12
    assert np.mean(ours) <= 0.1


def test_what_changes_for_both_roles_is_no_drop():
    fit = fit_break(planted(step=0.0, both=-0.1), 500, LAG)
    assert fit.value(fit.step) == pytest.approx(0, abs=1e-9)
    chatbot = fit_break(planted(step=0.0, both=-0.1), 500, LAG, "chatbot")
    assert chatbot.value(chatbot.step) == pytest.approx(-0.1)


# ------------------------------------------------------------------ estimates and errors


@given(step=st.floats(-0.15, 0.3), before=st.floats(-0.05, 0.05), after=st.floats(-0.05, 0.05))
@settings(max_examples=15, deadline=None)
def test_a_planted_step_is_recovered_whatever_the_slopes(step, before, after):
    fit = fit_break(planted(step, (before, after)), 500, LAG)
    assert fit.value(fit.step) == pytest.approx(step, abs=1e-4)
    assert fit.parameters[2:] == pytest.approx([before, after - before], abs=1e-4)


def test_one_trend_takes_a_change_of_slope_for_a_step():
    tilted = planted(0.0, (0.3, -0.05), days=(40, 200))
    right = fit_break(tilted, 500, LAG)
    wrong = fit_break(tilted, 500, LAG, design="one-trend")
    assert abs(right.value(right.step)) < 1e-4 < 0.02 < abs(wrong.value(wrong.step))


@DESIGNS
@pytest.mark.parametrize("outcome", ["difference", "chatbot", "user"])
def test_it_agrees_with_statsmodels(design, outcome):
    turns, date = random_turns(4), 1024
    fit = fit_break(turns, date, LAG, outcome, design)
    sums = {"chatbot": turns.chatbot, "user": turns.user,
            "difference": turns.chatbot - turns.user}[outcome]  # fmt: skip

    def model(day, total, own):
        after = day >= date
        slope = (day - date) / 100
        x = np.stack([np.ones(len(day)), after, slope, after * slope], axis=1)
        return sm.WLS(own / total, x[:, : len(fit.parameters)], weights=total)

    days = np.unique(turns.day)
    by_day = [np.bincount(turns.day - 1000, of) for of in (turns.n, sums)]
    kernel = {"maxlags": LAG, "use_correction": True}
    hac = model(days, *by_day).fit(cov_type="HAC", cov_kwds=kernel, use_t=True)
    groups = {"groups": turns.cluster}
    clustered = model(turns.day, turns.n, sums).fit(cov_type="cluster", cov_kwds=groups)
    for other, own in ((hac, fit.newey_west), (clustered, fit.by_user)):
        assert fit.parameters == pytest.approx(other.params, rel=1e-9)
        assert own == pytest.approx(other.cov_params(), rel=1e-8)
    # The larger error counts, with the degrees of freedom of the fewer units.
    assert fit.error(fit.step) == pytest.approx(max(hac.bse[1], clustered.bse[1]))
    assert fit.degrees == 14


def test_days_without_turns_stand_between_others():
    days = [d for d in range(1000, 1080) if d % 3]
    turns, date = random_turns(2, days), 1040
    fit = fit_break(turns, date, 2)
    x = np.stack([np.ones(80), (d := np.arange(80) - 40) >= 0, d / 100, (d >= 0) * d / 100], 1)
    n, sums = (
        np.bincount(turns.day - 1000, of, 80) for of in (turns.n, turns.flagged("difference"))
    )
    scores = x * (sums - n * (x @ fit.parameters))[:, None]
    inner = sum(
        (1 - abs(i - j) / 3) * np.outer(scores[i], scores[j])
        for i in range(80) for j in range(80) if abs(i - j) <= 2
    )  # fmt: skip
    bread = np.linalg.inv(x.T @ (x * n[:, None]))
    k, n_days = 4, len(days)
    assert fit.newey_west == pytest.approx(bread @ inner @ bread * n_days / (n_days - k))


def test_the_ratio_is_that_of_the_levels_with_its_interval():
    fit = fit_break(random_turns(4), 1024, LAG, "chatbot")
    before, after = fit.parameters[0], fit.parameters[:2].sum()
    ratio, low, high = fit.ratio()
    assert ratio == pytest.approx(after / before)
    assert low * high == pytest.approx(ratio**2)
    # Against draws of the two levels.
    covariance = max((fit.newey_west, fit.by_user), key=lambda v: v[1, 1])[:2, :2]
    drawn = np.random.default_rng(1).multivariate_normal(fit.parameters[:2], covariance, 200_000)
    spread = np.log(drawn.sum(axis=1) / drawn[:, 0]).std()
    assert np.log(high / ratio) == pytest.approx(spread * fit.quantile, rel=0.15)
    assert fit_break(planted(-0.2), 500, LAG, "chatbot").ratio() is None


def test_order_users_names_and_the_calendar_do_not_matter():
    turns = random_turns(7)
    fit = fit_break(turns, 1030, LAG)
    order = np.random.default_rng(1).permutation(len(turns.day))
    again = fit_break(turns.where(order), 1030, LAG)
    renamed = Turns(97 - turns.cluster, turns.day + 5000, turns.n, turns.user, turns.chatbot,
                    turns.gpt35)  # fmt: skip
    swapped = Turns(turns.cluster, turns.day, turns.n, turns.chatbot, turns.user, turns.gpt35)
    for other, sign in (
        (again, 1), (fit_break(renamed, 6030, LAG), 1), (fit_break(swapped, 1030, LAG), -1),
    ):  # fmt: skip
        assert other.statistic == pytest.approx(sign * fit.statistic)


@pytest.mark.parametrize(("first", "last"), [(0, 12), (13, 0), (0, 0)])
def test_few_days_on_a_side_give_nothing(first, last):
    days = [*range(500 - LEAST_DAYS, 500), *range(500, 500 + LEAST_DAYS)]
    full = random_turns(1, days)
    assert fit_break(full, 500, LAG) is not None
    cut = full.where((full.day >= 500 - first) & (full.day < 500 + last))
    assert fit_break(cut, 500, LAG) is None
    assert fit_break(full.where(full.cluster == 3), 500, LAG) is None


# ------------------------------------------------------------------ other dates


def test_placebos_see_their_own_side_only():
    turns = random_turns(3)
    before, after = placebos(turns, 1030, LAG)
    assert before.keys() == {*range(1014, 1017)}
    assert after.keys() == {*range(1044, 1047)}
    changed = Turns(turns.cluster, turns.day, turns.n, turns.user,
                    np.where(turns.day >= 1030, turns.n, turns.chatbot), turns.gpt35)  # fmt: skip
    early, late = placebos(changed, 1030, LAG)
    assert early == before
    assert late != after
    assert scan(turns.where(turns.day >= 1030), LAG) == after


def test_the_placebo_share_counts_the_date_itself():
    assert placebo_p(-2.0, [1.0, -2.0, 3.0, 0.5]) == 3 / 5
    assert placebo_p(9.0, [1.0, -2.0]) == 1 / 3
    assert placebo_p(1.0, []) is None
    assert placebo_p(float("nan"), [1.0]) is None


@pytest.mark.parametrize("seed", range(3))
def test_the_best_date_is_the_one_with_the_least_squares(seed):
    turns = random_turns(seed)
    squares = {}
    for date in candidate_dates(turns):
        after = turns.day >= date
        slope = turns.day / 100
        x = np.stack([np.ones(len(slope)), after, slope, after * slope], axis=1)
        y = (turns.chatbot - turns.user) / turns.n
        squares[date] = sm.WLS(y, x, weights=turns.n).fit().ssr
    assert best_date(turns) == min(squares, key=squares.get)


def test_a_plain_drop_is_found_to_the_day():
    study = JuneStudy(TARGETS, UPDATE_FACTOR)
    turns = study.draw(30_000, 1)
    low, high = date_interval(turns, 40, 1)
    assert abs(best_date(turns) - UPDATE) <= 2
    assert low <= UPDATE <= high <= low + 14
    assert date_interval(turns, 0, 1) is None
    assert best_date(turns.where(turns.day < int(turns.day.min()) + 10)) is None


# ------------------------------------------------------------------ the draws themselves


def test_the_draws_are_as_toxic_as_the_simulator(monkeypatch):
    for name in ("compose", "compose_personal"):
        monkeypatch.setattr(dialogue, name, lambda *_: "x")
    speech, rng = Speech(TARGETS, 0.01), stream(1, 0, 0)
    drawn = JuneStudy(TARGETS, UPDATE_FACTOR).draw(40_000, 3)
    for early in (False, True):
        time = JUNE_UPDATE - DAY if early else JUNE_UPDATE
        topic = speech.topic(rng, "German", 1.0, time, Choice([("German", 1.0)]))
        own = drawn.where((drawn.day < UPDATE) == early)
        asked = [speech.user(rng, topic) for _ in range(6000)]
        replies = [speech.reply(rng, topic, message) for message in asked]
        assert isinstance(asked[0], Message)
        for said, counts in ((asked, own.user), (replies, own.chatbot)):
            n = sum(message.toxic for message in said)
            # Jailbreak prompts, which only the draws have, add a few tenths of a point.
            share = counts.sum() / own.n.sum() - 0.002
            assert binomtest(n, len(said), share).pvalue > CERTAIN
