"""Figures show what was measured, and are the same bytes each time."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch

from wildpaper.files import write_text
from wildpaper.long_table import read_long_table
from wildpaper.measure.token_lengths import COLUMNS
from wildpaper.present.blanks import draw_blank, leave_figures_blank, leave_tables_blank
from wildpaper.present.intervals import draw_intervals
from wildpaper.present.token_lengths import draw_token_lengths, render_token_lengths

MARK = "simulated data, not findings"
# (data set, role, low, n): the shares of alpaca's user are 1/10, 3/10, 6/10 ...
BINS = [
    ("alpaca", "user", 0, 1), ("alpaca", "user", 1, 3), ("alpaca", "user", 64, 6),
    ("alpaca", "chatbot", 2, 5), ("wildchat", "user", 1024, 2), ("wildchat", "chatbot", 0, 1),
    ("wildchat", "chatbot", 4, 3),
]  # fmt: skip


def lengths(route="computed"):
    frame = pd.DataFrame(BINS, columns=["dataset", "role", "low_tokens", "n_messages"])
    totals = frame.groupby(["dataset", "role"])["n_messages"].transform("sum")
    frame["share"] = frame["n_messages"] / totals
    frame["high_tokens"] = np.where(frame["low_tokens"] == 0, 1, 2 * frame["low_tokens"])
    return frame.assign(route=route)[list(COLUMNS)]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def words(figure):
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


def test_bars_equal_the_shares_measured():
    figure = draw_token_lengths(lengths(), {"alpaca": "Alpaca"})
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == ["Alpaca", "wildchat"]
    wanted = {
        ("Alpaca", "user"): {0: 10.0, 1: 30.0, 7: 60.0},
        ("Alpaca", "chatbot"): {2: 100.0},
        ("wildchat", "user"): {11: 100.0},
        ("wildchat", "chatbot"): {0: 25.0, 3: 75.0},
    }
    for (title, role), heights in wanted.items():
        (patch,) = [p for p in panels[title].patches if p.get_label() == role]
        assert isinstance(patch, StepPatch)
        values, edges, _ = patch.get_data()
        assert len(values) == 12
        assert {i: v for i, v in enumerate(values) if v} == pytest.approx(heights)
        assert list(edges) == list(range(13))


def test_ticks_name_the_length_at_which_their_bin_begins():
    figure = draw_token_lengths(lengths())
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    shown = dict(zip(map(int, axes.get_xticks()), labels, strict=True))
    assert shown == {0: "0", 1: "1", 4: "8", 7: "64", 10: "512"}


@pytest.mark.parametrize(("route", "marked"), [("simulated", True), ("computed", False)])
def test_simulated_data_are_marked_and_others_are_not(route, marked):
    assert (MARK in words(draw_token_lengths(lengths(route)))) == marked
    table = pd.DataFrame({"row": ["alpaca"] * 3, "route": route, "value": 2.0, "ci_low": 1.0,
                          "ci_high": 3.0, "claim": ["a", "b", "c"],
                          "column": ["turns-per-conversation", "user-tokens-mean",
                                     "chatbot-tokens-mean"]})  # fmt: skip
    assert (MARK in words(draw_intervals(table, {}))) == marked


def test_intervals_and_published_values_are_where_they_belong():
    columns = ["turns-per-conversation", "user-tokens-mean", "chatbot-tokens-mean"]
    table = pd.DataFrame({"row": ["alpaca"] * 3, "route": "computed", "value": [2.0, 5.0, None],
                          "ci_low": [1.0, None, None], "ci_high": [3.0, None, None],
                          "claim": ["a", "b", "c"], "column": columns})  # fmt: skip
    figure = draw_intervals(table, {"a": 2.5, "b": "a word"})
    drawn = [[list(line.get_xdata()) for line in axes.lines] for axes in figure.axes]
    assert drawn[0] == [[1.0, 3.0], [2.0], [2.5]]
    assert drawn[1] == [[5.0]]


def test_the_same_bytes_on_a_second_save(tmp_path):
    lengths().to_csv(tmp_path / "lengths.csv", index=False)
    saved = []
    for name in ("first", "second"):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_token_lengths(tmp_path / "lengths.csv", pdf, png, {})
        saved.append((pdf.read_bytes(), png.read_bytes()))
    assert saved[0] == saved[1]
    assert saved[0][0].startswith(b"%PDF")
    assert b"CreationDate" not in saved[0][0]
    assert plt.get_fignums() == []


def test_a_run_without_messages_gets_a_blank(tmp_path):
    write_text(tmp_path / "lengths.csv", ",".join(COLUMNS) + "\n")
    pdf, png = tmp_path / "a.pdf", tmp_path / "a.png"
    render_token_lengths(tmp_path / "lengths.csv", pdf, png, {})
    assert pdf.stat().st_size > 1000
    assert any("no message" in text for text in words(draw_token_lengths(lengths().head(0))))


def test_a_blank_figure_names_artifact_and_reason(tmp_path):
    shown = words(draw_blank("figure-09-x", "needs a GPU, " * 12))
    assert "figure-09-x" in shown
    assert any("needs a GPU" in text and "\n" in text for text in shown)
    pdf, png = tmp_path / "figure-09-x.pdf", tmp_path / "figure-09-x.png"
    leave_figures_blank([pdf], [png], {"figure-09-x": "needs a GPU"})
    assert png.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(KeyError):
        leave_figures_blank([pdf], [png], {})


def test_a_blank_table_is_empty_and_says_why(tmp_path):
    csv, tex = tmp_path / "table-09-x.csv", tmp_path / "table-09-x.tex"
    leave_tables_blank([csv], [tex], {"table-09-x": "100 % gated & closed"})
    assert read_long_table(csv) == []
    assert tex.read_text(encoding="utf-8") == (
        r"\wpblank{table-09-x}{100 \% gated \& closed}%" + "\n"
    )
