"""Table 13: a row a data set, a column a group of moderation categories."""

from pathlib import Path

from wildpaper.files import write_text
from wildpaper.measure.toxicity.table_13_moderation_categories import GROUPS
from wildpaper.present.tabular import labels_of, read_inputs
from wildpaper.present.toxicity_categories import categories_tabular

HEADINGS = {group: group for group in GROUPS}


def render_moderation_categories(
    measured: Path,
    published: Path,
    acquired: list[Path],
    csv: Path,
    tex: Path,
    titles: dict[str, str],
) -> None:
    """Write Table 13 as CSV (long form, unrounded) and as a LaTeX tabular.

    Parameters
    ----------
    measured, published, acquired, csv, tex, titles
        See `wildpaper.present.table_01_datasets.render_datasets`.
    """
    cells, printed = read_inputs(measured, published, csv)
    labels = labels_of(titles, acquired)
    write_text(tex, categories_tabular(cells, printed, labels, HEADINGS, "table-13"))
