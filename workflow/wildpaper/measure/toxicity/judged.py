"""Which messages Detoxify and the moderation labels flag, one by one and together."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.measure.shards import OpenedDataset, each_dataset, open_dataset

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
           {detoxify} AS detoxify, {moderation} AS moderation
    FROM messages m JOIN conversations c USING (conversation_id)
)
"""

_BY = {
    "detoxify": "CASE WHEN has_detoxify THEN toxicity > {threshold!r}::DOUBLE AND NOT empty END",
    "moderation": "CASE WHEN has_moderation THEN flagged AND NOT empty END",
}


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
    judge(opened, threshold, ", ".join(map(str, detoxify)))
    return opened


def each_judged(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    scored: Sequence[str],
    moderated: Sequence[str],
    threshold: float,
    reads: Mapping[str, tuple[str, ...]] | None = None,
    others: Mapping[str, list[Path]] | None = None,
) -> Iterator[OpenedDataset]:
    """Yield each data set with the table `judged` of `open_judged`; closed before the next.

    Parameters
    ----------
    reports, conversations, messages : list of Path
        See `wildpaper.measure.shards.each_dataset`.
    detoxify, moderation : list of Path
        Shards of labels of those data sets that have them.
    scored, moderated : sequence of str
        The names of these, in the order of `reports`. What a data set lacks is null in
        `judged`, and no key of `OpenedDataset.routes`.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    reads : mapping, optional
        See `wildpaper.measure.shards.open_dataset`; `toxicity` and `flagged` must be in it.
    others : mapping, optional
        {label: shards} that all data sets have.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    labels = {"detoxify": detoxify, "moderation": moderation, **(others or {})}
    owners = {"detoxify": scored, "moderation": moderated}
    for opened in each_dataset(
        reports, conversations, messages, labels, owners=owners, with_empty=True, reads=reads
    ):
        judge(opened, threshold, f"labels detoxify of {opened.dataset}")
        yield opened


def judge(opened: OpenedDataset, threshold: float, where: str) -> None:
    """Make the table `judged` of a data set whose emptiness of texts was asked for.

    `where` names the scores in errors.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    if "detoxify" in opened.routes:
        n_broken = opened.one("SELECT count(*) FILTER (isnan(toxicity)) FROM messages")
        if n_broken:
            raise WildpaperError(
                f"{n_broken} Detoxify scores of {opened.title} are not a number",
                where=where,
                hint="Delete these files and score again, with another checkpoint if need be.",
            )
    verdicts = {
        label: verdict.format(threshold=threshold) if label in opened.routes else "NULL::BOOLEAN"
        for label, verdict in _BY.items()
    }
    opened.connection.execute(_JUDGE.format(**verdicts))


def explain_judgments(opened: OpenedDataset, judgment: str) -> str:
    """Return why shares of a judgment are missing or taken over a part; empty if not."""
    of_roles = "FROM messages WHERE role IN ('user', 'assistant')"
    n = opened.one(f"SELECT count(*) {of_roles}")
    if not n:
        return f"{opened.title}: no messages"
    parts = []
    for label in JUDGED[judgment]:
        name = {"detoxify": "Detoxify score", "moderation": "moderation label"}[label]
        there = label in opened.routes
        n_labelled = opened.one(f"SELECT count(*) {of_roles} AND has_{label}") if there else 0
        if not n_labelled:
            return f"{opened.title}: this run has no {name}"
        if n_labelled < n:
            parts.append(f"{n_labelled:,} of {n:,} messages have a {name}")
    listed = " and ".join(parts)
    return f"{opened.title}: {listed}; the others are left out" if parts else ""
