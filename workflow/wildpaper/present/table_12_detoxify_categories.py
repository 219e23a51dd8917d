"""Table 12: a row a data set, a column a head of Detoxify."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.measure.toxicity.table_12_detoxify_categories import HEADS
from wildpaper.present.tabular import labels_of, read_inputs
from wildpaper.present.toxicity_categories import categories_tabular

HEADINGS = dict(
    zip(
        HEADS,
        ("identity attack", "insult", "obscene", "severe", "sexual", "threat"),
        strict=True,
    )
)


def render_detoxify_categories(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 12 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    labels = labels_of(titles, acquired)
    write_text(tex, categories_tabular(cells, printed, labels, HEADINGS, "table-12"))
