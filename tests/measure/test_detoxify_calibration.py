"""Rates beside judgments, from counts to table and figure."""

import json

import matplotlib.pyplot as plt
import pytest
from scipy.stats import binomtest

from wildpaper.long_table import read_long_table
from wildpaper.measure.toxicity.detoxify_calibration import measure_calibration
from wildpaper.present.detoxify_calibration import draw_calibration, render_calibration

MARK = "simulated data, not findings"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def counts(kind="people", **more):
    """200 texts, 80 toxic: half below 0.5, of them 10 toxic; the others score 0.9."""
    bins = [{"low": i / 10, "high": (i + 1) / 10, "n": 0, "n_toxic": 0, "score_sum": 0.0}
            for i in range(10)]  # fmt: skip
    bins[2] |= {"n": 100, "n_toxic": 10, "score_sum": 25.0}
    bins[9] |= {"n": 100, "n_toxic": 70, "score_sum": 90.0}
    sweep = [
        {"threshold": i / 100, "n_toxic_flagged": 80, "n_other_flagged": 120} if i < 25 else
        {"threshold": i / 100, "n_toxic_flagged": 70, "n_other_flagged": 30} if i < 90 else
        {"threshold": i / 100, "n_toxic_flagged": 0, "n_other_flagged": 0}
        for i in range(1, 100)
    ]  # fmt: skip
    return {
        "annotator": "detoxify-0.5.4-12345678", "judgments": "labels.csv", "kind": kind,
        "unusable": {"no text": 3}, "n_truncated": 4, "n": 200, "n_toxic": 80,
        "auc": {"value": 0.9, "low": 0.85, "high": 0.94}, "average_precision": 0.8,
        "brier": 0.1, "calibration_error": 0.175, "bins": bins, "sweep": sweep,
        "at_threshold": {"threshold": 0.3, "n_toxic_flagged": 70, "n_other_flagged": 30},
    } | more  # fmt: skip


def measured(folder, found):
    (folder / "counts.json").write_text(json.dumps(found), encoding="utf-8")
    measure_calibration(folder / "counts.json", folder / "table.csv", folder / "notes.json")
    cells = read_long_table(folder / "table.csv")
    return {(cell.row, cell.column): cell for cell in cells}, json.loads(
        (folder / "notes.json").read_bytes()
    )


@pytest.mark.parametrize(
    ("row", "column", "n", "total"),
    [
        ("at-threshold", "precision", 70, 100),
        ("at-threshold", "recall", 70, 80),
        ("at-threshold", "false-positive-rate", 30, 120),
        ("threshold-0.01", "precision", 80, 200),
        ("threshold-0.89", "recall", 70, 80),
        ("threshold-0.90", "recall", 0, 80),
        ("bin-03", "toxic", 10, 100),
        ("bin-10", "toxic", 70, 100),
        ("all", "truncated", 4, 200),
    ],
)
def test_rates_are_shares_with_wilson_intervals(tmp_path, row, column, n, total):
    cell = measured(tmp_path, counts())[0][row, column]
    low, high = binomtest(n, total).proportion_ci(method="wilson")
    assert (cell.value, cell.n) == (100 * n / total, total)
    assert (cell.ci_low, cell.ci_high) == pytest.approx((100 * low, 100 * high), abs=1e-9)


def test_over_nothing_there_is_no_rate(tmp_path):
    cells, notes = measured(
        tmp_path,
        counts(n_toxic=0, auc={"value": None, "low": None, "high": None}, average_precision=None),
    )
    for key in (("threshold-0.95", "precision"), ("bin-01", "toxic"), ("bin-01", "mean-score"),
                ("at-threshold", "recall"), ("all", "auc")):  # fmt: skip
        assert cells[key].value is None
    assert "nothing to divide by" in notes["own.detoxify-calibration.recall"]
    draw_calibration(list(cells.values()))


def test_each_claim_is_explained_once(tmp_path):
    cells, notes = measured(tmp_path, counts())
    claims = [cell.claim for cell in cells.values() if cell.claim]
    assert len(set(claims)) == len(claims)
    assert set(notes) == set(claims)
    assert "200 texts judged by people (labels.csv)" in notes["own.detoxify-calibration.auc"]
    assert "3 no text" in notes["own.detoxify-calibration.auc"]


@pytest.mark.parametrize(("kind", "route"), [("people", "computed"), ("planted", "simulated")])
def test_the_figure_shows_the_table_and_says_whose_it_is(tmp_path, kind, route):
    cells, _ = measured(tmp_path, counts(kind))
    assert {cell.route for cell in cells.values()} == {route}
    figure = draw_calibration(list(cells.values()))
    reliability, thresholds = figure.axes
    dots = [line for line in reliability.lines if line.get_marker() == "o"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in dots] == [(0.25, 10), (0.9, 70)]
    lines = {line.get_label(): line for line in thresholds.lines}
    assert set(lines["threshold 0.3"].get_xdata()) == {0.3}
    assert len(lines["precision"].get_xdata()) == 89
    assert len(lines["recall"].get_xdata()) == 99
    texts = [text.get_text() for text in figure.findobj(plt.Text)]
    assert (MARK in texts) == (route == "simulated")
    told = next(text for text in texts if text.startswith("Detoxify 0.5.4-12345678"))
    assert ("people's judgments in labels.csv" in told) == (kind == "people")
    assert "200 texts, 80 of them toxic" in told


def test_figures_are_the_same_bytes_each_time(tmp_path):
    measured(tmp_path, counts())
    for name in ("a", "b"):
        render_calibration(
            tmp_path / "table.csv", tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        )
    for kind in ("pdf", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_an_empty_table_gives_a_blank():
    assert "Blank" in " ".join(text.get_text() for text in draw_calibration([]).findobj(plt.Text))
