"""What a judge's text says: one verdict, or none for a reason."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildpaper.evaluate.judging.verdict import OUTCOMES, PARSED, parse_choice, parse_grade

PLAIN_TEXT = st.text(st.characters(exclude_characters="[]<", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("Rating: [[7]]", 7),
        ("[[7.5]]\n", 7.5),
        ("[[10]] and nothing more", 10),
        ("[[1]]", 1),
        ("[[08]]", 8),
        ("I say [[6]], that is [[6]]; [[6.0]]", 6),
        ("it scores 3 of [5] but [[4]]", 4),
        ("[[[9]]]", 9),
        ("<p>[[9]]</p>", 9),
        ("７ is no digit here, [[2]] is", 2),
    ],
)
def test_one_grade_is_the_grade(text, grade):
    assert parse_grade(text) == (grade, PARSED)
    assert parse_grade(text, "length", lenient=True) == (grade, PARSED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("A good answer.", "no-verdict"),
        ("Rating: [7]", "no-verdict"),
        ("[[rating]]", "no-verdict"),
        ("[[7/10]]", "no-verdict"),
        ("[[ 7 ]]", "no-verdict"),
        ("[[７]]", "no-verdict"),
        ("[[.5]]", "no-verdict"),
        ("[[A]]", "no-verdict"),
        ("It quotes [[10]]. Rating: [[3]]", "two-verdicts"),
        ("[[11]] [[3]]", "two-verdicts"),
        ("[[11]]", "out-of-range"),
        ("[[0]]", "out-of-range"),
        ("[[0.99]]", "out-of-range"),
        ("[[-1]]", "out-of-range"),
        ("[[10.5]]", "out-of-range"),
        ("[[" + "9" * 400 + "]]", "out-of-range"),
        ("<!DOCTYPE html><html>[[7]]</html>", "html"),
        ("\n <HTML lang='en'>", "html"),
        ("$ERROR$", "no-verdict"),
    ],
)
def test_anything_else_is_no_grade_for_a_reason(text, reason):
    assert parse_grade(text) == (None, reason)


def test_a_text_that_was_cut_off_before_its_verdict_says_so():
    assert parse_grade("It begins well, but", "length") == (None, "cut-off")
    assert parse_grade("", "length") == (None, "cut-off")
    assert parse_choice("It begins well, but", "length") == (None, "cut-off")
    assert parse_grade("[[3]] [[4]]", "length") == (None, "two-verdicts")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Rating: [7]", (7, PARSED)), ("[7.5] and [7.5]", (7.5, PARSED)),
     ("[1] says so. [7]", (None, "two-verdicts")), ("[1] says so. [[7]]", (7, PARSED)),
     ("[0]", (None, "out-of-range"))],
)  # fmt: skip
def test_single_brackets_count_only_where_that_is_asked_for(text, expected):
    assert parse_grade(text, lenient=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[A]]", ("A", PARSED)),
        ("B it is: [[B]]. [[B]]", ("B", PARSED)),
        ("[[C]]", ("C", PARSED)),
        ("[[A]] is quoted, but [[B]]", (None, "two-verdicts")),
        ("[[a]]", (None, "no-verdict")),
        ("[[D]]", (None, "no-verdict")),
        ("[[7]]", (None, "no-verdict")),
        ("", (None, "empty")),
        ("<html>[[A]]", (None, "html")),
    ],
)
def test_choices_are_read_as_strictly(text, expected):
    assert parse_choice(text) == expected


@given(PLAIN_TEXT, st.integers(100, 1000), PLAIN_TEXT)
def test_a_grade_is_found_wherever_it_stands(before, hundredths, after):
    text = f"{before}[[{hundredths / 100}]]{after}"
    assert parse_grade(text) == (hundredths / 100, PARSED)


@given(PLAIN_TEXT, st.lists(st.sampled_from("ABC"), min_size=1, max_size=4), PLAIN_TEXT)
def test_choices_agree_or_there_is_none(before, letters, after):
    found, outcome = parse_choice(before + after.join(f"[[{letter}]]" for letter in letters))
    assert (found, outcome) == (
        (letters[0], PARSED) if len(set(letters)) == 1 else (None, "two-verdicts")
    )


@given(st.text("[]0123456789.-ABC <html>\n"), st.sampled_from(["", "stop", "length"]))
def test_whatever_is_written_there_is_a_verdict_or_a_reason(text, finish):
    for lenient in (False, True):
        grade, outcome = parse_grade(text, finish, lenient=lenient)
        assert outcome in OUTCOMES
        assert (grade is None) == (outcome != PARSED)
        assert grade is None or (1 <= grade <= 10 and math.isfinite(grade))
    choice, outcome = parse_choice(text, finish)
    assert outcome in OUTCOMES
    assert (choice is None) == (outcome != PARSED)
