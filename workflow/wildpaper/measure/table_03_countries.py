"""Table 3: users, that is hashed addresses, by country."""

from dataclasses import dataclass
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
_USERS = """
CREATE TABLE users AS
SELECT u.cluster, c.country
FROM (SELECT DISTINCT cluster FROM conversations WHERE has_user) u
LEFT JOIN (
    SELECT cluster, country FROM conversations WHERE country IS NOT NULL
    GROUP BY cluster, country
    QUALIFY row_number() OVER (
        PARTITION BY cluster ORDER BY count(*) DESC, min(conversation_id)
    ) = 1
) c USING (cluster)
"""
# In the order of their first conversation.
_NUMBERS = """
SELECT coalesce(list_position(?::VARCHAR[], country) - 1, ?) AS number FROM users ORDER BY cluster
"""


@dataclass(frozen=True, slots=True)
class Users:
    """The country of each user.

    Attributes
    ----------
    countries : list of str
        Those of the paper's table, then all others, the most frequent first.
    numbers : ndarray of int64, shape (n_users,)
        Index of a user's country; of the unknown it is the number of countries.
    """

    countries: list[str]
    numbers: npt.NDArray[np.int64]

    @property
    def n_known(self) -> int:
        """Users whose country is known."""
        return int((self.numbers < len(self.countries)).sum())


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
    with open_dataset(report, conversations, columns=("country",)) as opened:
        users = _users(opened)
        route = opened.route(recorded=True)
        note = _explain(opened, users)
    write_long_table(table, _cells(users, route, n_replicates, seed))
    write_json(notes, {f"table-03.{slug}": note for slug in COUNTRIES.values()} if note else {})


def _users(opened: OpenedDataset) -> Users:
    query = opened.connection.execute
    query(_USERS)
    n = dict(query("SELECT country, count(*) FROM users GROUP BY country").fetchall())
    further = sorted(n.keys() - COUNTRIES.keys() - {None}, key=lambda name: (-n[name], name))
    countries = [*COUNTRIES, *further]
    numbers = query(_NUMBERS, [countries, len(countries)]).fetchnumpy()["number"]
    return Users(countries, np.asarray(numbers, np.int64))


def _cells(users: Users, route: str, n_replicates: int, seed: int) -> list[Cell]:
    own = slugs(users.countries[len(COUNTRIES) :], [OTHER, UNKNOWN, *COUNTRIES.values()])
    rows = [*COUNTRIES.values(), *own.values(), UNKNOWN]
    numbers = users.numbers if users.n_known else users.numbers[:0]
    shares = _shares(numbers, len(rows), n_replicates, seed)
    is_further = (numbers >= len(COUNTRIES)) & (numbers < len(users.countries))
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


def _explain(opened: OpenedDataset, users: Users) -> str:
    n, n_known = len(users.numbers), users.n_known
    if not n:
        return f"{opened.title}: the files do not tell users apart"
    if not n_known:
        return f"{opened.title}: the files record no country"
    parts = []
    if n_known < n:
        parts.append(f"the country of {n - n_known:,} of {n:,} users is unknown")
    n_all = opened.one("SELECT count(*) FROM conversations")
    n_with_user = opened.one("SELECT count(*) FILTER (has_user) FROM conversations")
    if n_with_user < n_all:
        parts.append(f"the user is known for {n_with_user:,} of {n_all:,} conversations only")
    return f"{opened.title}: {'; '.join(parts)}" if parts else ""
