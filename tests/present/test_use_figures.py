"""Near-duplicates, concentration of use and months: each value in its place, nothing overlaps."""

import re
import shutil
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.conversations_by_month import GAP, VERSION
from wildpaper.measure.months import months_between
from wildpaper.measure.near_duplicates import WITHOUT
from wildpaper.measure.use_concentration import LORENZ, n_top
from wildpaper.present.conversations_by_month import (
    N_VERSIONS,
    PUBLISHED_GAP,
    draw_conversations_by_month,
    render_conversations_by_month,
)
from wildpaper.present.near_duplicates import near_duplicates_tabular, render_near_duplicates
from wildpaper.present.use_concentration import draw_concentration, render_concentration
from wildpaper.publish.latex import compile_pdf

MARK = "simulated data, not findings"
PUBLISHED = {PUBLISHED_GAP: "2023-07 to 2023-10"}
TITLES = {name: f"T & {name}" for name in DATASETS}


def cell(row, column, value, low=None, high=None, n=100, route="computed"):
    return Cell(row, column, value, low, high, n, "u", f"own.{row}.{column}", route)


def use(turns, top=(0.1, 1.0, 10.0), route="computed"):
    """Return cells of users with so many turns, falling."""
    n, total = len(turns), sum(turns)

    def share(k):
        return 100 * sum(turns[:k]) / total

    cells = [cell("users", "users", n, n=n), cell("users", "gini", 0.4321, n=n)]
    cells += [cell("users", f"top-{p:g}", share(n_top(p, n)), n=n) for p in top]
    points = np.unique(np.rint(np.geomspace(1, n, 100)).astype(int)).tolist()
    cells += [cell(LORENZ, str(k), share(k), n=n) for k in points]
    return [replace(c, route=route) for c in cells]


def months(first, last, gap=None, families=("gpt-4", "gpt-3.5"), route="computed", versions=1):
    cells = []
    for i, month in enumerate(months_between(first, last)):
        for j, family in enumerate(families):
            n = 0 if gap and family == "gpt-4" and gap[:7] <= month <= gap[-7:] else 50 + 7 * i + j
            cells.append(cell(month, family, n))
            parts = np.diff(np.linspace(0, n, versions + 1).astype(int)).tolist()
            cells += [cell(month, f"{VERSION}{family}-v{v:02d}", p) for v, p in enumerate(parts)]
    if gap:
        cells.append(cell(GAP, "gpt-4", gap))
    return [replace(c, route=route) for c in cells]


FLAT, STEEP = [3] * 50, sorted((int(3e4 / i**1.2) + 1 for i in range(1, 3_001)), reverse=True)
DRAWN = {
    "use": lambda route: draw_concentration(use(STEEP, route=route)),
    "months": lambda route: draw_conversations_by_month(
        months("2023-04", "2024-04", "2023-07 to 2023-10", route=route), PUBLISHED
    ),
}


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def texts_of(figure):
    """Return the texts that are seen, drawn."""
    figure.canvas.draw()
    found = [*figure.texts]
    for axes in figure.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title]
        found += [t for axis in (axes.xaxis, axes.yaxis) for t in axis.get_ticklabels()
                  if axis.get_visible()]  # fmt: skip
        if legend := axes.get_legend():
            found += [legend.get_title(), *legend.get_texts()]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def seen(figure):
    return [text.get_text() for text in texts_of(figure)]


def overlaps(figure):
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts_of(figure)]
    return [(a, b) for i, (a, box) in enumerate(boxes) for b, other in boxes[i + 1 :]
            if box.shrunk(0.95, 0.9).overlaps(other)]  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_simulated_data_are_marked(name):
    assert MARK in seen(DRAWN[name]("simulated"))
    assert MARK not in seen(DRAWN[name]("computed"))


# ------------------------------------------------------------------ concentration


def test_the_curve_passes_through_the_shares():
    axes = draw_concentration(use(STEEP)).axes[0]
    curve, equal, *tops = axes.lines
    assert axes.get_xscale() == "log"
    n = len(STEEP)
    for x, y in zip(curve.get_xdata(), curve.get_ydata(), strict=True):
        assert y == pytest.approx(100 * sum(STEEP[: round(x * n / 100)]) / sum(STEEP))
    assert (min(curve.get_xdata()), max(curve.get_xdata())) == (100 / n, 100)
    assert list(equal.get_xdata()) == list(equal.get_ydata())
    found = {point.get_xdata()[0]: point.get_ydata()[0] for point in tops}
    assert found == {p: pytest.approx(100 * sum(STEEP[: n_top(p, n)]) / sum(STEEP))
                     for p in (0.1, 1.0, 10.0)}  # fmt: skip
    labels = [text.get_text() for text in axes.texts]
    assert labels == [f"top {p:g} %:\n{y:.1f} %" for p, y in found.items()]
    assert axes.get_title(loc="left") == "3,000 users; Gini coefficient of turns 0.432"


