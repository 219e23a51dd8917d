"""Who agreed that conversations are kept and published."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from wildpaper.errors import WildpaperError
from wildpaper.release.linking.call_lines import Line, read_lines
from wildpaper.release.linking.call_runs import RowFile
from wildpaper.release.linking.calls import digest_of
from wildpaper.release.linking.link_database import Database
from wildpaper.release.linking.rawlog_files import json_object, microseconds

NO_CONSENT = "no-consent"
WITHDRAWN = "withdrawn"
AGREE, PUBLISH, WITHDRAW = _STEPS = ("agree", "publish", "withdraw")
CONSENT = pa.schema({"session": pa.uuid(), "step": pa.string(), "time_us": pa.int64()})
"""One row a step; of the session only a digest."""


def read_consents(paths: list[Path], run: Path) -> None:
    """Read consent logs into one Parquet file of the schema `CONSENT`.

    Raises
    ------
    WildpaperError
        If a line cannot be read: it may be a withdrawal, so nothing is released over it.
    """
    with RowFile(run, CONSENT) as rows:
        for path in paths:
            for line in read_lines(path):
                rows.add(_step(line, path))


def _step(line: Line, path: Path) -> dict[str, Any]:
    record = json_object(line.data) or {}
    session, step = record.get("session"), record.get("step")
    time_us = microseconds(record.get("time"))
    wrong = [
        name
        for name, fits in (
            ("session", isinstance(session, str) and session != ""),
            ("step", step in _STEPS),
            ("time", time_us is not None),
        )
        if not fits
    ]
    if wrong or not isinstance(session, str):
        raise WildpaperError(
            f"A line of consent cannot be read: {', '.join(wrong)} missing or wrong",
            where=f"{path}, line {line.number}",
            hint="It may be a withdrawal, so it is not passed over. Mend the line; its format is "
            "described in docs/raw-logs.md.",
        )
    return {"session": digest_of(session), "step": step, "time_us": time_us}


def gather_consents(database: Database, withdrawal: str) -> None:
    """Make the tables of steps by session and of addresses that a withdrawal reaches.

    Parameters
    ----------
    database : Database
        Knows the steps as ``consents`` and all lines of the call logs as ``runs``.
    withdrawal : str
        ``address``: a withdrawal reaches all calls from any address from which its session
        called, also in lines that are no usable calls; ``session``: its own calls only.
    """
    database.run(
        "CREATE TABLE sessions AS SELECT session,"
        " min(time_us) FILTER (step = 'agree') AS agreed_us,"
        " min(time_us) FILTER (step = 'publish') AS published_us,"
        " bool_or(step = 'withdraw') AS withdrew FROM consents GROUP BY session"
    )
    database.run(
        "CREATE TABLE withdrawn_addresses AS SELECT DISTINCT r.address"
        " FROM runs r JOIN sessions s ON s.session = r.session"
        " WHERE s.withdrew AND r.address IS NOT NULL AND $withdrawal = 'address'",
        withdrawal=withdrawal,
    )


def count_sessions(database: Database) -> dict[str, int]:
    """Return how many sessions took both steps, one, none, and how many withdrew."""
    both, one, withdrawn = database.row(
        "SELECT count(*) FILTER (agreed_us IS NOT NULL AND published_us IS NOT NULL),"
        " count(*) FILTER ((agreed_us IS NULL) <> (published_us IS NULL)),"
        " count(*) FILTER (withdrew) FROM sessions"
    )
    (none,) = database.row(
        "SELECT count(*) FROM (SELECT session FROM calls UNION SELECT session FROM sessions"
        " WHERE withdrew) ANTI JOIN (SELECT session FROM sessions WHERE agreed_us IS NOT NULL"
        " OR published_us IS NOT NULL) USING (session)"
    )
    return {
        "n_sessions_both_steps": both,
        "n_sessions_one_step": one,
        "n_sessions_no_step": none,
        "n_sessions_withdrawn": withdrawn,
    }
