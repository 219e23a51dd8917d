"""The figure shows the losses measured, at the tokens of their subsets, with their intervals."""

import matplotlib.pyplot as plt
import pytest

from wildpaper.long_table import Cell, write_long_table
from wildpaper.present.data_size import draw_data_size, render_data_size

MARK = "simulated data, not findings"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def cell(row, column, value, ends=(None, None), route="computed"):
    return Cell(row, column, value, *ends, 9, "", f"own.data-size.{row}.{column}", route)


def subset(row, n_tokens, loss, half=0.5, route="computed"):
    ends = (None, None) if half is None else (loss - half, loss + half)
    return [cell(row, "held-out-nll", loss, ends, route), cell(row, "n-tokens", n_tokens)]


RANDOM = [*subset("random-25", 1_000, 6.0), *subset("random-50", 2_000, 5.0),
          *subset("random-100", 4_000, 4.5)]  # fmt: skip
RULE = [*subset("rule-25", 1_010, 5.5), *subset("rule-all", 1_900, 4.75),
        cell("rule-minus-random-25", "held-out-nll", -0.5, (-0.75, -0.25))]  # fmt: skip


def labelled(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def shown(figure):
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


def test_points_stand_at_their_tokens_and_losses():
    axes = draw_data_size(RANDOM + RULE).axes[0]
    lines = labelled(axes)
    assert list(lines["random"].get_xdata()) == pytest.approx([1_000, 2_000, 4_000], rel=0.04)
    assert list(lines["random"].get_ydata()) == [6.0, 5.0, 4.5]
    assert list(lines["by rule"].get_xdata()) == pytest.approx([1_010, 1_900], rel=0.04)
    assert list(lines["by rule"].get_ydata()) == [5.5, 4.75]
    assert list(lines["all that the rule keeps"].get_ydata()) == [4.75]
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1k", "2k", "4k"]


def test_each_loss_has_its_interval_at_its_own_place():
    axes = draw_data_size(RANDOM + RULE).axes[0]
    points = [(x, y) for name in ("random", "by rule")
              for x, y in labelled(axes)[name].get_xydata()]  # fmt: skip
    bars = {tuple(line.get_xdata()): list(line.get_ydata()) for line in axes.lines
            if line.get_label().startswith("_")}  # fmt: skip
    assert bars == {(x, x): [y - 0.5, y + 0.5] for x, y in points}


def test_selections_differ_in_colour_and_marker():
    lines = labelled(draw_data_size(RANDOM + RULE).axes[0])
    random, rule = lines["random"], lines["by rule"]
    assert random.get_color() != rule.get_color()
    assert random.get_marker() != rule.get_marker()
    assert lines["all that the rule keeps"].get_color() == rule.get_color()


def test_the_second_panel_shows_the_difference_at_equal_sizes_and_zero():
    axes = draw_data_size(RANDOM + RULE).axes[1]
    data = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert ([1_000], [-0.5]) in data
    assert ([1_000, 1_000], [-0.75, -0.25]) in data
    assert any(y == [0, 0] for _, y in data)


def test_without_rule_there_is_one_panel():
    figure = draw_data_size(RANDOM)
    assert len(figure.axes) == 1
    assert list(labelled(figure.axes[0])) == ["random"]


def test_losses_without_intervals_are_drawn():
    cells = [*subset("random-50", 2_000, 5.0, None), *subset("random-100", 4_000, 4.5, None)]
    (line,) = draw_data_size(cells).axes[0].lines
    assert list(line.get_ydata()) == [5.0, 4.5]


@pytest.mark.parametrize(("route", "marked"), [("simulated", True), ("computed", False)])
def test_simulated_losses_are_marked(route, marked):
    cells = [*RANDOM, *subset("rule-25", 1_010, 5.5, route=route)]
    assert (MARK in shown(draw_data_size(cells))) == marked


def test_nothing_measured_gives_a_blank():
    assert any("no sizes of training data" in text for text in shown(draw_data_size([])))


def test_the_figure_has_the_same_bytes_on_a_second_save(tmp_path):
    write_long_table(tmp_path / "table.csv", RANDOM + RULE)
    saved = []
    for name in ("first", "second"):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_data_size(tmp_path / "table.csv", pdf, png)
        saved.append((pdf.read_bytes(), png.read_bytes()))
    assert saved[0] == saved[1]
    assert plt.get_fignums() == []