@pytest.mark.parametrize("turns", [[7], [5] * 9, STEEP, [1000] + [1] * 499])
def test_labels_of_the_top_users_stay_inside_and_apart(turns):
    figure = draw_concentration(use(turns, route="simulated"))
    axes = figure.axes[0]
    figure.canvas.draw()
    left = axes.get_window_extent().x0
    assert all(text.get_window_extent().x0 > left for text in axes.texts)
    assert overlaps(figure) == []


def test_percentages_that_are_the_same_users_share_a_label():
    axes = draw_concentration(use(FLAT)).axes[0]
    assert [text.get_text() for text in axes.texts] == ["top 0.1, 1 %:\n2.0 %", "top 10 %:\n10.0 %"]


def test_users_not_told_apart_give_a_blank():
    cells = [replace(c, value=None) for c in use(FLAT) if c.row != LORENZ]
    assert any("does not tell users apart" in text for text in seen(draw_concentration(cells)))


# ------------------------------------------------------------------ months


def bars(axes):
    return {(round(b.get_x() + b.get_width() / 2 - 0.5), b.get_y()): b for b in axes.patches
            if b.get_width() < 1}  # fmt: skip


def test_bars_stand_on_one_another_and_the_gap_is_shaded():
    cells = months("2023-04", "2024-04", "2023-07 to 2023-10")
    above, below = draw_conversations_by_month(cells, PUBLISHED).axes
    values = {(c.row, c.column): c.value for c in cells}
    drawn = {place: bar.get_height() for place, bar in bars(above).items()}
    expected = {}
    for i, month in enumerate(months_between("2023-04", "2024-04")):
        gpt4, gpt35 = values[month, "gpt-4"], values[month, "gpt-3.5"]
        expected |= {(i, 0): gpt4, (i, gpt4): gpt35} if gpt4 else {(i, 0): gpt35}
    assert drawn == expected
    for axes in (above, below):
        (span,) = [patch for patch in axes.patches if patch.get_width() > 1]
        assert (span.get_x(), span.get_width()) == (3, 4)
    title = above.get_legend().get_title().get_text()
    assert title == "shaded: no GPT-4, 2023-07 to 2023-10 (published: 2023-07 to 2023-10)"
    assert [t.get_text() for t in above.get_legend().get_texts()] == ["GPT-4", "GPT-3.5"]


def test_a_row_is_the_share_of_a_version_in_its_month():
    cells = months("2023-04", "2023-06", versions=2)
    _, below = draw_conversations_by_month(cells, {}).axes
    values = {(c.row, c.column): c.value for c in cells}
    names = [text.get_text() for text in below.get_yticklabels()]
    assert names == ["gpt-4-v00", "gpt-4-v01", "gpt-3.5-v00", "gpt-3.5-v01"]
    heights = bars(below)
    assert len(heights) == 12
    for (i, base), bar in heights.items():
        month = f"2023-{4 + i:02d}"
        total = values[month, "gpt-4"] + values[month, "gpt-3.5"]
        n = values[month, VERSION + names[3 - int(base)]]
        assert bar.get_height() / 0.86 == pytest.approx(n / total)


def test_without_a_gap_nothing_is_shaded_and_without_gpt4_nothing_said():
    figure = draw_conversations_by_month(months("2023-04", "2023-06"), PUBLISHED)
    assert not [p for p in figure.axes[0].patches if p.get_width() > 1]
    assert any("no month without GPT-4 (published: 2023-07" in text for text in seen(figure))
    cells = months("2023-04", "2023-06", families=("gpt-3.5", "other"))
    cells += [cell("2023-05", "gpt-4", None)]
    figure = draw_conversations_by_month(cells, PUBLISHED)
    assert not any("without GPT-4" in text or "shaded" in text for text in seen(figure))
    hatched = [bar for bar in bars(figure.axes[0]).values() if bar.get_hatch()]
    assert len(hatched) == 3


@pytest.mark.parametrize(("last", "versions"), [("2023-04", 1), ("2024-04", 3), ("2026-07", 8)])
def test_no_label_overlaps_another(last, versions):
    gap = "2023-12 to 2024-02" if last > "2024" else None
    families = ("gpt-4", "gpt-3.5", "other")
    cells = months("2023-04", last, gap, families, "simulated", versions)
    figure = draw_conversations_by_month(cells, PUBLISHED)
    assert overlaps(figure) == []
    names = [text.get_text() for text in figure.axes[1].get_yticklabels()]
    assert len(names) == min(3 * versions, N_VERSIONS + 1)
    assert ("all other versions" in names) == (3 * versions > N_VERSIONS)


