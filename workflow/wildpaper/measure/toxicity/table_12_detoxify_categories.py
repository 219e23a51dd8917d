"""Table 12: what kinds of toxicity Detoxify finds in each data set."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import each_dataset
from wildpaper.measure.toxicity.category_shares import Categories, category_cells, check_numbers

HEADS = (
    "identity_attack", "insult", "obscene", "severe_toxicity", "sexual_explicit", "threat",
)  # fmt: skip
"""The columns of the paper's table: Detoxify's heads but `toxicity`."""

ARTIFACT = "table-12-detoxify-categories"


def measure_detoxify_categories(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    scored: list[str],
    table: Path,
    notes: Path,
    threshold: float,
    category_share: str,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the share of messages or turns whose score for a kind of toxicity is high.

    Parameters
    ----------
    reports, conversations, messages : list of Path
        See `wildpaper.measure.shards.each_dataset`.
    detoxify : list of Path
        Shards of labels of those data sets that have them.
    scored : list of str
        The names of these, in the order of `reports`.
    table, notes : Path
        The long table, a row a data set; a JSON object {claim id: explanation}.
    threshold : float
        A message is of a kind if it has text and the score is above this.
    category_share, n_replicates, seed
        See `wildpaper.measure.toxicity.category_shares.category_cells`.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    flagged = {head: f"{head} > {threshold!r}::DOUBLE" for head in HEADS}
    categories = Categories(ARTIFACT, "table-12", "detoxify", flagged)
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    for opened in each_dataset(
        reports, conversations, messages, {"detoxify": detoxify}, columns=(),
        owners={"detoxify": scored}, with_empty=True, reads={"detoxify": HEADS},
    ):  # fmt: skip
        if "detoxify" in opened.routes:
            check_numbers(opened, HEADS)
        own, why = category_cells(opened, categories, category_share, n_replicates, seed)
        cells += own
        explained |= why
    write_long_table(table, cells)
    write_json(notes, explained)
