"""What readers vary: each function says again what the tables say, for another value."""

import hashlib
from types import SimpleNamespace

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.long_table import Cell
from wildpaper.present.teaching.parameters import check_values, number, one_of, text, whole
from wildpaper.present.teaching.show import wide
from wildpaper.present.teaching.variations import (
    count_truths,
    count_verdicts,
    guess_address,
    intervals_of_turns,
    layout_of,
    losses_on,
    shares_above,
    win_rates,
)


def test_verdicts_add_up(small):
    n = sum(claim["kind"] == "published" for claim in small.claims)
    assert count_verdicts(small, "")["values"].sum() == n
    assert count_verdicts(small, "table-01.wildchat.")["values"].sum() == 8


def test_values_are_counted_by_planted_truth(small):
    n = sum(claim["obtained"] is not None for claim in small.claims)
    assert list(count_truths(small)["values"]) == [0, 0, n]
    claims = [{"obtained": 1, "truth_verdict": one} for one in ("recovered", "missed", "recovered")]
    made = SimpleNamespace(claims=[*claims, {"obtained": None, "truth_verdict": "missed"}])
    assert list(count_truths(made)["values"]) == [2, 1, 0]


def test_higher_levels_give_wider_intervals(small):
    table = intervals_of_turns(small, 0.9)
    assert table.index[0] == "measured, 0.95"
    widths = table["width"].iloc[1:]
    assert widths.is_monotonic_increasing
    assert len(widths) == 6
    assert len(intervals_of_turns(small, 0.7)) == 8
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_an_address_is_found_with_the_salt_only():
    row = guess_address("salt", "salt", 42).iloc[0]
    assert row["found"] == "203.0.113.42"
    digest = hashlib.sha256(b"salt203.0.113.42").hexdigest()
    assert row["hash in the release"] == digest[:16] + "…"
    assert guess_address("salt", "pepper", 42).iloc[0]["found"] == "nothing"


def test_shares_are_those_of_the_sweep(small):
    table = shares_above(small, 0.3)
    cell = small.found("threshold-sweep")["wildchat user", "0.3"]
    assert table.loc["WildChat", "user"].startswith(f"{cell.value:.2f} (")
    assert len(table) == 6


def test_two_data_sets_are_laid_out(small):
    assert set(layout_of(small, "dolly")["dataset"]) == {"wildchat", "dolly"}


def test_models_are_ranked_by_loss(small):
    table = losses_on(small, "dolly")
    assert table["loss"].is_monotonic_increasing
    assert len(table) == 6
    assert table["perplexity"].iloc[0] == pytest.approx(2.718281828 ** table["loss"].iloc[0])


def test_ties_move_the_win_rate(small):
    found = small.found("table-10-mtbench-pairs")
    pair = "planted_a-vs-planted_b"
    none, half, whole_ = (win_rates(small, worth).loc[pair, "games"] for worth in (0, 0.5, 1))
    assert none == found[pair, "games-win"].value
    assert half == pytest.approx(found[pair, "win-rate"].value)
    assert whole_ == pytest.approx(100 - found[pair, "games-loss"].value)


def test_values_are_checked_together_and_each_is_named():
    with pytest.raises(WildpaperError) as caught:
        check_values(a=(1, text()), b=("x", one_of("y", "z")), c=(True, number(0, 1)),
                     d=(3, number(0, 1)), e=(1.5, whole(1, 9)), f=(5, whole(1, 9)))  # fmt: skip
    for fault in (
        "a is 1 (int); it must be a text (str)",
        "b is 'x'; it must be 'y' or 'z'",
        "c is True (bool); it must be a number (float) from 0 to 1",
        "d is 3 (int); it must be a number (float) from 0 to 1",
        "e is 1.5 (float); it must be a whole number (int) from 1 to 9",
    ):
        assert fault in caught.value.what
    assert "f is" not in caught.value.what
    check_values(a=("x", text()), b=("y", one_of("y", "z")), c=(0.5, number(0, 1)))


def test_a_narrow_interval_gets_the_decimals_that_show_it():
    cells = [
        Cell("a", "x", 1.00047, 1.00038, 1.00051, 3, "", "", "computed"),
        Cell("a", "y", 5.25, 4.0, 6.0, 3, "", "", "computed"),
        Cell("b", "x", 2.0, None, None, 3, "", "", "computed"),
        Cell("b", "z", 7, None, None, 3, "", "", "computed"),
    ]
    table = wide(cells, None, {"x": "X", "y": "Y", "z": "Z"}, 1)
    assert table.loc["a", "X"] == "1.00047 (1.00038 to 1.00051)"
    assert table.loc["a", "Y"] == "5.2 (4.0 to 6.0)"
    assert list(table.loc["b"]) == ["2.00000", "", "7"]
