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
DATASET_COLOURS = {
    "wildchat": "#0072b2",
    "lmsys_chat_1m": "#d55e00",
    "sharegpt": "#009e73",
    "open_assistant": "#cc79a7",
    "dolly": "#e69f00",
    "alpaca": "#56b4e9",
}
"""One colour a data set in all figures: Okabe and Ito's, told apart by the colour-blind. Grey print
needs the markers, dashes or labels beside them."""

DATASET_MARKERS = {
    "wildchat": "o", "lmsys_chat_1m": "s", "sharegpt": "^", "open_assistant": "D",
    "dolly": "v", "alpaca": "P",
}  # fmt: skip
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
