"""How many true conversations of a simulated log linking recovers, by what happened to them."""

from pathlib import Path
from typing import Any

import duckdb

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json

OUTCOMES = ("recovered", "split", "cut_short", "mixed", "discarded")
"""What can become of a true conversation; exactly one of them does."""

_LINKED = """
CREATE TABLE linked AS
SELECT DISTINCT chain, turn, call_id FROM read_parquet(?)
WHERE chain IS NOT NULL AND call_id IS NOT NULL
"""
_TRUE = "CREATE TABLE true_calls AS SELECT * FROM read_parquet(?)"
_PATHS = """
CREATE TABLE paths AS
SELECT conversation, any_value(cause) AS cause, count(path) AS n_calls,
       coalesce(list(call_id ORDER BY path) FILTER (path IS NOT NULL), []) AS calls,
       coalesce(max(path) + 1 = count(path), false) AS complete
FROM true_calls GROUP BY conversation
"""
_CHAINS = """
CREATE TABLE chains AS
SELECT chain, list(call_id ORDER BY turn) AS calls FROM linked GROUP BY chain
"""
_OUTCOMES = """
WITH met AS (
    SELECT conversation, count(DISTINCT chain) AS n_chains, count(DISTINCT call_id) AS n_found
    FROM true_calls JOIN linked USING (call_id) WHERE path IS NOT NULL GROUP BY conversation
),
whole AS (SELECT DISTINCT conversation FROM paths SEMI JOIN chains USING (calls) WHERE complete)
SELECT cause, CASE
    WHEN conversation IN (FROM whole) THEN 'recovered'
    WHEN n_chains IS NULL THEN 'discarded'
    WHEN n_chains > 1 THEN 'split'
    WHEN n_found = n_calls AND complete THEN 'mixed'
    ELSE 'cut_short' END AS outcome, count(*)
FROM paths LEFT JOIN met USING (conversation) GROUP BY ALL
"""
_EXTRA = """
SELECT cause, count(*) FROM (
    SELECT chain, arg_min(cause, turn) AS cause
    FROM linked JOIN true_calls USING (call_id)
    GROUP BY chain HAVING count(path) = 0
) GROUP BY cause
"""
_UNEXPLAINED = """
SELECT count(*) FROM (
    SELECT chain FROM linked LEFT JOIN true_calls USING (call_id)
    GROUP BY chain HAVING count(conversation) = 0
)
"""


def assess_linking(fates: Path, true_calls: Path, assessment: Path) -> None:
    """Count what linking makes of true conversations, before consent, by cause.

    Parameters
    ----------
    fates : Path
        What became of each line of the log (`wildpaper.schema.FATES`).
    true_calls : Path
        Which conversation each call truly belongs to (`wildpaper.schema.TRUE_CALLS`).
    assessment : Path
        JSON to write, counts only (``data/schemas/linking-truth.schema.json``).

    Raises
    ------
    WildpaperError
        If a file cannot be read, or a call belongs to two conversations.

    Notes
    -----
    The calls of a conversation are those on the path that its user ended with. It is

    - recovered, if one linked chain holds exactly these, in order, and none was lost before
      it reached the log;
    - split, if no chain does, and they lie in two or more;
    - mixed, if all lie in one chain, with calls that are not on the path or in another order;
    - cut short, if some lie in one chain and the others nowhere;
    - discarded, if none lies in a chain.

    ``n_extra`` counts further chains that hold abandoned answers only, under the cause of
    the first of them. Broken chains, which linking discards, count nowhere.
    """
    with duckdb.connect() as connection:
        try:
            connection.execute(_LINKED, [str(fates)])
            connection.execute(_TRUE, [str(true_calls)])
        except duckdb.Error as error:
            raise WildpaperError(
                f"The truth of linking cannot be read: {type(error).__name__}",
                where=f"{fates}, {true_calls}",
                hint="Their columns are in workflow/wildpaper/schema.py; run again.",
            ) from error
        _check_truth(connection, true_calls)
        connection.execute(_PATHS)
        connection.execute(_CHAINS)
        outcomes = connection.execute(_OUTCOMES).fetchall()
        extra = dict(connection.execute(_EXTRA).fetchall())
        unexplained = connection.execute(_UNEXPLAINED).fetchone()
    causes = _by_cause(outcomes, extra)
    write_json(
        assessment,
        {
            "causes": causes,
            "total": _total(causes),
            "n_unexplained_chains": unexplained[0] if unexplained else 0,
        },
    )


def _check_truth(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    twice = connection.execute(
        "SELECT count(*) FROM (SELECT call_id FROM true_calls GROUP BY ALL HAVING count(*) > 1)"
    ).fetchone()
    if twice and twice[0]:
        raise WildpaperError(
            f"{twice[0]} calls belong to two places in the truth of linking",
            where=str(path),
            hint="Delete the folder of the simulated corpus and run again; it is made anew.",
        )


def _by_cause(
    outcomes: list[tuple[str, str, int]], extra: dict[str, int]
) -> dict[str, dict[str, int]]:
    causes: dict[str, dict[str, int]] = {}
    for cause in sorted({cause for cause, _, _ in outcomes}):
        own = {outcome: n for name, outcome, n in outcomes if name == cause}
        counts = {outcome: own.get(outcome, 0) for outcome in OUTCOMES}
        causes[cause] = {"n": sum(own.values()), **counts, "n_extra": extra.get(cause, 0)}
    return causes


def _total(causes: dict[str, dict[str, int]]) -> dict[str, Any]:
    keys = ("n", *OUTCOMES, "n_extra")
    return {key: sum(counts[key] for counts in causes.values()) for key in keys}
