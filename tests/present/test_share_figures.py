"""Figures 2a, 2b and 5 show what was measured, mark what is missing, and overlap nowhere."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from wildpaper.long_table import Cell, write_long_table
from wildpaper.present.figure_02a_turns import draw_turns, render_turns
from wildpaper.present.figure_02b_languages import (
    N_SHOWN,
    draw_language_tail,
    render_language_tail,
)
from wildpaper.present.figure_05_toxicity_by_month import (
    draw_toxicity_by_month,
    render_toxicity_by_month,
)

MARK = "simulated data, not findings"
PUBLISHED = {
    "turns.more-than-10-share": 3.7,
    "turns.multi-turn-share": 41,
    "turns.mean-text": 2.52,
    "toxicity.june-update": "2023-06-27",
}
BARS = [58.5, 15.8, 8.1, 4.9, 2.9, 1.9, 1.6, 1.3, 1.1, 0.8, 3.1]


def cell(row, column, value, low=None, high=None, claim="", route="computed"):
    return Cell(row, column, value, low, high, 100, "u", claim, route)


def turns(route="computed"):
    names = [*map(str, range(1, 11)), "more-than-10"]
    cells = [cell("turns", "mean", 2.6, 2.5, 2.7), cell("turns", "multi-turn-share", 41.5)]
    cells += [cell(n, "percent", v, v - 0.3, v + 0.4) for n, v in zip(names, BARS, strict=True)]
    cells += [cell("turns", f"quantile-{q}", v) for q, v in ((50, 1), (99, 20), (100, 60))]
    return [replace(c, route=route) for c in cells]


def languages(counts, minimum=100, route="computed"):
    total = max(sum(counts.values()), 1)
    cells = [cell("minimum", "setting", minimum, claim="languages.minimum-prompts")]
    for name, n in counts.items():
        cells += [cell(name, "messages", n), cell(name, "percent", 100 * n / total)]
    return [replace(c, route=route) for c in cells]


def months(listed, gpt4=5, route="computed"):
    """Return cells of months; a value of None has no interval either."""
    cells = []
    for i, month in enumerate(listed):
        for role, value in (("user", 10 + i), ("chatbot", 20 - i)):
            cells.append(cell(month, role, value, value - 2, value + 3))
        cells.append(cell(month, "conversations", 50))
        cells.append(
            cell(month, "gpt-4-conversations", gpt4[i] if isinstance(gpt4, list) else gpt4)
        )
    return [replace(c, route=route) for c in cells]


SPRING = ["2023-04", "2023-05", "2023-06", "2023-07"]
DRAWN = {
    "turns": lambda route: draw_turns(turns(route), PUBLISHED),
    "languages": lambda route: draw_language_tail(
        languages({"English": 500, "German": 7}, 100, route)
    ),
    "months": lambda route: draw_toxicity_by_month(months(SPRING, 5, route), PUBLISHED),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def words(figure):
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


def overlaps(figure):
    """Return pairs of texts whose boxes on paper meet, ticks of other axes aside."""
    figure.canvas.draw()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(plt.Text)
        if text.get_text() and text.get_visible()
    ]
    return [
        (a, b)
        for i, (a, left) in enumerate(boxes)
        for b, right in boxes[i + 1 :]
        if left.overlaps(right) and not _beside(left, right)
    ]


def _beside(left, right):
    """Say whether two boxes only touch, by less than a pixel."""
    width = min(left.x1, right.x1) - max(left.x0, right.x0)
    height = min(left.y1, right.y1) - max(left.y0, right.y0)
    return width < 1 or height < 1


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("route", "marked"), [("simulated", True), ("recorded", False)])
def test_simulated_data_are_marked_and_others_are_not(name, route, marked):
    figure = DRAWN[name](route)
    assert (MARK in words(figure)) == marked
    assert overlaps(figure) == []


def test_texts_that_overlap_are_found():
    figure = DRAWN["turns"]("computed")
    texts = figure.axes[0].texts
    texts[3].xy = texts[2].xy
    assert len(overlaps(figure)) == 1


# ------------------------------------------------------------------ Figure 2a


def test_bars_intervals_and_labels_are_those_measured():
    axes = draw_turns(turns(), PUBLISHED).axes[0]
    assert [bar.get_height() for bar in axes.patches] == BARS
    intervals = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 2]
    assert np.allclose(intervals, [(v - 0.3, v + 0.4) for v in BARS])
    labels = [text.get_text() for text in axes.texts]
    assert labels == [f"{value:.1f}" for value in BARS]
    ticks = [text.get_text() for text in axes.get_xticklabels()]
    assert ticks == [*map(str, range(1, 11)), ">10"]
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (10, 3.7)
    title = axes.get_title(loc="left")
    for shown in ("41.5 % (published 41)", "2.60 turns (published 2.52)", "median 1", "longest 60"):
        assert shown in title


def test_conversations_without_a_turn_get_a_bar_of_their_own():
    cells = turns()
    cells.insert(2, cell("0", "percent", 0.5))
    axes = draw_turns(cells, {}).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.5, *BARS]
    assert axes.get_xticklabels()[0].get_text() == "0"
    assert "published" not in axes.get_title(loc="left")


def test_no_conversation_gives_a_blank():
    cells = [replace(c, value=None, ci_low=None, ci_high=None) for c in turns()]
    assert any("no conversation" in text for text in words(draw_turns(cells, PUBLISHED)))


# ------------------------------------------------------------------ Figure 2b


def test_bars_reach_the_counts_on_a_logarithmic_scale():
    counts = {"English": 5000, "Nolang": 700, "Chinese": 120, "German": 99, "Latin": 1}
    axes = draw_language_tail(languages(counts)).axes[0]
    assert axes.get_xscale() == "log"
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends == [5000, 120, 99, 1]
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "English",
        "Chinese",
        "German",
        "Latin",
    ]
    labels = [text.get_text() for text in axes.texts]
    assert labels[0] == "5,000 (84.5 %)"
    assert labels[3] == "1 (0.017 %)"
    assert [line.get_xdata()[0] for line in axes.lines] == [100]
    title = axes.get_title(loc="left")
    assert "2 of 4 languages have 100 or more" in title
    assert "700 messages" in title


def test_only_the_most_frequent_are_shown_and_the_rest_is_told():
    counts = {f"Language {i}": 3_000_000 // (i + 1) for i in range(70)}
    figure = draw_language_tail(languages(counts))
    axes = figure.axes[0]
    assert len(axes.patches) == N_SHOWN
    assert f"the rarest {70 - N_SHOWN} are not shown" in axes.get_title(loc="left")
    assert overlaps(figure) == []
    figure.canvas.draw()
    right = axes.get_window_extent().x1
    assert all(text.get_window_extent().x1 < right + 5 for text in axes.texts)


@pytest.mark.parametrize("counts", [{}, {"Nolang": 5}])
def test_no_language_gives_a_blank(counts):
    assert any("has a language" in t for t in words(draw_language_tail(languages(counts))))


# ------------------------------------------------------------------ Figure 5


def lines_of(figure):
    return {line.get_label(): line for line in figure.axes[0].lines if line.get_label() in
            ("user", "chatbot")}  # fmt: skip


def test_each_role_has_its_line_and_its_intervals():
    figure = draw_toxicity_by_month(months(SPRING), PUBLISHED)
    lines = lines_of(figure)
    assert list(lines["user"].get_ydata()) == [10, 11, 12, 13]
    assert list(lines["chatbot"].get_ydata()) == [20, 19, 18, 17]
    bars = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    ends = [[tuple(s[:, 1]) for s in bar.get_segments()] for bar in bars]
    assert ends[0] == [(v - 2, v + 3) for v in (10, 11, 12, 13)]
    assert ends[1] == [(v - 2, v + 3) for v in (20, 19, 18, 17)]


def test_a_month_without_data_leaves_the_line_open():
    figure = draw_toxicity_by_month(months(["2023-04", "2023-05", "2023-08"]), PUBLISHED)
    for line in lines_of(figure).values():
        values = np.asarray(line.get_ydata(), float)
        assert len(values) == 5
        assert list(np.isnan(values)) == [False, False, True, True, False]
        assert np.floor(line.get_xdata()).tolist() == [0, 1, 2, 3, 4]
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["Apr\n2023", "May", "Jun", "Jul", "Aug"]


def test_the_update_stands_at_its_day():
    figure = draw_toxicity_by_month(months(SPRING), PUBLISHED)
    (line,) = [line for line in figure.axes[0].lines if len(set(line.get_xdata())) == 1]
    assert line.get_xdata()[0] == pytest.approx(2 + 26.5 / 30)
    assert "model update,\n27 June 2023" in words(figure)
    for listed in (["2023-08", "2023-09"], ["2022-01", "2022-03"]):
        figure = draw_toxicity_by_month(months(listed), PUBLISHED)
        assert not any("update" in text for text in words(figure))


def test_months_without_gpt4_are_shaded_where_models_are_known():
    figure = draw_toxicity_by_month(months(SPRING, [3, 0, 0, 9]), PUBLISHED)
    spans = sorted(patch.get_x() for patch in figure.axes[0].patches)
    assert spans == [1, 2]
    assert "no GPT-4 conversation" in words(figure)
    figure = draw_toxicity_by_month(months(["2023-04", "2023-07"], [3, 4]), PUBLISHED)
    assert not figure.axes[0].patches, "of a month without data nothing is known"
    for gpt4 in (None, 0, 7):
        figure = draw_toxicity_by_month(months(SPRING, gpt4), PUBLISHED)
        assert not figure.axes[0].patches
        assert "no GPT-4 conversation" not in words(figure)


@pytest.mark.parametrize("n_months", [1, 2, 13, 33, 60])
def test_labels_do_not_overlap_however_many_months(n_months):
    listed = [f"{2023 + (3 + i) // 12}-{(3 + i) % 12 + 1:02d}" for i in range(n_months)]
    figure = draw_toxicity_by_month(months(listed, route="simulated"), PUBLISHED)
    assert overlaps(figure) == []


def test_no_labels_give_a_blank():
    cells = [
        replace(c, value=None) if c.column in ("user", "chatbot") else c for c in months(SPRING)
    ]
    assert any("both labels" in text for text in words(draw_toxicity_by_month(cells, PUBLISHED)))
    assert draw_toxicity_by_month([], PUBLISHED).axes


# ------------------------------------------------------------------ files


def test_the_same_bytes_on_a_second_save(tmp_path, project):
    published = project / "data/published.yaml"
    inputs = {
        render_turns: (turns("simulated"), [published]),
        render_language_tail: (languages({"English": 500, "German": 7}), []),
        render_toxicity_by_month: (months(SPRING), [published]),
    }
    for render, (cells, more) in inputs.items():
        write_long_table(tmp_path / "in.csv", cells)
        saved = []
        for name in ("first", "second"):
            pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
            render(tmp_path / "in.csv", *more, pdf, png)
            saved.append((pdf.read_bytes(), png.read_bytes()))
        assert saved[0] == saved[1]
        assert b"CreationDate" not in saved[0][0]
    assert plt.get_fignums() == []
