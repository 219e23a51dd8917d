"""Table 3: users, that is hashed addresses, by country."""

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import category_intervals
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import Share, slugs

COUNTRIES = {
    "United States": "united-states",
    "Russia": "russia",
    "China": "china",
    "Hong Kong": "hong-kong",
    "United Kingdom": "united-kingdom",
    "Germany": "germany",
    "France": "france",
    "Japan": "japan",
    "Canada": "canada",
}
"""What the paper's table shows: {country, as GeoLite2 names it: slug}."""

OTHER, UNKNOWN = "other", "unknown"
_UNIT = "percent of IP addresses"
_OWN = "own.table-03-countries"
# One row a user, in the order of their first conversation.
_USERS = """
SELECT u.cluster, c.country
FROM (SELECT DISTINCT cluster, "user" FROM conversations WHERE "user" IS NOT NULL) u
LEFT JOIN (
    SELECT cluster, country FROM conversations WHERE country IS NOT NULL
    GROUP BY cluster, country
    QUALIFY row_number() OVER (
        PARTITION BY cluster ORDER BY count(*) DESC, min(conversation_id)
    ) = 1
) c USING (cluster)
ORDER BY u.cluster
"""


def measure_countries(
    report: Path,
    conversations: list[Path],
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the share of each country among all users.

    A user counts once, for the country that most of his conversations have; among equals
    for the one that comes first. Conversations without a country do not take part; a user
    who has only such is of unknown country and counts in the total.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations : list of Path
        Its shards.
    table, notes : Path
        The long table: the paper's nine countries, every other one as a number of our own,
        all others together, and the unknown; a JSON object {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.category_intervals`.
    """
    with open_dataset(report, conversations) as opened:
        found = [country for _, country in opened.connection.execute(_USERS).fetchall()]
        route = opened.route(recorded=True)
        note = _explain(opened, found)
    if not any(country is not None for country in found):
        found = []
    write_long_table(table, _cells(found, route, n_replicates, seed))
    write_json(notes, {f"table-03.{slug}": note for slug in COUNTRIES.values()} if note else {})


def _cells(found: list[str | None], route: str, n_replicates: int, seed: int) -> list[Cell]:
    """Return the cells; `found` is the country of each user."""
    n = Counter(name for name in found if name is not None)
    further = sorted(n.keys() - COUNTRIES.keys(), key=lambda name: (-n[name], name))
    own = slugs(further, [OTHER, UNKNOWN, *COUNTRIES.values()])
    slug_of = COUNTRIES | own
    rows = [*slug_of.values(), UNKNOWN]
    number: dict[str | None, int] = {name: i for i, name in enumerate([*slug_of, None])}
    categories = np.array([number[name] for name in found], np.int64)
    shares = _shares(categories, len(rows), n_replicates, seed)
    is_further = (categories >= len(COUNTRIES)) & (categories < len(slug_of))
    others = _shares(is_further.astype(np.int64), 2, n_replicates, seed)[1]
    cells = [
        share.cell(row, "percent", _UNIT, f"{prefix}.{row}", route)
        for i, (row, share) in enumerate(zip(rows, shares, strict=True))
        for prefix in ["table-03" if i < len(COUNTRIES) else _OWN]
    ]
    cells.insert(-1, others.cell(OTHER, "percent", _UNIT, f"{_OWN}.{OTHER}", route))
    return cells


def _shares(
    categories: npt.NDArray[np.int64], n_categories: int, n_replicates: int, seed: int
) -> list[Share]:
    counts = np.bincount(categories, minlength=n_categories)
    intervals = category_intervals(categories, n_categories, n_replicates, seed, "table-03")
    return [
        Share(int(n), len(categories), interval and (100 * interval[0], 100 * interval[1]))
        for n, interval in zip(counts, intervals, strict=True)
    ]


def _explain(opened: OpenedDataset, found: list[str | None]) -> str:
    n, n_known = len(found), sum(country is not None for country in found)
    if not n:
        return f"{opened.title}: the files do not tell users apart"
    if not n_known:
        return f"{opened.title}: the files record no country"
    parts = []
    if n_known < n:
        parts.append(f"the country of {n - n_known:,} of {n:,} users is unknown")
    n_all = opened.one("SELECT count(*) FROM conversations")
    n_with_user = opened.one('SELECT count("user") FROM conversations')
    if n_with_user < n_all:
        parts.append(f"the user is known for {n_with_user:,} of {n_all:,} conversations only")
    return f"{opened.title}: {'; '.join(parts)}" if parts else ""
