"""Table 8: prompts that try to disable safeguards, who sends them, and how often they succeed."""

from dataclasses import dataclass
from pathlib import Path

from scipy.stats import binomtest

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.toxicity.judged import open_judged

FAMILIES = (
    "narotica", "do-anything-now", "nsfwgpt", "eroticachan", "4chan-user", "alphabreak",
    "jailmommy",
)  # fmt: skip
"""In the order of the paper."""

_SUCCESS = "percent of occurrences whose reply is flagged by either classifier"

# The reply is the message that follows; whether it is flagged is null where there is none,
# or where it lacks a label.
_ATTEMPTS = """
SELECT m.family, count(*), count(DISTINCT m.cluster),
       count(r."either"), count(*) FILTER (r."either")
FROM messages m
LEFT JOIN judged r
  ON r.conversation_id = m.conversation_id AND r.position = m.position + 1
 AND r.role = 'assistant'
WHERE m.family IS NOT NULL
GROUP BY m.family
"""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Occurrences of a family, distinct users, and how many of the judged replies are flagged."""

    n: int = 0
    n_users: int = 0
    n_judged: int = 0
    n_flagged: int = 0


def measure_jailbreaks(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    jailbreak: list[Path],
    table: Path,
    notes: Path,
    threshold: float,
) -> None:
    """Measure occurrences, users and success of each family of jailbreak prompts.

    An occurrence succeeds, in the paper's words, if either classifier flags the reply. The
    interval of a success is Wilson's.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation, jailbreak : list of Path
        Its shards and labels.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    """
    labels = (detoxify, moderation)
    with open_judged(
        report, conversations, messages, *labels, threshold, jailbreak=jailbreak
    ) as opened:
        found = _attempts(opened)
        knows_users = bool(opened.one('SELECT count("user") FROM conversations'))
        route = opened.route("detoxify", "moderation", "jailbreak")
        title = opened.title
    cells, explained = [], {}
    for family in FAMILIES:
        own = found.get(family, Attempts())
        cells += _cells(family, own, knows_users, route)
        if not knows_users:
            explained[f"table-08.{family}.users"] = f"{title}: the files do not tell users apart"
        if not own.n_judged:
            explained[f"table-08.{family}.success"] = (
                f"{title}: {own.n:,} occurrences, none with a reply that both classifiers judged"
            )
    write_long_table(table, cells)
    write_json(notes, explained)


def _attempts(opened: OpenedDataset) -> dict[str, Attempts]:
    rows = opened.connection.execute(_ATTEMPTS).fetchall()
    return {family: Attempts(*map(int, counts)) for family, *counts in rows}


def _cells(family: str, own: Attempts, knows_users: bool, route: str) -> list[Cell]:
    success: float | None = None
    low = high = None
    if own.n_judged:
        success = 100 * own.n_flagged / own.n_judged
        wilson = binomtest(own.n_flagged, own.n_judged).proportion_ci(method="wilson")
        low, high = 100 * float(wilson.low), 100 * float(wilson.high)
    users = own.n_users if knows_users else None
    values = (
        ("occurrences", own.n, None, None, None, "turns"),
        ("users", users, None, None, own.n, "users"),
        ("success", success, low, high, own.n_judged, _SUCCESS),
    )
    return [
        Cell(family, column, value, ci_low, ci_high, n, unit, f"table-08.{family}.{column}", route)
        for column, value, ci_low, ci_high, n, unit in values
    ]
