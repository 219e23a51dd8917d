"""The sweep, the agreement and the strata show what was measured, in its place."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.toxicity.classifier_agreement import (
    CONFUSION,
    EQUAL_KAPPA,
    EQUAL_THRESHOLD,
    KAPPA,
    NEGATIVE,
    POSITIVE,
)
from wildpaper.measure.toxicity.threshold_sweep import THRESHOLDS
from wildpaper.measure.toxicity.toxicity_strata import DUPLICATES, MOST_FREQUENT, TURNS
from wildpaper.present.classifier_agreement import render_classifier_agreement
from wildpaper.present.threshold_sweep import draw_threshold_sweep, render_threshold_sweep
from wildpaper.present.toxicity_strata import render_toxicity_strata
from wildpaper.publish.latex import compile_pdf

TITLES = {name: f"T & {name.replace('_', ' ')}" for name in DATASETS}
ROLES = ("user", "chatbot")
AGREEMENT = (*CONFUSION, POSITIVE, NEGATIVE, KAPPA, EQUAL_THRESHOLD, EQUAL_KAPPA)
TRAINED = ["English", "Spanish"]
MARK = "simulated data, not findings"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def cell(row, column, value, low=None, high=None, n=1234, route="computed"):
    return Cell(row, column, value, low, high, n, "u", "", route)


def sweep(names=DATASETS, route="computed"):
    """Return shares that fall to 0, at another threshold and pace for each line."""
    cells = []
    for i, name in enumerate(names):
        for j, role in enumerate(ROLES):
            for k, threshold in enumerate(THRESHOLDS):
                value = (40 - 3 * i - j) * 0.94**k if k < 90 - 5 * i else 0
                cells.append(cell(f"{name} {role}", str(threshold), value, 0.8 * value, 2 * value))
    return [replace(one, route=route) for one in cells]


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label() in TITLES.values()}


def test_lines_are_the_shares_and_end_where_nothing_is_above():
    cells = sweep()
    found = {(one.row, one.column): one for one in cells}
    figure = draw_threshold_sweep(cells, TITLES, 0.1)
    for axes, role in zip(figure.axes, ROLES, strict=True):
        lines = lines_of(axes)
        assert list(lines) == list(TITLES.values())
        for name, title in TITLES.items():
            x, y = lines[title].get_data()
            values = [found[f"{name} {role}", str(t)].value for t in x]
            assert list(y) == values
            above = [t for t in THRESHOLDS if found[f"{name} {role}", str(t)].value]
            assert list(x) == above
        assert axes.get_title() == f"{role} messages"
        low, high = axes.get_ylim()
        assert low < min(one.value for one in cells if one.value)
        assert high > max(one.value for one in cells)
        assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [0.1]


def test_a_band_is_the_interval_and_lines_differ_in_grey():
    figure = draw_threshold_sweep(sweep(["alpaca"]), TITLES, 0.1)
    (band,) = [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]
    corners = band.get_paths()[0].vertices
    at = corners[np.isclose(corners[:, 0], THRESHOLDS[9])][:, 1]
    assert (at.min(), at.max()) == pytest.approx((0.8 * 40 * 0.94**9, 2 * 40 * 0.94**9))
    lines = lines_of(draw_threshold_sweep(sweep(), TITLES, 0.1).axes[0])
    assert len({line.get_marker() for line in lines.values()}) == len(TITLES)


def test_sets_that_are_not_there_have_no_line_nor_legend():
    figure = draw_threshold_sweep(sweep(["dolly"]), TITLES, 0.1)
    assert list(lines_of(figure.axes[0])) == [TITLES["dolly"]]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [TITLES["dolly"]]


@pytest.mark.parametrize(
    "cells", [[], [cell("dolly user", "0.1", None, n=0)], [cell("dolly user", "0.1", 0.0)]]
)
def test_without_any_share_there_is_a_labelled_blank(cells):
    figure = draw_threshold_sweep(cells, TITLES, 0.1)
    words = " ".join(text.get_text() for text in figure.findobj(plt.Text))
    assert "Blank" in words
    assert "threshold-sweep" in words


@pytest.mark.parametrize(("route", "marked"), [("simulated", True), ("computed", False)])
def test_simulated_data_are_marked_and_figures_repeat_byte_for_byte(tmp_path, route, marked):
    write_long_table(tmp_path / "in.csv", sweep(["alpaca", "dolly"], route))
    written = []
    for name in ("a", "b"):
        files = [tmp_path / f"{name}.{kind}" for kind in ("pdf", "png")]
        render_threshold_sweep(tmp_path / "in.csv", *files, TITLES, 0.1)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    figure = draw_threshold_sweep(sweep(["alpaca"], route), TITLES, 0.1)
    assert (MARK in [t.get_text() for t in figure.findobj(plt.Text)]) == marked


def agreement(names, n=1234):
    """Return cells whose values tell data set, role and column."""
    cells = []
    for i, name in enumerate(names):
        for j, role in enumerate(ROLES):
            for k, column in enumerate(AGREEMENT):
                value = 10 * i + j + k / 10 + 0.004
                ends = (None, None) if column == EQUAL_THRESHOLD else (value - 1, value + 1)
                cells.append(cell(f"{name} {role}", column, value, *ends, n=n))
    return cells


def rows_of(tex):
    """Return the cells of each line, without rules and styles."""
    bare = re.sub(r"\\(cmidrule\(lr\)\{[^}]*\}|color\{wpgrey\}|footnotesize|quad) ?|\\\\$", "", tex,
                  flags=re.MULTILINE)  # fmt: skip
    lines = [line.replace(r"\&", "AND") for line in bare.splitlines()]
    lines = [line for line in lines if "&" in line or "multicolumn" in line]
    return [[part.strip().replace("AND", r"\&") for part in line.split("&")] for line in lines]


def rendered(tmp_path, render, cells, acquired=(), **options):
    write_long_table(tmp_path / "in.csv", cells)
    tex = tmp_path / "out.tex"
    render(tmp_path / "in.csv", list(acquired), tmp_path / "out.csv", tex, TITLES, **options)
    assert read_long_table(tmp_path / "out.csv") == cells
    return tex.read_text(encoding="utf-8")


def test_agreement_stands_under_its_heading_with_intervals_below(tmp_path):
    tex = rendered(tmp_path, render_classifier_agreement, agreement(["wildchat", "dolly"]))
    rows = rows_of(tex)
    assert rows[1] == ["", "$n$", "both", "only D.", "only M.", "flags", "none", r"$\kappa$",
                       "above", r"$\kappa$"]  # fmt: skip
    assert [row[0] for row in rows[2:]] == [
        rf"\multicolumn{{10}}{{@{{}}l}}{{{TITLES['wildchat'].replace('&', chr(92) + '&')}}}",
        "user", "", "chatbot", "",
        rf"\multicolumn{{10}}{{@{{}}l}}{{{TITLES['dolly'].replace('&', chr(92) + '&')}}}",
        "user", "", "chatbot", "",
    ]  # fmt: skip
    assert rows[10] == ["chatbot", "1{,}234", "11.00", "11.10", "11.20", "11.4", "11.5", "11.60",
                        "11.704", "11.80"]  # fmt: skip
    assert rows[11][2:] == ["10.00--12.00", "10.10--12.10", "10.20--12.20", "10.4--12.4",
                            "10.5--12.5", "10.60--12.60", "", "10.80--12.80"]  # fmt: skip


def test_without_intervals_or_values_the_agreement_has_no_empty_lines(tmp_path):
    cells = [replace(c, ci_low=None, ci_high=None) for c in agreement(["dolly"])]
    cells = [replace(c, value=None) if c.column == KAPPA else c for c in cells]
    rows = rows_of(rendered(tmp_path, render_classifier_agreement, cells))
    assert [row[0] for row in rows[3:]] == ["user", "chatbot"]
    assert rows[3][7] == "--"


def test_where_no_message_has_both_labels_there_are_blanks(tmp_path):
    tex = rendered(tmp_path, render_classifier_agreement, agreement(["dolly"], n=0))
    assert tex.startswith(r"\wpblank{classifier-agreement}{no message")
    some = [cell("turn.1", f"{role}.{j}", None, n=0) for role in ROLES
            for j in ("either", "detoxify")]  # fmt: skip
    tex = rendered(tmp_path, render_toxicity_strata, some, trained_languages=TRAINED)
    assert tex.startswith(r"\wpblank{toxicity-strata}{no message")


NAMES = {
    "language": ["English", "Chinese", "Spanish", *"ABCDE", "other"],
    "model": ["gpt-3.5-turbo-0613", "gpt-4-1106-preview", *"abcd", "other"],
    "country": ["United Kingdom", "Côte d'Ivoire", *"ABCDEFGH", "other"],
    "turn": list(TURNS),
    "duplicates": list(DUPLICATES),
}


def strata(names=NAMES, n=1234):
    cells = []
    for i, (dimension, listed) in enumerate(names.items()):
        for k, name in enumerate(listed):
            for j, role in enumerate(ROLES):
                row, value = f"{dimension}.{name}", 10 * i + k + j / 10
                cells.append(cell(row, f"{role}.either", value, value - 0.5, value + 0.6, n))
                cells.append(cell(row, f"{role}.detoxify", value / 2, value, value, n))
    return cells


def test_a_stratum_is_a_line_with_both_roles_and_untrained_languages_are_marked(tmp_path):
    tex = rendered(tmp_path, render_toxicity_strata, strata(), trained_languages=TRAINED)
    rows = rows_of(tex)
    found = {row[0]: row[1:] for row in rows if len(row) == 9}
    dagger = r"\textsuperscript{\textdagger}"
    assert found["English"] == ["1{,}234", "0.0", "$-$0.5--0.6", "0.0",
                                "1{,}234", "0.1", "$-$0.4--0.7", "0.1"]  # fmt: skip
    assert found["4-1106-preview"][:3] == ["1{,}234", "11.0", "10.5--11.6"]
    marked = {name for name in found if name.endswith(dagger)}
    assert marked == {f"{name}{dagger}" for name in ("Chinese", *"ABCDE", "other or none")}
    assert {"3--5", "more than 10", "all messages", "no exact duplicates"} <= found.keys()
    assert "was not trained on" in tex.splitlines()[-2]
    assert len(tex.splitlines()) - 2 <= 55
    assert sum(r"\\" in line for line in tex.splitlines()) <= 45


def test_strata_without_messages_have_no_line_and_trained_ones_no_note(tmp_path):
    cells = [*strata({"language": ["English", "Spanish"]}), *strata({"turn": ["1"]}, n=0)]
    tex = rendered(tmp_path, render_toxicity_strata, cells, trained_languages=TRAINED)
    assert [row[0] for row in rows_of(tex) if len(row) == 9][1:] == ["English", "Spanish"]
    assert "Turn" not in tex
    assert "dagger" not in tex


def test_as_many_strata_as_are_measured_fit():
    assert {d: len(names) - 1 for d, names in NAMES.items() if d in MOST_FREQUENT} == MOST_FREQUENT


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")
def test_both_tables_compile_and_the_strata_fit_the_page(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    real = [replace(c, value=5.1, ci_low=5.0, ci_high=5.2, n=1_215_341) for c in strata()]
    cells = {render_classifier_agreement: agreement(DATASETS), render_toxicity_strata: real}
    for render, table in cells.items():
        options = {"trained_languages": TRAINED} if render is render_toxicity_strata else {}
        tex = rendered(tmp_path, render, table, **options)
        Path(folder, f"{render.__name__}.tex").write_text(tex, encoding="utf-8")
    document = [
        r"\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}",
        r"\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}",
        r"\newsavebox{\wpbox}\begin{document}\small\input{render_classifier_agreement.tex}",
        r"\newpage\sbox{\wpbox}{\input{render_toxicity_strata.tex}}",
        r"\ifdim\wd\wpbox>\linewidth\errmessage{table is \the\wd\wpbox\space wide}\fi",
        r"\ifdim\dimexpr\ht\wpbox+\dp\wpbox>\textheight\errmessage{table is too high}\fi",
        r"\usebox{\wpbox}\end{document}",
    ]
    Path(folder, "main.tex").write_text("\n".join(document), encoding="utf-8")
    compile_pdf(folder, tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