def test_odd_names_of_models_are_cut_and_never_read_as_formulas():
    cells = [*months("2023-04", "2023-05"), cell("2023-04", f"{VERSION}$x_1$" + "y" * 90, 3)]
    figure = draw_conversations_by_month(cells, {})
    figure.canvas.draw()
    (name,) = [text for text in seen(figure) if "x_1" in text]
    assert name.startswith(r"\$x_1\$")
    assert len(name) <= 30


def test_no_times_give_a_blank():
    assert any("records no time" in text for text in seen(draw_conversations_by_month([], {})))


# ------------------------------------------------------------------ near-duplicates

STATISTICS = {"turns-per-conversation": 2.5, "user-tokens-mean": 200.0, "user-tokens-std": 1500.0,
              "chatbot-tokens-mean": 300.0, "chatbot-tokens-std": 400.0}  # fmt: skip


def repetition(name, interval=True):
    ends = (20.0, 30.0) if interval else (None, None)
    cells = [cell(name, "clusters", 1234), cell(name, "largest-cluster", 5678),
             cell(name, "messages-in-clusters", 25.125, *ends),
             cell(name, "conversations-repeated", 12.5)]  # fmt: skip
    return cells + [cell(name, key + WITHOUT, 1.5 * value) for key, value in STATISTICS.items()]


def table_01(name):
    return [cell(name, key, value) for key, value in STATISTICS.items()]


def lines_of(tex):
    bare = re.sub(r"\\color\{wpgrey\}\\footnotesize |\\addlinespace\n", "", tex)
    return [line.removesuffix(r" \\").split(" & ") for line in bare.split("\n") if " & " in line]


def test_each_data_set_stands_with_and_without_what_repeats():
    names = ("alpaca", "wildchat")
    cells = repetition("alpaca", interval=False) + repetition("wildchat")
    everything = [c for name in ("wildchat", "alpaca", "dolly") for c in table_01(name)]
    head, *lines = lines_of(near_duplicates_tabular(cells, everything, {n: n for n in names}))
    assert head[0] == "Data set"
    statistics = ["2.50", "200.00", r"$\pm$ 1{,}500.00", "300.00", r"$\pm$ 400.00"]
    without = ["3.75", "300.00", r"$\pm$ 2{,}250.00", "450.00", r"$\pm$ 600.00"]
    counts = ["1{,}234", "25.12", "12.50", "5{,}678"]
    remaining = [r"\quad without repeated", *[""] * 4, *without]
    assert lines == [
        ["wildchat", *counts, *statistics],
        [r"\quad 95\,\% interval", "", "20.00--30.00", *[""] * 7],
        remaining,
        ["alpaca", *counts, *statistics],
        remaining,
    ]


def test_what_has_no_value_is_a_dash_and_has_no_sign():
    cells = [replace(c, value=None, ci_low=None) for c in repetition("dolly")]
    _, line, _ = lines_of(near_duplicates_tabular(cells, [], {"dolly": "D"}))
    assert line == ["D", "--", "--", "--", "--", "--", "--", "", "--", ""]


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")
def test_the_table_compiles_and_fits_the_page(tmp_path):
    cells = [c for name in DATASETS for c in repetition(name)]
    everything = [c for name in DATASETS for c in table_01(name)]
    for name, listed in (("in", cells), ("table-01", everything)):
        write_long_table(tmp_path / f"{name}.csv", listed)
    folder = tmp_path / "tex"
    render_near_duplicates(tmp_path / "in.csv", tmp_path / "table-01.csv", [],
                           tmp_path / "out.csv", folder / "table.tex", TITLES)  # fmt: skip
    assert read_long_table(tmp_path / "out.csv") == cells
    text = (
        r"\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}"
        r"\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}"
        r"\newsavebox{\wpbox}\begin{document}\small\sbox{\wpbox}{\input{table.tex}}"
        r"\ifdim\wd\wpbox>1.2\linewidth\errmessage{\the\wd\wpbox\space wide}\fi\usebox{\wpbox}"
        r"\end{document}"
    )
    (folder / "main.tex").write_text(text, encoding="utf-8")
    compile_pdf(folder, tmp_path / "out.pdf")


# ------------------------------------------------------------------ files


def test_the_same_bytes_on_a_second_save(tmp_path, project):
    inputs = {
        render_concentration: (use(STEEP, route="simulated"), []),
        render_conversations_by_month: (
            months("2023-04", "2023-06", "2023-05 to 2023-05", ("gpt-4", "other")),
            [project / "data/published.yaml"],
        ),
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
