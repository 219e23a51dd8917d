"""Table 13: what kinds of content the moderation labels flag in each data set."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import each_dataset
from wildpaper.measure.toxicity.category_shares import Categories, category_cells
from wildpaper.schema import MODERATION_CATEGORIES

GROUPS = {
    "harassment": ("harassment", "harassment_threatening"),
    "hate": ("hate", "hate_threatening"),
    "self-harm": ("self_harm", "self_harm_instructions", "self_harm_intent"),
    "sexual": ("sexual", "sexual_minors"),
    "violence": ("violence", "violence_graphic"),
}
"""{column of the paper's table: the interface's categories, any of which counts}."""

ARTIFACT = "table-13-moderation-categories"


def measure_moderation_categories(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    moderation: list[Path],
    moderated: list[str],
    table: Path,
    notes: Path,
    category_share: str,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the share of messages or turns that are flagged in a group of categories.

    Parameters
    ----------
    reports, conversations, messages : list of Path
        See `wildpaper.measure.shards.each_dataset`.
    moderation : list of Path
        Shards of labels of those data sets that have them.
    moderated : list of str
        The names of these, in the order of `reports`.
    table, notes : Path
        The long table, a row a data set; a JSON object {claim id: explanation}.
    category_share, n_replicates, seed
        See `wildpaper.measure.toxicity.category_shares.category_cells`.
    """
    flagged = {group: " OR ".join(names) for group, names in GROUPS.items()}
    categories = Categories(ARTIFACT, "table-13", "moderation", flagged)
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    for opened in each_dataset(
        reports, conversations, messages, {"moderation": moderation}, columns=(),
        owners={"moderation": moderated}, with_empty=True,
        reads={"moderation": MODERATION_CATEGORIES},
    ):  # fmt: skip
        own, why = category_cells(opened, categories, category_share, n_replicates, seed)
        cells += own
        explained |= why
    write_long_table(table, cells)
    write_json(notes, explained)
