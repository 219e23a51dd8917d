"""What half a unit of the last printed digit is, for every way a value is printed."""

from decimal import Decimal

import pytest
from ledgering import PUBLISHED

from wildpaper.errors import WildpaperError
from wildpaper.publish.claims import agrees
from wildpaper.publish.published import load_published, tolerance_of

HEAD = "precision:\n- {ids: 'two.*', decimals: 2}\nsummary: []\nclaims:\n"
CLAIM = "- {{id: {0}, where: w, dataset: alpaca, value: {1}, unit: u, checked: true{2}}}\n"


def load(folder, *claims):
    path = folder / "published.yaml"
    lines = [CLAIM.format(name, value, more) for name, value, more in claims]
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
    return load_published(path)[0]


@pytest.mark.parametrize(
    ("name", "value", "tolerance"),
    [
        ("a", "19.67", 0.005),
        ("two.a", "1.0", 0.005),
        ("two.a", "21.6", 0.005),
        ("two.a", "7", 0.005),
        ("a", "1.0", 0.05),
        ("a", "52002", 0.5),
        ("a", "0", 0.5),
        ("a", "-3.5", 0.05),
        ("a", "2.0e-05", 5e-7),
        ("a", "2.0e+3", 50.0),
        ("a", "'2023-04-09'", None),
        ("a", "4x A100 80 GB", None),
    ],
)
def test_tolerance_is_half_the_last_printed_digit(tmp_path, name, value, tolerance):
    (claim,) = load(tmp_path, (name, value, ""))
    assert tolerance_of(claim) == tolerance


@pytest.mark.parametrize(
    ("obtained", "value", "tolerance", "same"),
    [
        (19.6749, 19.67, 0.005, True),
        (19.6751, 19.67, 0.005, False),
        (19.665, 19.67, 0.005, True),
        (52002, 52002, 0.5, True),
        (52003, 52002, 0.5, False),
        (2.04e-05, 2e-05, 5e-07, True),
        (2.06e-05, 2e-05, 5e-07, False),
        (float("nan"), 1.0, 0.05, False),
        (float("inf"), 1.0, 0.05, False),
        ("2023-04-09", "2023-04-09", None, True),
        ("2023-04-10", "2023-04-09", None, False),
        ("1.0", 1.0, 0.05, True),
        ("one", 1.0, 0.05, False),
    ],
)
def test_agreement(obtained, value, tolerance, same):
    assert agrees(obtained, value, tolerance) is same


def test_no_published_value_is_finer_than_its_precision():
    for claim in load_published(PUBLISHED)[0]:
        if claim.decimals is None:
            assert isinstance(claim.value, str), claim.id
            assert tolerance_of(claim) is None
        else:
            exponent = int(Decimal(repr(claim.value)).normalize().as_tuple().exponent)
            assert -exponent <= claim.decimals, claim.id
            assert agrees(claim.value, claim.value, tolerance_of(claim))
            beyond = claim.value + 1.01 * tolerance_of(claim)
            assert not agrees(beyond, claim.value, tolerance_of(claim)), claim.id


def test_dropped_zeros_of_the_real_file_are_known():
    claims = {claim.id: claim for claim in load_published(PUBLISHED)[0]}
    assert tolerance_of(claims["table-01.alpaca.turns-per-conversation"]) == 0.005
    assert tolerance_of(claims["training.learning-rate"]) == 5e-7
    assert tolerance_of(claims["collection.start"]) is None
    assert tolerance_of(claims["table-01.alpaca.conversations"]) == 0.5


def test_a_wider_tolerance_needs_a_reason(tmp_path):
    (claim,) = load(tmp_path, ("a", "1.5", ", tolerance: 0.2, note: approximately"))
    assert tolerance_of(claim) == 0.2
    with pytest.raises(WildpaperError, match="without a reason"):
        load(tmp_path, ("a", "1.5", ", tolerance: 0.2"))


@pytest.mark.parametrize(
    "claims",
    [
        [("a", "1", ""), ("a", "2", "")],
        [("a", "1", ", colour: red")],
        [("a", "[1]", "")],
    ],
)
def test_a_faulty_file_is_refused_by_name(tmp_path, claims):
    with pytest.raises(WildpaperError) as caught:
        load(tmp_path, *claims)
    assert caught.value.where == str(tmp_path / "published.yaml")
