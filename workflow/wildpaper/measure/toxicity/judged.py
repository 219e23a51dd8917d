"""Which messages Detoxify and the moderation labels flag, one by one and together."""

from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.measure.shards import OpenedDataset, open_dataset

CLASSIFIERS = ("detoxify", "moderation")
JUDGED = {
    "detoxify": ("detoxify",),
    "moderation": ("moderation",),
    "either": CLASSIFIERS,
    "both": CLASSIFIERS,
}
"""{judgment: labels that it needs}."""

ROLES = {"user": "user", "chatbot": "assistant"}
"""{name in the paper: role}."""

# A judgment is null where a label that it needs is missing. A message without text is
# flagged by neither, as in the authors' code.
_JUDGE = """
CREATE TABLE judged AS
SELECT *,
       CASE WHEN detoxify IS NULL OR moderation IS NULL THEN NULL
            ELSE detoxify OR moderation END AS either,
       CASE WHEN detoxify IS NULL OR moderation IS NULL THEN NULL
            ELSE detoxify AND moderation END AS "both"
FROM (
    SELECT conversation_id, position, role, m.cluster, c.timestamp,
           CASE WHEN has_detoxify THEN toxicity > ?::DOUBLE AND NOT empty END AS detoxify,
           CASE WHEN has_moderation THEN flagged AND NOT empty END AS moderation
    FROM messages m JOIN conversations c USING (conversation_id)
)
"""


def open_judged(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    threshold: float,
    jailbreak: list[Path] | None = None,
) -> OpenedDataset:
    """Open a data set with the further table `judged`, one row a message.

    Its columns are the keys, role, cluster, timestamp of the conversation, and `detoxify`,
    `moderation`, `either`, `both`, each null where a label that it needs is missing.

    Parameters
    ----------
    report : Path
    conversations, messages, detoxify, moderation : list of Path
        See `wildpaper.measure.shards.open_dataset`.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    jailbreak : list of Path, optional
        Shards of labels that give the table `messages` the column `family`.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    labels = {"detoxify": detoxify, "moderation": moderation}
    if jailbreak is not None:
        labels["jailbreak"] = jailbreak
    opened = open_dataset(report, conversations, messages, labels, with_empty=True)
    n_broken = opened.one("SELECT count(*) FILTER (isnan(toxicity)) FROM messages")
    if n_broken:
        raise WildpaperError(
            f"{n_broken} Detoxify scores are not a number",
            where=", ".join(str(path) for path in detoxify),
            hint="Delete these files and score again, with another checkpoint if need be.",
        )
    opened.connection.execute(_JUDGE, [threshold])
    return opened


def explain_judgments(opened: OpenedDataset, judgment: str) -> str:
    """Return why shares of a judgment are missing or taken over a part; empty if not."""
    of_roles = "FROM messages WHERE role IN ('user', 'assistant')"
    n = opened.one(f"SELECT count(*) {of_roles}")
    if not n:
        return f"{opened.title}: no messages"
    parts = []
    for label in JUDGED[judgment]:
        name = {"detoxify": "Detoxify score", "moderation": "moderation label"}[label]
        n_labelled = opened.one(f"SELECT count(*) {of_roles} AND has_{label}")
        if not n_labelled:
            return f"{opened.title}: the files record no {name}"
        if n_labelled < n:
            parts.append(f"{n_labelled:,} of {n:,} messages have a {name}")
    listed = " and ".join(parts)
    return f"{opened.title}: {listed}; the others are left out" if parts else ""
