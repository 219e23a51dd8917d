"""Which lines are calls that count, once each and in order."""

from wildpaper.release.linking.link_database import Database

DUPLICATE = "duplicate-call"
BEFORE_START = "before-start"


def order_calls(database: Database, start_us: int, keep_duplicates: bool) -> None:
    """Make the tables ``ordered``, ``firsts`` and ``calls``.

    Parameters
    ----------
    database : Database
        Knows all lines of the call logs as ``runs``.
    start_us : int
        Calls before this time are left out of ``calls``, microseconds since 1970.
    keep_duplicates : bool
        Whether a line that repeats a call counts as a call of its own.

    Notes
    -----
    ``ordered`` holds all usable lines; `n` numbers them by time, equal times by files and
    lines. ``firsts`` holds, of lines that repeat each other, the first; ``calls`` those of
    them that are not too early.
    """
    database.run_in_order(
        "CREATE TABLE ordered AS SELECT row_number() OVER () - 1 AS n, * FROM ("
        " SELECT file, line, time_us, session, address, repeats, current, previous,"
        " n_exchanges, opening, client FROM runs WHERE reason IS NULL"
        " ORDER BY time_us, file, line)"
    )
    if keep_duplicates:
        database.run("CREATE VIEW firsts AS SELECT n, repeats FROM ordered")
    else:
        database.run(
            "CREATE TABLE firsts AS SELECT min(n) AS n, repeats FROM ordered GROUP BY repeats"
        )
    database.run(
        "CREATE TABLE calls AS SELECT o.* FROM ordered o SEMI JOIN firsts f ON f.n = o.n"
        " WHERE o.time_us >= $start_us",
        start_us=start_us,
    )


def count_duplicates(database: Database) -> dict[str, int]:
    """Return how many lines repeat a call, with the same messages and with others."""
    same, other = database.row(
        "SELECT count(*) FILTER (o.current = first.current),"
        " count(*) FILTER (o.current <> first.current) FROM ordered o"
        " JOIN firsts f ON f.repeats = o.repeats JOIN ordered first ON first.n = f.n"
        " WHERE NOT EXISTS (SELECT 1 FROM firsts g WHERE g.n = o.n)"
    )
    return {"n_duplicates_same": same, "n_duplicates_other": other}


def count_addresses(database: Database) -> dict[str, int]:
    """Return how many calls came from each kind of address.

    Calls whose address was refused count as malformed; `n_several_hops` is how many
    forwarded-for chains have several elements, written by proxies or forged.
    """
    ipv4, ipv6, private, malformed, hops = database.row(
        "SELECT count(*) FILTER (kind = 'ipv4'), count(*) FILTER (kind = 'ipv6'),"
        " count(*) FILTER (kind = 'private'),"
        " count(*) FILTER (kind = 'malformed' OR reason = 'malformed-address'),"
        " count(*) FILTER (n_hops > 1) FROM runs"
    )
    return {
        "n_ipv4": ipv4,
        "n_ipv6": ipv6,
        "n_private": private,
        "n_malformed": malformed,
        "n_several_hops": hops,
    }
