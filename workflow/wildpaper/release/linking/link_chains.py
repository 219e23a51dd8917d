"""From calls that continue each other to conversations: which are whole, and released."""

from typing import Any

from wildpaper.release.linking.consent import NO_CONSENT, WITHDRAWN
from wildpaper.release.linking.link_database import Database
from wildpaper.release.linking.wildbench import match_wildbench

KEPT = "kept"
MISSING_TURN = "missing-turn"
WILDBENCH = "wildbench"


def gather_chains(database: Database) -> None:
    """Make the table ``members``: each chain's calls, from its last one (`back` 0) back.

    A call that nothing continues is the last of a chain (`leaf`). Where branches are
    allowed, a call may stand in several chains.
    """
    database.run(
        "CREATE TABLE members AS SELECT c.n AS leaf, c.n, 0 AS back FROM calls c"
        " ANTI JOIN (SELECT parent FROM links WHERE parent IS NOT NULL) l ON l.parent = c.n"
    )
    database.run("CREATE TABLE steps AS SELECT n, parent FROM links WHERE parent IS NOT NULL")
    database.run("CREATE TABLE frontier AS SELECT leaf, n FROM members")
    back = 0
    while True:
        back += 1
        database.run(
            "CREATE OR REPLACE TABLE frontier AS SELECT f.leaf, s.parent AS n"
            " FROM frontier f JOIN steps s ON s.n = f.n"
        )
        if database.row("SELECT count(*) FROM frontier") == (0,):
            break
        database.run(
            "INSERT INTO members SELECT leaf, n, $back FROM frontier",
            back=back,
        )
    database.drop("frontier", "steps")


def choose_chains(database: Database, keep_rest: bool) -> dict[str, int]:
    """Make the table ``chains``, one row a chain, with its fate; return WildBench counts.

    Parameters
    ----------
    database : Database
        Knows ``members``, ``calls``, ``links``, ``sessions``, ``withdrawn_addresses`` and
        ``listed``.
    keep_rest : bool
        Whether a chain without its beginning is a conversation all the same.

    Notes
    -----
    `fate` is ``kept`` or the first reason that applies: ``missing-turn``, ``withdrawn``,
    ``no-consent`` (each session that takes part must have taken both steps strictly before
    its first turn), ``wildbench``. `chain` numbers those that are not broken, and
    `conversation` those that are kept, both in the order of their last calls.
    """
    _judge_chains(database, keep_rest)
    database.run(
        "CREATE VIEW agreed AS SELECT j.leaf, c.opening, c.time_us AS last_us"
        " FROM judged j JOIN calls c ON c.n = j.leaf WHERE j.objection IS NULL"
    )
    counts = match_wildbench(database)
    database.run(
        "CREATE TABLE chains AS SELECT leaf, n_calls, incomplete, fate,"
        " CASE WHEN fate <> 'missing-turn' THEN"
        " row_number() OVER (PARTITION BY fate = 'missing-turn' ORDER BY leaf) - 1 END AS chain,"
        " CASE WHEN fate = 'kept' THEN"
        " row_number() OVER (PARTITION BY fate = 'kept' ORDER BY leaf) - 1 END AS conversation"
        " FROM (SELECT j.*, coalesce(j.objection,"
        " CASE WHEN r.leaf IS NULL THEN 'kept' ELSE 'wildbench' END) AS fate"
        " FROM judged j LEFT JOIN reserved r ON r.leaf = j.leaf)"
    )
    return counts


def _judge_chains(database: Database, keep_rest: bool) -> None:
    """Make the table ``judged``: why a chain may not be released, null if it may.

    Steps taken before a session's every call in the chain were taken before its first.
    """
    database.run(
        "CREATE TABLE judged AS SELECT leaf, n_calls, incomplete,"
        " CASE WHEN incomplete AND NOT $keep_rest THEN 'missing-turn'"
        " WHEN withdrew THEN $withdrawn WHEN NOT consented THEN $no_consent END AS objection"
        " FROM (SELECT m.leaf, count(*) AS n_calls,"
        " bool_or(l.n IS NOT NULL AND l.parent IS NULL) AS incomplete,"
        " bool_or(coalesce(s.withdrew, false) OR a.address IS NOT NULL) AS withdrew,"
        " bool_and(coalesce(s.agreed_us < c.time_us AND s.published_us < c.time_us, false))"
        " AS consented FROM members m JOIN calls c ON c.n = m.n"
        " LEFT JOIN links l ON l.n = m.n LEFT JOIN sessions s ON s.session = c.session"
        " LEFT JOIN withdrawn_addresses a ON a.address = c.address GROUP BY m.leaf)",
        keep_rest=keep_rest, withdrawn=WITHDRAWN, no_consent=NO_CONSENT,
    )  # fmt: skip


def count_chains(database: Database) -> dict[str, Any]:
    """Return counts of linking and of conversations by fate."""
    whole, incomplete, calls_missing = database.row(
        "SELECT count(*) FILTER (NOT incomplete), count(*) FILTER (incomplete),"
        " (SELECT count(DISTINCT m.n) FROM members m JOIN chains c ON c.leaf = m.leaf"
        "  WHERE c.incomplete) FROM chains"
    )
    causes = database.rows(
        "SELECT cause, count(*) FROM links WHERE parent IS NULL GROUP BY cause ORDER BY cause"
    )
    (new_address,) = database.row("SELECT count(*) FROM links WHERE new_address")
    fates = dict(database.rows("SELECT fate, count(*) FROM chains GROUP BY fate"))
    linking = {
        "n_conversations_whole": whole,
        "n_conversations_missing_turn": incomplete,
        "n_calls_missing_turn": calls_missing,
        "missing_turn": dict(causes),
        "n_calls_new_address": new_address,
        "n_calls_repeated": _count_repeated(database),
    }
    return {"linking": linking, "fates": fates}


def _count_repeated(database: Database) -> int:
    """Return how many turns of conversations are calls that stand in an earlier one too."""
    (n,) = database.row(
        "SELECT count(*) - count(DISTINCT m.n) FROM members m JOIN chains c ON c.leaf = m.leaf"
        " WHERE c.conversation IS NOT NULL"
    )
    return n
