"""Reliability of Detoxify's scores, and what a threshold finds, beside known judgments."""

import re
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.toxicity.detoxify_calibration import (
    ABOUT,
    ALL,
    ARTIFACT,
    AT_THRESHOLD,
    FALSE_POSITIVES,
    MEAN_SCORE,
    PRECISION,
    RECALL,
    TOXIC,
)
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure, save_figure

_BLUE, _GREY = "#3b6ea5", "#666666"
_LINES = {
    PRECISION: ("precision", "#0072b2", "-"),
    RECALL: ("recall", "#d55e00", (0, (5, 1.5))),
    FALSE_POSITIVES: ("false-positive rate", "#333333", (0, (1, 1.2))),
}
_SOURCES = {"people": "people's judgments", "planted": "planted insults"}

_PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
"""Behind small print that crosses lines."""

_Found = dict[tuple[str, str], Cell]


def render_calibration(measured: Path, pdf: Path, png: Path) -> None:
    """Draw reliability and thresholds and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.toxicity.detoxify_calibration`.
    pdf, png : Path
        To write.
    """
    save_figure(draw_calibration(read_long_table(measured)), pdf, png)


def draw_calibration(cells: list[Cell]) -> Figure:
    """Return two panels: toxic share by score, and precision, recall and errors by threshold.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.detoxify_calibration`.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    if (ALL, "texts") not in found:
        return draw_blank(ARTIFACT, "no judgments are known to compare scores with")
    figure, grid = new_figure(1, 2, figsize=(WIDTH_IN, 3.1), layout="constrained")
    _draw_reliability(grid[0, 0], found)
    _draw_thresholds(grid[0, 1], found)
    for axes in grid[0]:
        axes.set_ylim(-2, 102)
        axes.tick_params(labelsize=8)
    figure.supxlabel(_source(found), fontsize=7.5, color=_GREY)
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _draw_reliability(axes: Axes, found: _Found) -> None:
    """Draw the toxic share of each bin at its mean score, with its number of texts."""
    axes.plot([0, 1], [0, 100], color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1,
              label="score is the share")  # fmt: skip
    for row in sorted(row for row, column in found if column == TOXIC):
        share, mean = found[row, TOXIC], found[row, MEAN_SCORE].value
        if share.value is None or mean is None:
            continue
        x, ends = float(mean), _ends(share)
        axes.plot([x, x], ends, color=_BLUE, linewidth=1.2)
        axes.plot(x, float(share.value), "o", color=_BLUE, markersize=4.5, markeredgecolor="white")
        above = float(share.value) < 50
        axes.annotate(f"{share.n:,}", (x, ends[above]), xytext=(0, 4 if above else -4),
                      textcoords="offset points", ha="center", fontsize=6.5, color=_GREY,
                      va="bottom" if above else "top", zorder=5, bbox=_PLATE)  # fmt: skip
    axes.set_xlim(-0.08, 1.08)
    axes.set_xlabel("mean score of the texts in a bin", fontsize=8)
    axes.set_ylabel("toxic by judgment (%)", fontsize=8)
    error = float(found[ALL, "calibration-error"].value or 0)
    axes.set_title(f"(a) Calibration error {error:.3f}", loc="left", fontsize=8.5)
    axes.legend(frameon=False, fontsize=7, loc="lower right", handlelength=2.4)


def _draw_thresholds(axes: Axes, found: _Found) -> None:
    """Draw the rates of all thresholds as lines in their intervals; mark the configured one."""
    rows = sorted(row for row, column in found if row.startswith("threshold-") and column == RECALL)
    for column, (label, colour, dashes) in _LINES.items():
        points = [(float(found[row, "threshold"].value or 0), found[row, column]) for row in rows]
        known = [(x, cell) for x, cell in points if cell.value is not None]
        x = [x for x, _ in known]
        ends = [_ends(cell) for _, cell in known]
        axes.plot(x, [float(cell.value or 0) for _, cell in known], color=colour,
                  linestyle=dashes, linewidth=1.5, label=label)  # fmt: skip
        axes.fill_between(x, [low for low, _ in ends], [high for _, high in ends], color=colour,
                          alpha=0.15, linewidth=0)  # fmt: skip
    threshold = float(found[AT_THRESHOLD, "threshold"].value or 0)
    axes.axvline(threshold, color="black", linewidth=0.8, label=f"threshold {threshold:g}")
    axes.set_xlim(0, 1)
    axes.set_xlabel("threshold, above which a text is flagged", fontsize=8)
    axes.set_ylabel("rate (%)", fontsize=8)
    axes.set_title(f"(b) AUC {_auc(found[ALL, 'auc'])}", loc="left", fontsize=8.5)
    axes.legend(frameon=False, fontsize=7, handlelength=2.4)


def _auc(cell: Cell) -> str:
    if cell.value is None:
        return "unknown: all texts are of one kind"
    value = float(cell.value)
    digits = 5 if max(value, 1 - value) > 0.999 else 3
    if cell.ci_low is None or cell.ci_high is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({cell.ci_low:.{digits}f} to {cell.ci_high:.{digits}f})"


def _ends(cell: Cell) -> tuple[float, float]:
    """Return both ends of an interval; both are 0 where there is none."""
    return cell.ci_low or 0.0, cell.ci_high or 0.0


def _source(found: _Found) -> str:
    """Return which model was held against which judgments."""
    names = {column: str(cell.value) for (row, column), cell in found.items() if row == ABOUT}
    kind = _SOURCES.get(names["kind"], names["kind"])
    n, n_toxic = (int(found[ALL, column].value or 0) for column in ("texts", "toxic-texts"))
    model = re.sub(r"^detoxify-", "Detoxify ", names["model"])
    of = f" in {names['judgments']}" if names["kind"] == "people" else ""
    return f"{model} against {kind}{of}: {n:,} texts, {n_toxic:,} of them toxic"
