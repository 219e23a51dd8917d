"""Labelled blanks: what stands where an artifact was not built, and why."""

import textwrap
from pathlib import Path

from matplotlib.figure import Figure

from wildpaper.files import write_text
from wildpaper.long_table import write_long_table
from wildpaper.present.style import WIDTH_IN, new_figure, save_figure
from wildpaper.tex import blank

_GREY = "#666666"


def leave_tables_blank(csvs: list[Path], texs: list[Path], reasons: dict[str, str]) -> None:
    """Write empty long tables, and LaTeX boxes that say why they are empty.

    Parameters
    ----------
    csvs, texs : list of Path
        To write; each is named after its artifact.
    reasons : dict
        {artifact id: reason}.
    """
    for path in csvs:
        write_long_table(path, [])
    for path in texs:
        write_text(path, blank(path.stem, reasons[path.stem]))


def leave_figures_blank(pdfs: list[Path], pngs: list[Path], reasons: dict[str, str]) -> None:
    """Draw boxes that say why there is no figure; see `leave_tables_blank`."""
    for pdf, png in zip(pdfs, pngs, strict=True):
        save_figure(draw_blank(pdf.stem, reasons[pdf.stem]), pdf, png)


def draw_blank(artifact: str, reason: str) -> Figure:
    """Return a figure that names an artifact and the reason for its absence."""
    figure, grid = new_figure(figsize=(WIDTH_IN, 1.3))
    axes = grid[0, 0]
    axes.set(xticks=[], yticks=[], facecolor="#f2f2f2")
    for spine in axes.spines.values():
        spine.set(visible=True, color="#999999")
    centre = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.78, artifact, family="DejaVu Sans Mono", fontsize=9, **centre)
    axes.text(
        0.5, 0.52, "Blank, because this run did not build it:", color=_GREY, fontsize=8, **centre
    )
    axes.text(0.5, 0.24, textwrap.fill(reason, 66), fontsize=8, **centre)
    return figure
