"""Pairs of a recorded and a found language, of messages and of conversations."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.errors import WildpaperError
from wildpaper.measure.language_names import lingua_name
from wildpaper.measure.shards import OpenedDataset

Pairs = Mapping[tuple[str, str], int]

_CHECKED = f"""
CREATE TABLE compared AS
SELECT m.cluster, m.role, m.language AS recorded, c.language AS computed, c.n_characters,
    c.n_languages, m.language <> '{NO_LANGUAGE}' AND c.language <> '{NO_LANGUAGE}' AS spoken
FROM checks c JOIN messages m USING (conversation_id, position)
WHERE m.has_language
"""  # noqa: S608 - a name of ours
_MODES = f"""
CREATE TABLE modes AS
SELECT c.cluster, n.name AS recorded, l.language AS computed,
    coalesce(n.name <> '{NO_LANGUAGE}' AND l.language <> '{NO_LANGUAGE}', false) AS spoken
FROM conversations c
JOIN names n ON n.recorded = c.language
LEFT JOIN (
    SELECT conversation_id, language, row_number() OVER (
        PARTITION BY conversation_id ORDER BY count(*) DESC, min(position)
    ) AS place
    FROM messages WHERE has_language GROUP BY conversation_id, language
) l ON l.conversation_id = c.conversation_id AND l.place = 1
"""  # noqa: S608


def compare_messages(opened: OpenedDataset, checks: list[Path]) -> None:
    """Create the tables `checks`, and `compared`: the checked messages with a recorded language.

    Parameters
    ----------
    opened : OpenedDataset
        With the label `language`, recorded.
    checks : list of Path
        Shards of `language_check`.

    Raises
    ------
    WildpaperError
        If the languages are not recorded, or a check belongs to no message or occurs twice.
    """
    names = [str(path) for path in checks]
    if opened.routes["language"] != "recorded":
        raise WildpaperError(
            f"The languages of {opened.dataset} are {opened.routes['language']}; only recorded "
            "ones can be checked",
            where=", ".join(names),
        )
    opened.connection.execute("CREATE TABLE checks AS FROM read_parquet(?)", [names])
    n = opened.one("SELECT count(*) FROM checks")
    n_found = opened.one(
        "SELECT count(*) FROM (SELECT DISTINCT conversation_id, position FROM checks) "
        "JOIN messages USING (conversation_id, position)"
    )
    if n_found != n:
        raise WildpaperError(
            f"{n - n_found} of {n} checks belong to no message, or occur twice",
            where=", ".join(names),
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    opened.connection.execute(_CHECKED)


def compare_conversations(opened: OpenedDataset) -> bool:
    """Create the table `modes`: the conversations whose language is recorded.

    It says beside lingua's name of that language (null if lingua does not know it) which
    language most of the conversation's messages have, of equals the one seen first.

    Returns
    -------
    bool
        False, and no table, if no conversation has a recorded language.
    """
    listed = opened.connection.execute(
        "SELECT DISTINCT language FROM conversations WHERE language IS NOT NULL ORDER BY ALL"
    ).fetchall()
    recorded = [name for (name,) in listed]
    names = [NO_LANGUAGE if n.title() == NO_LANGUAGE else lingua_name(n) for n in recorded]
    if recorded:
        given = {"recorded": recorded, "name": pa.array(names, pa.string())}
        opened.connection.register("names", pa.table(given))
        opened.connection.execute(_MODES)
    return bool(recorded)


def count_pairs(opened: OpenedDataset, source: str, condition: str) -> Pairs:
    """Return {(recorded, found): how often} over the rows of a table that meet a condition."""
    listed = opened.connection.execute(
        f"SELECT recorded, computed, count(*) FROM {source} WHERE {condition} GROUP BY ALL"  # noqa: S608
    ).fetchall()
    return {(recorded, computed): n for recorded, computed, n in listed}


def cohen_kappa(pairs: Pairs) -> float | None:
    """Return Cohen's kappa (1960) of counted pairs of labels.

    Parameters
    ----------
    pairs : mapping
        {(one label, the other): how often}.

    Returns
    -------
    float or None
        None where one side uses fewer than two labels: there is no chance to agree beyond.
    """
    totals: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for pair, n in pairs.items():
        for side, label in zip(totals, pair, strict=True):
            side[label] = side.get(label, 0) + n
    if min(map(len, totals)) < 2:
        return None
    n = sum(pairs.values())
    by_chance = sum(n_one * totals[1].get(label, 0) for label, n_one in totals[0].items())
    same = sum(count for (one, other), count in pairs.items() if one == other)
    return (n * same - by_chance) / (n * n - by_chance)
