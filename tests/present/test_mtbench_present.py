"""Tables 9 and 10 and Figure 6 show the run's values as its own and the paper's as published."""

import re

import pytest

from wildpaper.long_table import Cell
from wildpaper.measure.mtbench.judged import GRADE, STAND_IN_GRADE
from wildpaper.present.figure_06_mtbench_categories import draw_categories
from wildpaper.present.judge_robustness import robustness_tabular
from wildpaper.present.mtbench_pairs import pairs_tabular
from wildpaper.present.mtbench_scores import scores_tabular
from wildpaper.publish.published import load_published

TITLES = {"ours": "Ours & more", "other": "Other"}


@pytest.fixture(scope="module")
def printed(project):
    claims, _ = load_published(project / "data/published.yaml")
    return {claim.id: claim for claim in claims}


def cell(row, column, value, low=None, high=None, n=8, unit=GRADE, route="computed"):
    return Cell(row, column, value, low, high, n, unit, f"own.x.{row}.{column}", route)


def scores(unit=GRADE):
    found = [cell("ours", c, v, v - 1, v + 1, 40, unit) for c, v in
             (("first-turn", 6.125), ("second-turn", 5.0), ("average", 5.5))]  # fmt: skip
    return [*found, cell("ours", "unparsed", 3), cell("ours", "missing", 2)]


def test_published_models_stand_below_a_line_that_says_so(printed):
    absent = [Cell("gpt4", "average", None, None, None, None, GRADE, "table-09.gpt4.average", "")]
    tex = scores_tabular([*scores(), *absent], printed, TITLES)
    own, theirs = tex.split("Published, by GPT-4")
    assert r"Ours \& more & 6.12 & 5.00 & 5.50 & 40 & 5" in own
    assert "4.50--6.50" in own
    assert "GPT-4" not in own
    for name in ("wildllama_7b", "vicuna_7b", "llama2_chat_7b", "gpt35", "gpt4"):
        assert f"{printed[f'table-09.{name}.average'].value:.2f}" in theirs


def test_a_stand_in_is_named_in_the_table_and_the_figure(printed):
    assert "likelihood stand-in" in scores_tabular(scores(STAND_IN_GRADE), printed, TITLES)
    assert "likelihood stand-in" not in scores_tabular(scores(), printed, TITLES)
    for unit, words in ((STAND_IN_GRADE, "no measure of quality"), (GRADE, "mean grade")):
        figure = draw_categories([cell("ours", "math", 1.2, 1.1, 1.3, unit=unit)], TITLES)
        assert words in figure.axes[1].get_xlabel()


def test_pairs_show_both_units_and_leave_out_what_is_not_there(printed):
    row = "ours-vs-other"
    cells = [cell(row, c, v, v - 5, v + 5, 320) for c, v in
             (("win", 31.25), ("tie", 40.0), ("loss", 28.75), ("games-win", 20.0),
              ("games-tie", 60.0), ("games-loss", 20.0), ("win-rate", 50.0),
              ("position-bias", 12.5))]  # fmt: skip
    tex = pairs_tabular(cells, printed, TITLES)
    assert r"Ours \& more against Other" in tex
    assert re.search(r"comparisons & 31.25 & 40.00 & 28.75 & *& 12.50", tex)
    assert re.search(r"games, both orders & 20.00 & 60.00 & 20.00 & 50.00", tex)
    assert "WildLLaMA 7B against Vicuna 7B" in tex


def test_the_dots_stand_at_the_means_and_their_intervals_around_them():
    cells = [cell(m, c, v, v - 0.5, v + 0.5) for m, v in (("ours", 7.0), ("other", 4.0))
             for c in ("writing", "math")]  # fmt: skip
    dots = draw_categories(cells, TITLES).axes[1]
    assert [tick.get_text() for tick in dots.get_yticklabels()] == ["writing", "math"]
    points = [line.get_xdata()[0] for line in dots.lines if line.get_marker() != "None"]
    assert sorted(points) == [4.0, 4.0, 7.0, 7.0]
    bars = [tuple(line.get_xdata()) for line in dots.lines if line.get_marker() == "None"]
    assert sorted(bars) == [(3.5, 4.5)] * 2 + [(6.5, 7.5)] * 2


def test_simulated_answers_are_marked_and_no_answers_are_a_blank():
    simulated = draw_categories([cell("ours", "math", 5.0, route="simulated")], TITLES)
    assert "simulated" in simulated.get_suptitle()
    blank = draw_categories([], TITLES)
    assert len(blank.axes) == 1


def test_what_the_judgments_do_not_tell_is_said():
    tex = robustness_tabular([cell("length", "correlation", 0.25, 0.1, 0.4)])
    assert "0.25 & 0.10 to 0.40 & 8" in tex
    assert tex.count("not judged") == 5
