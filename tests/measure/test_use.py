"""Concentration of use and conversations by month, counted again in plain Python."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planting import Chat, Measured, Said, measure_chats, random_chats, write_chats

from wildpaper.errors import WildpaperError
from wildpaper.measure.conversations_by_month import (
    FAMILIES,
    GAP,
    VERSION,
    measure_conversations_by_month,
)
from wildpaper.measure.shards import open_dataset
from wildpaper.measure.use_concentration import (
    LORENZ,
    gini,
    measure_concentration,
    n_top,
)

TOP = [0.1, 1.0, 10.0, 50.0]
USE, MONTHLY = "own.use-concentration.", "own.conversations-by-month."


# ------------------------------------------------------------------ concentration


def use_of(folder, chats, **options) -> Measured:
    return measure_chats(measure_concentration, folder, chats, top_users=TOP, **options)


def turns_of(chats: list[Chat]) -> list[int]:
    """Return the turns of each known user, falling."""
    turns: Counter = Counter()
    for chat in chats:
        if chat.user is not None:
            turns[chat.user] += chat.n_turns
    return sorted(turns.values(), reverse=True)


def double_sum(turns: list[int]) -> float:
    """Return the Gini coefficient by its definition: mean difference of two over twice the mean."""
    n = len(turns)
    difference = Fraction(sum(abs(a - b) for a in turns for b in turns), n * n)
    return float(difference / (2 * Fraction(sum(turns), n)))


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any))
def test_gini_is_half_the_relative_mean_difference(turns):
    falling = np.array(sorted(turns, reverse=True), np.int64)
    assert gini(falling) == double_sum(turns)
    assert gini(np.repeat(falling, 3)) == gini(falling)
    assert gini(7 * falling) == gini(falling)


def test_gini_of_equals_and_of_one_who_has_all():
    assert gini(np.array([4] * 9)) == 0
    assert gini(np.array([5] + [0] * 9)) == 0.9
    assert gini(np.array([0, 0])) is None
    assert gini(np.array([], np.int64)) is None


def test_the_top_is_counted_exactly():
    assert [n_top(0.1, n) for n in (1, 1000, 1001, 204_736)] == [1, 1, 2, 205]
    assert [n_top(p, 300) for p in (0.1, 1.0, 7, 33.3, 100.0)] == [1, 3, 21, 100, 300]
    for percent in (0, -1, 100.5):
        with pytest.raises(WildpaperError, match="percent of the users"):
            n_top(percent, 10)


@pytest.mark.parametrize("seed", [1, 2])
def test_turns_are_spread_as_counted(tmp_path, seed):
    chats = random_chats(200, seed, users=40)
    found = use_of(tmp_path, chats)
    turns = turns_of(chats)
    expected = {f"top-{p:g}": 100 * sum(turns[: ceil(p * len(turns) / 100)]) / sum(turns)
                for p in TOP}  # fmt: skip
    expected |= {"users": len(turns), "gini": double_sum(turns)}
    claims = {claim: cell.value for claim, cell in found.claims.items()}
    assert claims == {USE + name: pytest.approx(value, 1e-12) for name, value in expected.items()}
    assert {(cell.n, cell.ci_low) for cell in found.cells.values()} == {(len(turns), None)}
    points = {int(column): v for (row, column), v in found.values.items() if row == LORENZ}
    assert list(points) == sorted(points)
    assert {1, len(turns)} <= set(points)
    assert points == {n: pytest.approx(100 * sum(turns[:n]) / sum(turns)) for n in points}


def test_many_users_have_a_hundred_points_at_most(tmp_path):
    chats = [Chat([Said("user")], user=f"u{i}") for i in range(900)]
    values = use_of(tmp_path, chats).values
    points = {int(column): v for (row, column), v in values.items() if row == LORENZ}
    assert 50 < len(points) <= 100
    assert all(v == pytest.approx(100 * n / 900) for n, v in points.items())
    assert values["users", "gini"] == 0


def test_as_many_users_again_who_do_the_same_change_nothing(tmp_path):
    chats = random_chats(120, 3, users=40)
    chats = [chat for chat in chats if chat.user is not None]
    users = sorted({chat.user for chat in chats})[:20]
    chats = [chat for chat in chats if chat.user in users]
    others = [Chat(c.messages, f"other {c.user}") for c in chats]
    once, twice = (use_of(tmp_path / name, listed).values
                   for name, listed in (("a", chats), ("b", chats + others)))  # fmt: skip
    for name in ("gini", "top-10", "top-50"):
        assert twice["users", name] == once["users", name] is not None
    assert twice["users", "users"] == 40


def test_shards_and_order_do_not_change_the_bytes(tmp_path):
    chats = random_chats(90, 4)
    for name, function in (("use", measure_concentration), ("m", measure_conversations_by_month)):
        write = {"n_shards": 3, "shuffle": 5}
        once, again = (
            measure_chats(function, tmp_path / name / part, chats, top_users=TOP, write=options)
            for part, options in (("a", {}), ("b", write))
        )
        assert once.bytes == again.bytes


def test_users_not_told_apart_give_no_values_and_a_note(tmp_path):
    found = use_of(tmp_path / "a", random_chats(20, 5, users=0))
    assert {cell.value for cell in found.cells.values()} == {None}
    columns = ("users", "gini", "top-0.1", "top-1", "top-10", "top-50")
    assert set(found.claims) == {USE + column for column in columns}
    assert set(found.notes) == set(found.claims)
    assert "do not tell users apart" in found.notes[USE + "gini"]
    some = [Chat([Said("user")], user) for user in ("a", "b", None)]
    assert "2 of 3 conversations only" in use_of(tmp_path / "b", some).notes[USE + "gini"]
    silent = use_of(tmp_path / "c", [Chat([Said("assistant")])])
    assert silent.values["users", "gini"] is None
    assert "no turns" in silent.notes[USE + "top-1"]


# ------------------------------------------------------------------ months


def monthly(folder, chats, **options) -> Measured:
    return measure_chats(measure_conversations_by_month, folder, chats, **options)


def family(model: str | None) -> str:
    return next((f for f in FAMILIES[:2] if model is not None and model.startswith(f)), "other")


@pytest.mark.parametrize("seed", [1, 2])
def test_each_month_from_first_to_last_is_counted(tmp_path, seed):
    chats = random_chats(150, seed)
    claims = monthly(tmp_path, chats).claims
    counted = Counter((f"{c.timestamp:%Y-%m}", family(c.model)) for c in chats)
    months = [f"2023-{m:02d}" for m in range(4, 11)]
    assert {month for month, _ in counted} < set(months)
    assert {claim: cell.value for claim, cell in claims.items()} == {
        f"{MONTHLY}{month}.{name}": counted[month, name] for month in months for name in FAMILIES
    }
    assert 0 in [cell.value for cell in claims.values()]
    for claim, cell in claims.items():
        month = claim.removeprefix(MONTHLY)[:7]
        assert cell.n == sum(counted[month, name] for name in FAMILIES)


def test_versions_add_up_to_their_families(tmp_path):
    chats = random_chats(150, 3)
    values = monthly(tmp_path, chats).values
    counted = Counter((f"{c.timestamp:%Y-%m}", c.model or "unknown") for c in chats)
    found = {(row, column.removeprefix(VERSION)): n for (row, column), n in values.items()
             if column.startswith(VERSION)}  # fmt: skip
    assert found == counted


def dated(*listed: tuple[str, str | None]) -> list[Chat]:
    noon = [datetime.fromisoformat(f"{day}T12:00+00:00") for day, _ in listed]
    return [
        Chat([Said("user")], model=model, timestamp=when)
        for (_, model), when in zip(listed, noon, strict=True)
    ]


def test_no_other_model_gives_no_other_column(tmp_path):
    chats = dated(("2023-12-31", "gpt-4-0314"), ("2024-02-01", "gpt-3.5-turbo-0613"))
    values = {claim: cell.value for claim, cell in monthly(tmp_path, chats).claims.items()}
    assert values == {
        f"{MONTHLY}{month}.{name}": n
        for month, counts in (("2023-12", (1, 0)), ("2024-01", (0, 0)), ("2024-02", (0, 1)))
        for name, n in zip(FAMILIES[:2], counts, strict=True)
    }


def test_months_are_those_of_utc(tmp_path):
    local = timezone(timedelta(hours=-8))
    chats = dated(("2023-05-01", "gpt-4"))
    chats[0].timestamp = datetime(2023, 4, 30, 20, tzinfo=local).astimezone(UTC)
    assert monthly(tmp_path, chats).values[("2023-05", "gpt-4")] == 1


@pytest.mark.parametrize(
    ("months", "gap"),
    [
        ({"2023-04": "4", "2023-06": "3", "2023-09": "4"}, "2023-05 to 2023-08"),
        ({"2023-04": "3", "2023-06": "4", "2023-09": "4"}, "2023-04 to 2023-05"),
        ({"2023-04": "4", "2023-05": "4"}, None),
        ({"2023-04": "3", "2023-05": "3"}, None),
    ],
)
def test_the_gap_is_the_longest_run_of_months_without_gpt4(tmp_path, months, gap):
    models = {"4": "gpt-4-0314", "3": "gpt-3.5-turbo-0301"}
    chats = dated(*((f"{month}-10", models[kind]) for month, kind in months.items()))
    found = monthly(tmp_path, chats)
    assert found.values.get((GAP, "gpt-4")) == gap
    assert not any(GAP in claim for claim in found.claims)


def test_what_is_not_recorded_has_a_note(tmp_path):
    chats = dated(("2023-05-01", None), ("2023-07-01", None))
    found = monthly(tmp_path / "a", chats)
    assert found.values[("2023-06", "other")] == 0
    assert found.values[("2023-05", "gpt-4")] is None
    assert "no model" in found.notes[MONTHLY + "2023-05.gpt-4"]
    chats = [*dated(("2023-05-01", "gpt-4")), Chat([Said("user")], timestamp=None)]
    found = monthly(tmp_path / "b", chats)
    assert "1 of 2 conversations have a time" in found.notes[MONTHLY + "2023-05.gpt-4"]
    assert found.values[("2023-05", "gpt-4")] == 1
    found = monthly(tmp_path / "c", [Chat([Said("user")], timestamp=None)])
    assert found.cells == {}
    assert "no time is recorded" in found.notes["conversations-by-month"]


def test_a_user_is_a_user_in_any_conversation(tmp_path):
    """The number of users is that of the data set's clusters where all are known."""
    draw = random.Random(1)
    chats = [
        Chat([Said("user")] * draw.randrange(1, 5), f"u{draw.randrange(9)}") for _ in range(60)
    ]
    paths = write_chats(tmp_path / "in", chats)
    with open_dataset(paths["report"], paths["conversations"]) as opened:
        n_clusters = opened.n_clusters
    assert use_of(tmp_path / "out", chats).values["users", "users"] == n_clusters == 9
