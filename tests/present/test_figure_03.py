"""The coverage matrix as drawn, and the table of its variants."""

import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.coverage.losses import VARIANTS
from wildpaper.present.coverage_variants import render_coverage_variants
from wildpaper.present.figure_03_coverage import brightness, draw_coverage, render_coverage

FILE = Path(__file__).resolve().parents[2] / "data/published.yaml"
PUBLISHED = ("alpaca", "dolly", "open_assistant", "sharegpt", "wildchat")
SIX = (*PUBLISHED, "lmsys_chat_1m")
TITLES = {name: name.replace("_", " ").title() for name in SIX}
MARK = "simulated data, not findings"
PRINTED = np.arange(25.0).reshape(5, 5) / 2


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def cells(sets, values=None, route="computed"):
    values = np.arange(len(sets) ** 2).reshape(len(sets), -1) + 0.25 if values is None else values
    return [
        Cell(a, b, None if math.isnan(values[i][j]) else values[i][j], None, None, 9, "", "", route)
        for i, a in enumerate(sets) for j, b in enumerate(sets)
    ]  # fmt: skip


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)


def printed(axes, n):
    """Return the matrix of texts of a panel."""
    found = [[""] * n for _ in range(n)]
    for text in axes.texts:
        j, i = text.get_position()
        found[i][j] = text.get_text()
    return found


def framed(axes):
    frames = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    centres = [(f.get_y() + f.get_height() / 2, f.get_x() + f.get_width() / 2) for f in frames]
    return sorted((round(i), round(j)) for i, j in centres)


def labels(axes):
    return [[tick.get_text() for tick in ticks] for ticks in (axes.get_yticklabels(),
                                                              axes.get_xticklabels())]  # fmt: skip


def test_each_value_is_printed_where_it_belongs_and_rows_are_what_was_trained_on():
    listed = cells(SIX)
    figure = draw_coverage(listed[::-1], PRINTED, TITLES)
    ours, paper = panel(figure, "this run"), panel(figure, "published")
    assert printed(ours, 6) == [[f"{6 * i + j + 0.25:.2f}" for j in range(6)] for i in range(6)]
    assert printed(paper, 5) == [[f"{value:.2f}" for value in row] for row in PRINTED]
    assert labels(ours) == [[TITLES[name] for name in SIX]] * 2
    assert labels(paper) == [[TITLES[name] for name in PUBLISHED]] * 2
    assert figure.axes[0].get_ylabel() == "trained on"
    assert ours.get_xlabel() == "evaluated on"


def test_the_lowest_of_each_column_is_framed():
    values = np.full((3, 3), 5.0)
    values[2, 0] = values[0, 1] = values[1, 2] = 1.0
    figure = draw_coverage(cells(SIX[:3], values), PRINTED, TITLES)
    assert framed(panel(figure, "this run")) == [(0, 1), (1, 2), (2, 0)]
    assert framed(panel(figure, "published")) == [(0, j) for j in range(5)]


def test_each_matrix_has_a_colour_scale_of_its_own():
    figure = draw_coverage(cells(SIX, np.linspace(100, 200, 36).reshape(6, 6)), PRINTED, TITLES)
    limits = {axes.get_title(): axes.images[0].get_clim() for axes in figure.axes}
    assert limits == {"this run": (100, 200), "published": (0, 12)}


def test_text_stands_out_from_its_cell_and_higher_losses_are_darker():
    figure = draw_coverage(cells(SIX), PRINTED, TITLES)
    image = panel(figure, "this run").images[0]
    grounds = [
        brightness(image.cmap(image.norm(value))) for value in sorted(image.get_array().flat)
    ]
    assert grounds == sorted(grounds, reverse=True)
    for axes in figure.axes:
        image = axes.images[0]
        for text in axes.texts:
            j, i = text.get_position()
            ground = brightness(image.cmap(image.norm(image.get_array()[i, j])))
            ink = {"black": 0.0, "white": 1.0}[text.get_color()]
            low, high = sorted((ground, ink))
            assert (high + 0.05) / (low + 0.05) >= 4.5  # the contrast that WCAG asks for


