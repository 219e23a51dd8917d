"""Claims as macros: rounding like the paper, nothing where there is nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
from paper_inputs import make_claim, published_claims, write_claims

from wildpaper.errors import WildpaperError
from wildpaper.publish.numbers import (
    decimals_of,
    format_value,
    print_claim,
    read_printed,
    write_numbers,
)


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (None, 2, ""),
        (float("nan"), 2, ""),
        (1039785, 0, "1{,}039{,}785"),
        (48.125, 2, "48.13"),
        (0.5, 0, "1"),
        (-0.001, 2, "0.00"),
        (-12.5, 1, r"\wpminus{}12.5"),
        (2e-05, 5, r"\wpsci{2}{-5}"),
        (-2.5e-05, 6, r"\wpminus{}\wpsci{2.5}{-5}"),
        (float("inf"), 2, r"\ensuremath{\infty}"),
        (True, None, "yes"),
        ("50% of_all", None, r"50\% of\_all"),
        ("2023-04-09", None, r"\mbox{2023-04-09}"),
        (12, None, "12"),
        (12.0, None, "12"),
        (0.012345, None, "0.0123"),
        (1234.5678, None, "1{,}234.57"),
    ],
)
def test_a_value_is_printed_as_expected(value: Any, decimals: int | None, expected: str) -> None:
    assert format_value(value, decimals) == expected


@pytest.mark.parametrize(
    ("published", "tolerance", "expected"),
    [
        (19.67, 0.005, 2),
        (12.5, 0.005, 2),  # printed as 12.50: the tolerance knows
        (10.0, None, 1),
        (1039785, 0.5, 0),
        (52002, 500, 0),
        (19.67, 0.5, 2),  # a wider tolerance hides no digit
        (2e-05, 5e-06, 5),
        ("2023-04-09", None, None),
        (None, None, None),
    ],
)
def test_decimals_follow_the_printed_value(
    published: Any, tolerance: float | None, expected: int | None
) -> None:
    assert decimals_of(published, tolerance) == expected


def test_obtained_and_interval_are_rounded_like_the_published_value() -> None:
    claim = make_claim(
        published=19.67, tolerance=0.005, obtained=19.6698, ci_low=19.5391, ci_high=19.8003
    )
    printed = print_claim(claim)
    assert (printed.obtained, printed.interval) == ("19.67", "[19.54, 19.80]")


@pytest.mark.parametrize(
    ("obtained", "printed"), [(0.53, "0.530"), (0.2, "0.200"), (0.0, "0"), (7.4, "7"), (2.96, "3")]
)
def test_rounding_like_the_published_value_must_not_distort(obtained, printed) -> None:
    claim = make_claim(published=3, tolerance=0.5, obtained=obtained)
    assert print_claim(claim).obtained == printed


def test_a_narrow_interval_gets_one_digit_more() -> None:
    claim = make_claim(published=0.7, tolerance=0.05, obtained=0.71, ci_low=0.68, ci_high=0.74)
    assert print_claim(claim).interval == "[0.68, 0.74]"


def test_every_claim_becomes_one_macro_and_is_counted(tmp_path: Path) -> None:
    claims = [*published_claims(simulated=True), make_claim(id="own.a_b", unit="50% & more")]
    write_numbers(write_claims(tmp_path / "claims.json", claims), tmp_path / "numbers.tex")
    text = (tmp_path / "numbers.tex").read_text(encoding="utf-8")
    defined = re.findall(r"^\\wpdefclaim\{([^}]*)\}", text, re.MULTILINE)
    assert defined == [claim["id"] for claim in claims]
    assert r"\wpdefclaim{own.a_b}{}{}{}{}{computed}{50\% \& more}" in text
    counts = dict(re.findall(r"\\wpdefcount\{([^}]*)\}\{([^}]*)\}", text))
    parts = ("reproduced", "deviates", "not-comparable", "not-run")
    assert sum(int(counts[part]) for part in parts) == int(counts["published"])
    assert int(counts["all"]) == len(claims)


@pytest.mark.parametrize("bad", ["a b", "a%b", "a#b", "a{b", "a\\b", ""])
def test_an_id_that_is_no_macro_is_refused(tmp_path: Path, bad: str) -> None:
    path = write_claims(tmp_path / "claims.json", [make_claim(id=bad)])
    with pytest.raises(WildpaperError, match="cannot be a LaTeX macro"):
        write_numbers(path, tmp_path / "numbers.tex")
    assert not (tmp_path / "numbers.tex").exists()


def test_missing_fields_and_doubled_ids_are_named(tmp_path: Path) -> None:
    lacking = make_claim(id="a")
    del lacking["tolerance"]
    with pytest.raises(WildpaperError, match="tolerance"):
        read_printed(write_claims(tmp_path / "claims.json", [lacking]))
    with pytest.raises(WildpaperError, match="twice"):
        read_printed(write_claims(tmp_path / "claims.json", [make_claim(), make_claim()]))
