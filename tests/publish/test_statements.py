"""Statements of the summary, judged by what was obtained."""

import pytest

from wildpaper.long_table import Cell
from wildpaper.publish.published import load_published
from wildpaper.publish.statements import BASES, judge_statement

OF_THE_PAPER = {  # what the paper's own values say of each, see `adjudication`
    "seed.size-rounded": True, "seed.conversations": False, "seed.users": False,
    "seed.jailmommy": False, "seed.apis": True, "seed.geography": True,
    "seed.categories": True, "seed.languages": True, "seed.longer": True, "seed.toxic": True,
    "seed.june": True, "seed.wildllama": False,
}  # fmt: skip
CHANGES = {"own.june-update.user.change": -1.5, "own.june-update.chatbot.change": -2.0}


@pytest.fixture(scope="module")
def published(project):
    claims, statements = load_published(project / "data/published.yaml")
    return {claim.id: claim.value for claim in claims}, {one.id: one for one in statements}


def judged(published, name, changed=None, verdict="reproduced", absent=""):
    """Judge a statement where the paper's own values, some of them changed, were obtained."""
    printed, statements = published
    values = printed | CHANGES | (changed or {})
    values.pop(absent, None)
    cells = {
        key: Cell("r", "c", value, None, None, None, "u", key, "computed")
        for key, value in values.items()
    }
    rows = [{"id": key, "verdict": verdict, "reason": "another release"} for key in printed]
    return judge_statement(statements[name], rows, cells)


@pytest.mark.parametrize("name", OF_THE_PAPER)
def test_the_papers_own_values_say_what_the_adjudication_says(published, name):
    found = judged(published, name)
    assert found["obtained"] == ("holds" if OF_THE_PAPER[name] else "does not hold")
    assert found["verdict"] == ("reproduced" if OF_THE_PAPER[name] else "deviates")
    assert found["route"] == "computed"
    assert set(BASES) == set(OF_THE_PAPER)


@pytest.mark.parametrize(
    ("name", "claim", "value"),
    [
        ("seed.toxic", "table-07.alpaca.user", 50.0),
        ("seed.longer", "table-01.dolly.chatbot-tokens-mean", 900.0),
        ("seed.apis", "table-02.4-0314", 9.0),
        ("seed.geography", "table-03.japan", 90.0),
        ("seed.june", "own.june-update.user.change", 0.3),
        ("seed.languages", "table-01.wildchat.languages", 67),
    ],
)
def test_it_does_not_hold_of_other_values(published, name, claim, value):
    found = judged(published, name, {claim: value})
    assert (found["obtained"], found["verdict"]) == ("does not hold", "deviates")


def test_a_garbled_number_holds_where_it_was_obtained(published):
    assert judged(published, "seed.users", {"collection.users": 20_473})["obtained"] == "holds"


def test_on_another_release_it_is_not_comparable_and_still_says_what_holds(published):
    found = judged(published, "seed.toxic", verdict="not-comparable")
    assert (found["verdict"], found["obtained"]) == ("not-comparable", "holds")
    assert found["reason"].endswith("another release")
    assert found["reason"].count("another release") == 1


def test_without_a_value_it_is_not_run_and_the_claim_is_named(published):
    found = judged(published, "seed.wildllama", {"table-09.gpt4.average": None})
    assert found["verdict"] == "not-run"
    assert "not obtained: table-09.gpt4.average" in found["reason"]
    assert "obtained" not in found


@pytest.mark.parametrize("absent", ["own.june-update.user.change", "toxicity.june-update"])
def test_a_number_that_no_table_has_is_missing_and_holds_nothing(published, absent):
    found = judged(published, "seed.june", absent=absent)
    assert found["verdict"] == "not-run"
    assert f"not obtained: {absent}" in found["reason"]


def test_a_statement_without_numbers_is_not_run(published):
    found = judged(published, "seed.anonymity")
    assert found["verdict"] == "not-run"
    assert "rests on no number" in found["reason"]
