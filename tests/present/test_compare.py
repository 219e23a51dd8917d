"""Claims and tails as a notebook shows them."""

import pandas as pd
import pytest

from wildpaper.measure.token_lengths import COLUMNS
from wildpaper.present.compare import compare_claims, list_reasons, tail_shares


def claim(name, **changed):
    base = {"id": name, "published": 1.5, "obtained": 1.46, "ci_low": 1.2, "ci_high": 1.7}
    base |= {"tolerance": 0.05, "unit": "tokens", "verdict": "reproduced", "reason": ""}
    return base | changed


def test_only_obtained_claims_of_the_prefix_are_compared():
    claims = [claim("t.a"), claim("t.b", obtained=None), claim("u.a")]
    (row,) = compare_claims(claims, "t.").reset_index().to_dict("records")
    assert row == {
        "claim": "a",
        "published": "1.5",
        "obtained": "1.460",
        "95 % interval": "1.200 to 1.700",
        "unit": "tokens",
        "verdict": "reproduced",
    }


def test_equal_reasons_are_listed_once():
    claims = [claim(f"t.{n}", verdict="deviates", reason="other data") for n in "ab"]
    assert list_reasons(claims, "t.") == "- **deviates**, `a`, `b`: other data"
    assert "No verdict" in list_reasons([claim("t.a")], "t.")


def test_tail_shares_fall_from_one_also_over_empty_bins():
    rows = [("x", "user", 0, 1, 1, 0.25), ("x", "user", 4, 8, 3, 0.75), ("y", "user", 2, 4, 5, 1.0)]
    lengths = pd.DataFrame([(*row, "computed") for row in rows], columns=list(COLUMNS))
    tail = tail_shares(lengths, "user")
    assert tail.index.tolist() == [0, 2, 4]
    assert tail["x"].tolist() == pytest.approx([1.0, 0.75, 0.75])
    assert tail["y"].tolist() == pytest.approx([1.0, 1.0, 0.0])


def test_tail_shares_of_nothing_are_empty():
    lengths = pd.DataFrame(columns=list(COLUMNS))
    assert tail_shares(lengths, "user").empty
    assert tail_shares(lengths, "user").style.format("{:.1%}").to_html()
