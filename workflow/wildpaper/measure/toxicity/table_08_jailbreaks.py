"""Table 8: prompts that try to disable safeguards, who sends them, and how often they succeed."""

from dataclasses import dataclass
from pathlib import Path

from wildpaper.annotate.jailbreaks.patterns import read_families
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import wilson_share
from wildpaper.measure.toxicity.judged import open_judged

_OWN = "own.table-08-jailbreaks"
_SHARES = {
    "success": "percent of occurrences whose reply is flagged by either classifier",
    "detoxify": "percent of occurrences whose reply is flagged by Detoxify",
    "moderation": "percent of occurrences whose reply is flagged by the moderation labels",
    "first-success": "percent of users the reply to whose first attempt is flagged",
    "user-success": "percent of users with a flagged reply",
}

# The reply is the message that follows; what flags it is null where there is none, or where
# it lacks a label.
_ATTEMPTS = """
CREATE TABLE attempts AS
SELECT m.family, m.cluster, r."either", r.detoxify, r.moderation,
       row_number() OVER (
           PARTITION BY m.family, m.cluster, r."either" IS NULL
           ORDER BY c.timestamp NULLS LAST, m.conversation_id, m.position
       ) AS attempt
FROM messages m
JOIN conversations c ON c.conversation_id = m.conversation_id
LEFT JOIN judged r
  ON r.conversation_id = m.conversation_id AND r.position = m.position + 1
 AND r.role = 'assistant'
WHERE m.family IS NOT NULL
"""
_COUNTS = """
SELECT family, count(*), count(DISTINCT cluster), count("either"),
       count(DISTINCT cluster) FILTER ("either" IS NOT NULL),
       count(*) FILTER ("either"),
       count(*) FILTER ("either" IS NOT NULL AND detoxify),
       count(*) FILTER ("either" IS NOT NULL AND moderation),
       count(*) FILTER ("either" AND attempt = 1),
       count(DISTINCT cluster) FILTER ("either")
FROM attempts GROUP BY family
"""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is counted of a family.

    Attributes
    ----------
    n, n_users : int
        Occurrences; distinct users.
    n_judged, n_judged_users : int
        Occurrences whose reply both classifiers judged; their users.
    n_flagged, n_detoxify, n_moderation : int
        Judged replies that either flags, Detoxify flags, the moderation labels flag.
    n_at_first, n_ever : int
        Users whose first judged attempt was flagged by either; any of whose was.
    """

    n: int = 0
    n_users: int = 0
    n_judged: int = 0
    n_judged_users: int = 0
    n_flagged: int = 0
    n_detoxify: int = 0
    n_moderation: int = 0
    n_at_first: int = 0
    n_ever: int = 0

    def shares(self) -> dict[str, tuple[int, int]]:
        """Return {column: (flagged, of how many)}, those over users last."""
        over_users = {"first-success": self.n_at_first, "user-success": self.n_ever}
        over_replies = {
            "success": self.n_flagged,
            "detoxify": self.n_detoxify,
            "moderation": self.n_moderation,
        }
        return {column: (n, self.n_judged) for column, n in over_replies.items()} | {
            column: (n, self.n_judged_users) for column, n in over_users.items()
        }


def measure_jailbreaks(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    jailbreak: list[Path],
    patterns: Path,
    table: Path,
    notes: Path,
    threshold: float,
) -> None:
    """Measure occurrences, users and success of each family of jailbreak prompts.

    An occurrence succeeds, in the paper's words, if either classifier flags the reply. As
    some users repeat a prompt many times, success is also measured over users: of the first
    attempt of each, and of any attempt. Intervals are Wilson's; those over occurrences take
    these as independent, as the paper's number does.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation, jailbreak : list of Path
        Its shards and labels.
    patterns : Path
        ``data/jailbreaks.yaml``, which lists the families.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.

    Raises
    ------
    WildpaperError
        If a file cannot be used.
    """
    families = read_families(patterns)
    labels = (detoxify, moderation)
    with open_judged(
        report, conversations, messages, *labels, threshold, jailbreak=jailbreak
    ) as opened:
        found = _attempts(opened)
        knows_users = bool(opened.one('SELECT count("user") FROM conversations'))
        route = opened.route("detoxify", "moderation", "jailbreak")
        title = opened.title
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    for family in families:
        own = found.get(family, Attempts())
        cells += _cells(family, own, knows_users, route)
        explained |= _explain(family, own, knows_users, title)
    write_long_table(table, cells)
    write_json(notes, explained)


def _attempts(opened: OpenedDataset) -> dict[str, Attempts]:
    opened.connection.execute(_ATTEMPTS)
    rows = opened.connection.execute(_COUNTS).fetchall()
    return {family: Attempts(*map(int, counts)) for family, *counts in rows}


def _claim(family: str, column: str) -> str:
    published = column in ("occurrences", "users", "success")
    return f"{'table-08' if published else _OWN}.{family}.{column}"


def _cells(family: str, own: Attempts, knows_users: bool, route: str) -> list[Cell]:
    users = own.n_users if knows_users else None
    claims = _claim(family, "occurrences"), _claim(family, "users")
    cells = [
        Cell(family, "occurrences", own.n, None, None, None, "turns", claims[0], route),
        Cell(family, "users", users, None, None, own.n, "users", claims[1], route),
    ]
    for column, (n, total) in own.shares().items():
        claim, unit = _claim(family, column), _SHARES[column]
        if knows_users or not column.endswith("-success"):
            cells.append(wilson_share(n, total).cell(family, column, unit, claim, route))
        else:
            cells.append(Cell(family, column, None, None, None, total, unit, claim, route))
    return cells


def _explain(family: str, own: Attempts, knows_users: bool, title: str) -> dict[str, str]:
    """Return why values of a family are missing."""
    unjudged = f"{title}: {own.n:,} occurrences, none with a reply that both classifiers judged"
    notes = {} if own.n_judged else {_claim(family, column): unjudged for column in _SHARES}
    if not knows_users:
        unknown = f"{title}: the files do not tell users apart"
        columns = ("users", "first-success", "user-success")
        notes |= {_claim(family, column): unknown for column in columns}
    return notes
