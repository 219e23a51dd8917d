"""The figure of the test of June shows what was measured; Figure 5 stays readable."""

from dataclasses import replace
from datetime import date, timedelta

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.dates import date2num

from wildpaper.long_table import Cell, write_long_table
from wildpaper.present.figure_05_toxicity_by_month import draw_toxicity_by_month
from wildpaper.present.june_update import draw_june_update, render_june_update

UPDATE = date(2023, 6, 27)
LEVELS = {"user": (11.0, 8.0), "chatbot": (13.0, 4.0)}


def cell(row, column, value, low=None, high=None, n=100, route="computed"):
    return Cell(row, column, value, low, high, n, "u", "", route)


def iso(shift):
    return (UPDATE + timedelta(days=shift)).isoformat()


def june(route="computed", weeks=10, few=False):
    cells = [
        cell("update", "tested-date", UPDATE.isoformat()),
        cell("difference", "change", -5.0, -8.1, -2.0),
        cell("difference", "p", 0.0012),
        cell("difference", "statistic", -3.2),
        cell("placebo", "p", 0.25, n=3),
        cell(iso(-40), "statistic-before", 1.5),
        *(cell(iso(shift), "statistic-after", -0.1 * shift) for shift in (30, 34)),
    ]
    for role, levels in LEVELS.items():
        for week in range(-weeks, weeks):
            level = levels[week >= 0]
            cells.append(cell(iso(7 * week), role, level + week % 3, n=10 if few else 100))
        for side, level, shifts in zip(
            ("before", "after"), levels, ((-70, 0), (0, 70)), strict=True
        ):
            cells += [cell(iso(shift), f"{role}-line-{side}", level, level - 2, level + 3)
                      for shift in shifts]  # fmt: skip
    return [replace(c, route=route) for c in cells]


def lines_of(axes, colour):
    return [line for line in axes.lines if line.get_color() == colour]


def test_rates_lines_and_statistics_stand_where_they_were_measured():
    figure = draw_june_update(june())
    rates, statistics = figure.axes
    legend = {line.get_label(): line for line in rates.lines}
    for role, (before, after) in LEVELS.items():
        own = lines_of(rates, legend[role].get_color())
        weeks = next(line for line in own if len(line.get_xdata()) == 20)
        assert weeks.get_xdata()[0] == date2num(UPDATE) - 70 + 3.5
        assert list(weeks.get_ydata()) == [
            (before if week < 0 else after) + week % 3 for week in range(-10, 10)
        ]
        fitted = [line for line in own if len(line.get_xdata()) == 2]
        assert [list(line.get_ydata()) for line in fitted] == [[before] * 2, [after] * 2]
    points = {line.get_label(): line for line in statistics.lines}
    assert list(points["other date"].get_ydata()) == pytest.approx([-3.0, -3.4])
    assert (points["update"].get_xdata()[0], points["update"].get_ydata()[0]) == (
        date2num(UPDATE), -3.2,
    )  # fmt: skip
    assert "\N{MINUS SIGN}5.0 points [\N{MINUS SIGN}8.1, \N{MINUS SIGN}2.0], p = 0.0012" in (
        rates.get_title(loc="left")
    )
    assert statistics.get_title(loc="left") == "3 placebo dates: p = 0.25"


def test_the_roles_can_be_told_apart_without_colour():
    rates = draw_june_update(june()).axes[0]
    looks = {line.get_label(): (line.get_linestyle(), line.get_marker()) for line in rates.lines}
    assert looks["user"][0] != looks["chatbot"][0]
    assert looks["user"][1] != looks["chatbot"][1]


def test_weeks_with_few_turns_are_hollow_and_do_not_set_the_scale():
    cells = june()
    wild = cell(iso(77), "user", 100.0, n=3)
    rates = draw_june_update([*cells, wild]).axes[0]
    assert rates.get_ylim()[1] < 25
    (hollow,) = [line for line in rates.lines if 100.0 in line.get_ydata()]
    assert hollow.get_markerfacecolor() == "none"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("route", ["computed", "simulated"])
def test_titles_and_legends_do_not_overlap(route):
    figure = draw_june_update(june(route))
    figure.canvas.draw()
    boxes = [axes._left_title.get_window_extent() for axes in figure.axes]
    boxes += [axes.get_legend().get_window_extent() for axes in figure.axes]
    if route == "simulated":
        boxes.append(figure._suptitle.get_window_extent())
        assert "not findings" in figure._suptitle.get_text()
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
    plt.close(figure)


def test_without_a_statistic_there_is_a_blank():
    assert "too few days" in " ".join(
        text.get_text() for text in draw_june_update([]).axes[0].texts
    )
    cells = [replace(c, value=None) if c.row == "difference" else c for c in june()]
    assert "too few days" in " ".join(
        text.get_text() for text in draw_june_update(cells).axes[0].texts
    )


def test_a_fit_without_placebos_is_drawn():
    cells = [
        replace(c, value=None, n=0) if c.row == "placebo" else c
        for c in june(few=True)
        if not c.column.startswith("statistic-")
    ]
    assert draw_june_update(cells).axes[1].get_title(loc="left") == "0 placebo dates"


def test_the_same_bytes_on_a_second_save(tmp_path):
    plt.close("all")
    write_long_table(tmp_path / "in.csv", june("simulated"))
    saved = []
    for name in ("first", "second"):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_june_update(tmp_path / "in.csv", pdf, png)
        saved.append((pdf.read_bytes(), png.read_bytes()))
    assert saved[0] == saved[1]
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("high", "cut"), [(90.0, True), (28.0, False)])
def test_an_interval_far_above_all_shares_is_cut_and_marked(high, cut):
    cells = [cell(f"2023-0{month}", role, 10.0, 8.0, 13.0)
             for month in range(4, 8) for role in ("user", "chatbot")]  # fmt: skip
    cells.append(cell("2023-08", "user", 10.0, 1.0, high))
    axes = draw_toxicity_by_month(cells, {}).axes[0]
    bars = [c for c in axes.collections if isinstance(c, LineCollection)]
    ends = np.array([segment[1, 1] for segment in bars[0].get_segments()])
    arrows = [line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata())]
    assert ends[-1] == min(high, 30.0)
    assert list(ends[:4]) == [13.0] * 4
    assert bool(arrows) == cut
    assert axes.get_ylim()[1] < 45
