"""The curve shows what was measured, the table of the stand-in judge what it judged."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.loss_curve import COLUMNS
from wildpaper.present.likelihood_judge import render_likelihood_judge
from wildpaper.present.loss_curve import draw_loss_curve, render_loss_curve

MARK = "simulated data, not findings"
TITLES = {"a": "Model A & co.", "b": "Model B"}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def losses(route="computed", scale=1):
    rows = [
        ("a", TITLES["a"], "training", 1, 1000 * scale, 9.0), ("a", TITLES["a"], "training", 2,
         2000 * scale, 7.0), ("a", TITLES["a"], "held-out", 0, 0, 10.0),
        ("b", TITLES["b"], "training", 1, 1500 * scale, 8.0),
    ]  # fmt: skip
    return pd.DataFrame([(*row, route) for row in rows], columns=list(COLUMNS))


def shown(figure):
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


def test_lines_and_dots_are_the_losses_measured():
    axes = draw_loss_curve(losses()).axes[0]
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
             for line in axes.lines}  # fmt: skip
    assert drawn == {
        "Model A & co.: training": ([1.0, 2.0], [9.0, 7.0]),
        "Model A & co.: held out": ([0.0], [10.0]),
        "Model B: training": ([1.5], [8.0]),
    }
    assert "thousand" in axes.get_xlabel()


def test_the_two_lines_of_a_model_share_a_colour_and_models_do_not():
    a, held_out, b = draw_loss_curve(losses()).axes[0].lines
    assert a.get_color() == held_out.get_color() != b.get_color()


def test_long_trainings_count_in_millions():
    axes = draw_loss_curve(losses(scale=10_000)).axes[0]
    assert "million" in axes.get_xlabel()
    assert max(axes.lines[0].get_xdata()) == 20


@pytest.mark.parametrize(("route", "marked"), [("simulated", True), ("computed", False)])
def test_simulated_losses_are_marked(route, marked):
    assert (MARK in shown(draw_loss_curve(losses(route)))) == marked


def test_no_model_gives_a_blank():
    assert any("trained no model" in text for text in shown(draw_loss_curve(losses().head(0))))


def test_the_curve_has_the_same_bytes_on_a_second_save(tmp_path):
    losses().to_csv(tmp_path / "losses.csv", index=False)
    saved = []
    for name in ("first", "second"):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_loss_curve(tmp_path / "losses.csv", pdf, png)
        saved.append((pdf.read_bytes(), png.read_bytes()))
    assert saved[0] == saved[1]
    assert plt.get_fignums() == []


def cell(row, column, value, interval=(None, None)):
    return Cell(row, column, value, *interval, 9, "", f"own.likelihood-judge.{row}.{column}",
                "computed")  # fmt: skip


def model_cells(name, value, interval=(None, None)):
    columns = ("nll", "nll-with-end", "bits-per-character")
    return [cell(name, column, value + i, interval) for i, column in enumerate(columns)]


def render(tmp_path, cells):
    measured, out, tex = (tmp_path / name for name in ("m.csv", "t.csv", "t.tex"))
    write_long_table(measured, cells)
    render_likelihood_judge(measured, out, tex, TITLES)
    assert read_long_table(out) == cells
    return tex.read_text(encoding="utf-8").splitlines()


def test_the_table_has_models_then_pairs_with_their_intervals(tmp_path):
    cells = [
        *model_cells("a", 4.125, (4.0, 4.25)),
        *model_cells("b", 5.0, (4.9, 5.1)),
        cell("a-vs-b", "win", 62.5, (50.0, 75.0)),
        cell("a-vs-b", "tie", 12.5, (0.0, 20.0)),
        cell("a-vs-b", "loss", 25.0, (10.0, 40.0)),
        cell("a-vs-b", "nll-difference", -0.9),
    ]
    lines = render(tmp_path, cells)
    assert r"Model A \& co. & 4.12 & 5.12 & 6.12 \\" in lines
    pair = lines.index(r"\multicolumn{4}{@{}l}{Model A \& co. against Model B} \\")
    assert lines[pair + 1] == r"\quad percent of conversations & 62.5 & 12.5 & 25.0 \\"
    assert sum("interval" in line for line in lines) == 3
    rows = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    assert all(line.count(" & ") == 3 for line in rows)
    assert any("50.0 to 75.0" in line for line in lines)


def test_without_pairs_and_intervals_the_table_is_short(tmp_path):
    lines = render(tmp_path, model_cells("a", 4.0))
    assert not any("interval" in line or "against" in line or "wins" in line for line in lines)
    assert lines[0].startswith(r"\begin{tabular}")
    assert lines[-1] == r"\end{tabular}"
