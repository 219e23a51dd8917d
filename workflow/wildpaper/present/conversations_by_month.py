"""Conversations by month: bars by family of models, and below them the share of each version."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.conversations_by_month import FAMILIES, GAP, VERSION
from wildpaper.present.blanks import draw_blank
from wildpaper.present.month_axis import label_months
from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure, save_figure
from wildpaper.publish.published import Value, load_published

PUBLISHED_GAP = "collection.gpt4-gap"
N_VERSIONS = 10
"""Versions that have a row of their own, the most frequent; the rest is taken together."""

_ID = "conversations-by-month"
_REST = "all other versions"
_FULL = 0.86
"""Height of a bar that is all of a month, in rows."""

_LONGEST = 28
_SHADE = "#e4e4e4"
_BARS: dict[str, dict[str, Any]] = {
    "gpt-4": {"facecolor": "#0b3c5d", "edgecolor": "#0b3c5d"},
    "gpt-3.5": {"facecolor": "#8fc1e3", "edgecolor": "#0b3c5d"},
    "other": {"facecolor": "white", "edgecolor": "#0b3c5d", "hatch": "/////"},
    _REST: {"facecolor": "white", "edgecolor": "#555555", "hatch": "......"},
}
_TITLES = {"gpt-4": "GPT-4", "gpt-3.5": "GPT-3.5", "other": "other or unknown"}

Counts = dict[tuple[str, str], int]


def render_conversations_by_month(measured: Path, published: Path, pdf: Path, png: Path) -> None:
    """Draw conversations by month and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.conversations_by_month`.
    published : Path
        ``data/published.yaml``: the gap that the paper states.
    pdf, png : Path
        To write.
    """
    claims, _ = load_published(published)
    printed = {claim.id: claim.value for claim in claims}
    save_figure(draw_conversations_by_month(read_long_table(measured), printed), pdf, png)


def draw_conversations_by_month(cells: list[Cell], published: Mapping[str, Value]) -> Figure:
    """Return stacked bars of counts by family, the gap shaded, and a row of shares a version.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.conversations_by_month`.
    published : mapping
        {claim id: published value}.
    """
    months = list(dict.fromkeys(cell.row for cell in cells if cell.row != GAP))
    if not months:
        return draw_blank(_ID, "the release of this run records no time")
    counts = {(c.row, c.column): int(c.value) for c in cells if isinstance(c.value, int)}
    gap = next((str(cell.value) for cell in cells if cell.row == GAP), None)
    versions = _versions(counts)
    heights = [2.0, 0.22 * len(versions) + 0.1]
    figure, grid = new_figure(
        2, 1, figsize=(WIDTH_IN, sum(heights) + 0.8), layout="constrained", sharex=True,
        height_ratios=heights,
    )  # fmt: skip
    above, below = grid[:, 0]
    handles = _draw_families(above, months, counts)
    _draw_versions(below, months, counts, versions)
    for axes in (above, below):
        _shade(axes, months, gap)
    above.legend(handles=handles, title=_gap_note(counts, gap, published.get(PUBLISHED_GAP)),
                 title_fontsize=7.5, alignment="left", fontsize=7.5, frameon=False, ncol=3,
                 loc="lower left", bbox_to_anchor=(-0.01, 1.0), columnspacing=1.2,
                 handlelength=1.6, borderaxespad=0.2)  # fmt: skip
    label_months(below, months, 18)
    below.tick_params(axis="x", labelsize=7.5)
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _draw_families(axes: Axes, months: list[str], counts: Counts) -> list[Artist]:
    """Draw a stack of bars a month; return the handles of the legend."""
    bottom, handles = np.zeros(len(months), np.int64), list[Artist]()
    for family in FAMILIES:
        heights = np.array([counts.get((month, family), 0) for month in months])
        if not any((month, family) in counts for month in months):
            continue
        there = np.flatnonzero(heights)
        axes.bar(there + 0.5, heights[there], 0.8, bottom[there], linewidth=0.6, **_BARS[family])
        handles.append(Patch(label=_TITLES[family], linewidth=0.6, **_BARS[family]))
        bottom += heights
    axes.set_ylabel("conversations", fontsize=8)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.tick_params(labelsize=7.5)
    return handles


def _versions(counts: Counts) -> dict[str, list[str]]:
    """Return {label of a row: its columns}: families in their order, the first version on top."""
    totals: dict[str, int] = {}
    since: dict[str, str] = {}
    for (month, column), n in counts.items():
        if column.startswith(VERSION):
            totals[column] = totals.get(column, 0) + n
            since[column] = min(month, since.get(column, month))
    frequent = sorted(totals, key=lambda column: (-totals[column], column))
    names = {column: column.removeprefix(VERSION) for column in totals}

    def place(column: str) -> tuple[list[bool], str, str]:
        return [not names[column].startswith(f) for f in FAMILIES], since[column], column

    rows = {names[column]: [column] for column in sorted(frequent[:N_VERSIONS], key=place)}
    return rows | ({_REST: frequent[N_VERSIONS:]} if frequent[N_VERSIONS:] else {})


def _draw_versions(
    axes: Axes, months: list[str], counts: Counts, versions: dict[str, list[str]]
) -> None:
    """Draw a row of bars a version; a full row is all conversations of the month."""
    n = [sum(v for (m, c), v in counts.items() if m == month and c in FAMILIES) for month in months]
    for row, (name, columns) in enumerate(versions.items()):
        style = next((key for key in _BARS if name.startswith(key)), "other")
        own = [sum(counts.get((month, column), 0) for column in columns) for month in months]
        base, there = len(versions) - 1 - row, np.flatnonzero(own)
        shares = [_FULL * own[i] / n[i] for i in there]
        axes.bar(there + 0.5, shares, 0.8, base, linewidth=0.5, **_BARS[style])
        axes.axhline(base, color="#999999", linewidth=0.5)
    axes.set_ylim(0, len(versions))
    labels = [_shortened(name) for name in versions]
    axes.set_yticks([len(versions) - 0.6 - row for row in range(len(versions))], labels)
    axes.set_ylabel("share of month's\nconversations", fontsize=8)
    axes.tick_params(axis="y", labelsize=7, length=0)


def _shortened(name: str) -> str:
    """Return the name of a model as matplotlib prints it, cut if it is very long."""
    cut = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    return cut.replace("$", r"\$")


def _shade(axes: Axes, months: list[str], gap: str | None) -> None:
    if gap:
        first, last = gap.split(" to ")
        span = (months.index(first), months.index(last) + 1)
        axes.axvspan(*span, color=_SHADE, linewidth=0, zorder=0)


def _gap_note(counts: Counts, gap: str | None, published: Value | None) -> str:
    """Return what stands above the legend on the gap; empty where there is no GPT-4 at all."""
    if not any(n for (_, column), n in counts.items() if column == "gpt-4"):
        return ""
    said = "" if published is None else f" (published: {published})"
    return (f"shaded: no GPT-4, {gap}" if gap else "no month without GPT-4") + said
