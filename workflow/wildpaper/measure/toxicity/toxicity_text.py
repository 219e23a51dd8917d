"""Numbers of the text on toxicity: sexual content among what is flagged, and the threshold."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.toxicity.category_shares import count_verdicts
from wildpaper.measure.toxicity.judged import explain_judgments
from wildpaper.measure.toxicity.table_13_moderation_categories import GROUPS

SEXUAL, THRESHOLD = "toxicity.sexual-share", "toxicity.detoxify-threshold"
_ROW = "toxicity"
_FLAGGED = f"""
SELECT cluster, {" OR ".join(GROUPS["sexual"])} AS sexual
FROM messages WHERE role = 'user' AND flagged AND NOT empty
"""  # noqa: S608 - names of ours


def measure_toxicity_text(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    moderation: list[Path],
    table: Path,
    notes: Path,
    threshold: float,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure how much of what the moderation labels flag is sexual; note the threshold.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, moderation : list of Path
        Its shards and labels.
    table, notes : Path
        The long table: `sexual-share`, in percent of the flagged user messages with text, and
        `detoxify-threshold`, a setting of the run; a JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.
    """
    reads = {"moderation": ("flagged", *GROUPS["sexual"])}
    labels = {"moderation": moderation}
    with open_dataset(
        report, conversations, messages, labels, with_empty=True, columns=(), reads=reads
    ) as opened:
        share, note = _sexual_share(opened, n_replicates, seed)
        unit = "percent of moderation-flagged user turns"
        cells = [
            share.cell(_ROW, "sexual-share", unit, SEXUAL, opened.route("moderation")),
            Cell(_ROW, "detoxify-threshold", threshold, None, None, None, "probability",
                 THRESHOLD, opened.route()),
        ]  # fmt: skip
    write_long_table(table, cells)
    write_json(notes, {SEXUAL: note} if note else {})


def _sexual_share(opened: OpenedDataset, n_replicates: int, seed: int) -> tuple[Share, str]:
    counts = count_verdicts(opened, _FLAGGED, ["sexual"])
    (share,) = shares_of(*counts, n_replicates, seed, SEXUAL)
    note = explain_judgments(opened, "moderation")
    if not share.total:
        note = note or f"{opened.title}: no user message is flagged"
    return share, note