def test_a_missing_value_is_a_dash_and_never_framed():
    values = [[math.nan, 2.0], [3.0, math.nan]]
    ours = panel(draw_coverage(cells(SIX[:2], values), PRINTED, TITLES), "this run")
    assert printed(ours, 2) == [["--", "2.00"], ["3.00", "--"]]
    assert framed(ours) == [(0, 1), (1, 0)]
    nothing = panel(draw_coverage(cells(SIX[:1], [[math.nan]]), PRINTED, TITLES), "this run")
    assert framed(nothing) == []


def test_cells_of_both_panels_have_one_size_however_few_sets_there_are():
    for n in (1, 2, 6):
        figure = draw_coverage(cells(SIX[:n]), PRINTED, TITLES)
        figure.canvas.draw()
        sizes = []
        for axes in figure.axes:
            box = axes.get_window_extent()
            (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
            sizes += [box.width / (right - left), box.height / abs(top - bottom)]
        assert sizes == pytest.approx([sizes[0]] * 4, rel=0.02)


@pytest.mark.parametrize(("route", "marked"), [("simulated", True), ("computed", False)])
def test_simulated_losses_are_marked(route, marked):
    figure = draw_coverage(cells(SIX, route=route), PRINTED, TITLES)
    assert (MARK in [text.get_text() for text in figure.findobj(plt.Text)]) == marked
    # the mark stands at the right, where this run's matrix is
    assert figure.axes[1].get_title() == "this run"


def test_no_data_set_gives_a_blank():
    figure = draw_coverage([], PRINTED, TITLES)
    assert any("no data set" in text.get_text() for text in figure.findobj(plt.Text))


def test_the_figure_has_the_same_bytes_on_a_second_save(tmp_path):
    write_long_table(tmp_path / "m.csv", cells(SIX))
    saved = []
    for name in ("one", "two"):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_coverage(tmp_path / "m.csv", FILE, pdf, png, TITLES)
        saved.append((pdf.read_bytes(), png.read_bytes()))
    assert saved[0] == saved[1]


def variant_cells(ends=(0.5, 0.9)):
    found = [Cell("uniform-guess", "nats", 10.3735, None, None, 32000, "", "", "computed")]
    for variant in VARIANTS:
        counts = {"above-uniform": (2, 25), "diagonal-lowest": (5, 6)}
        for column, value in {"smallest": 2.24, "largest": 11.11, "spearman": 0.8,
                              "kendall": 0.75}.items():  # fmt: skip
            interval = ends if column in ("spearman", "kendall") else (None, None)
            found.append(Cell(variant, column, value, *interval, 25, "", "", "computed"))
        for column, (value, n) in counts.items():
            if (variant, column) != ("bits-per-character", "above-uniform"):
                found.append(Cell(variant, column, value, None, None, n, "", "", "computed"))
    return found


def table(folder, listed):
    write_long_table(folder / "v.csv", listed)
    render_coverage_variants(folder / "v.csv", folder / "t.csv", folder / "t.tex")
    assert read_long_table(folder / "t.csv") == listed
    return (folder / "t.tex").read_text(encoding="utf-8").splitlines()


def test_the_table_has_a_line_a_variant_with_its_interval(tmp_path):
    lines = table(tmp_path, variant_cells())
    first = next(line for line in lines if line.startswith("Per token, with the end"))
    assert first == r"Per token, with the end & 2.24 & 11.11 & 2 of 25 & 5 of 6 & 0.80 & 0.75 \\"
    bits = next(line for line in lines if line.startswith("Bits per character"))
    assert bits.split(" & ")[3] == "--"
    assert sum("0.50--0.90" in line for line in lines) == len(VARIANTS)
    assert any("10.37 nats" in line for line in lines)
    body = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    assert all(line.count(" & ") == 6 for line in body)


def test_without_intervals_and_values_the_table_still_stands(tmp_path):
    few = [cell for cell in variant_cells((None, None)) if cell.column != "spearman"]
    lines = table(tmp_path, few)
    assert not any("interval" in line for line in lines)
    assert lines[0].startswith(r"\begin{tabular}")
