"""How our figures look, and how they are saved byte for byte the same."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from wildpaper.files import atomic_path

WIDTH_IN = 6.5
ROLE_COLOURS = {"user": "#3b6ea5", "chatbot": "#d08b2c"}
_SIMULATED = "simulated data, not findings"
_PNG_DPI = 200


def use_style() -> None:
    """Set seaborn's and matplotlib's defaults for all figures."""
    sns.set_theme(context="paper", style="ticks", font="DejaVu Sans")
    plt.rcParams.update(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 9,
            "axes.titleweight": "bold",
            "pdf.fonttype": 42,
            "svg.hashsalt": "wildpaper",
            "figure.dpi": 110,
        }
    )


def new_figure(n_rows: int = 1, n_columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure in our style and its axes, shape (n_rows, n_columns)."""
    use_style()
    figure, axes = plt.subplots(n_rows, n_columns, squeeze=False, **options)
    return figure, axes


def mark_simulated(figure: Figure) -> None:
    """Write across the top of a figure that its data are simulated."""
    figure.suptitle(_SIMULATED, color="#a61a0d", fontsize=8, x=0.99, ha="right")


def save_figure(figure: Figure, pdf: Path, png: Path) -> None:
    """Save a figure as PDF and PNG without any time in it, and close it."""
    for path, metadata in ((pdf, {"CreationDate": None}), (png, {"Software": None})):
        with atomic_path(path) as temporary:
            figure.savefig(
                temporary, format=path.suffix[1:], dpi=_PNG_DPI, metadata=metadata,
                bbox_inches="tight",
            )  # fmt: skip
    plt.close(figure)
