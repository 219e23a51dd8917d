"""Toxicity by how many conversations a user has."""

import numpy as np

from wildpaper.long_table import Cell
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import shares_of
from wildpaper.measure.toxicity.judged import ROLES

GROUPS = {"one": (1, 1), "two-to-nine": (2, 9), "ten-or-more": (10, None)}
"""{group: least and greatest number of conversations of its users}."""

_PREFIX = "conversations-"
_COUNTS = """
WITH use AS (
    SELECT cluster, count(*) AS n_conversations FROM conversations
    WHERE has_user GROUP BY cluster
)
SELECT cluster, role || ' ' || CASE {groups} END AS name, {n} AS n
FROM judged JOIN use USING (cluster)
WHERE "either" IS NOT NULL GROUP BY ALL
"""


def cells_by_use(opened: OpenedDataset, n_replicates: int, seed: int, route: str) -> list[Cell]:
    """Return the shares of flagged messages by role, of users with few and many conversations.

    Parameters
    ----------
    opened : OpenedDataset
        With the table `judged`. Conversations without a known user are left out.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.
    route : str
    """
    pairs = [(group, role) for group in GROUPS for role in ROLES]
    names = [f"{ROLES[role]} {group}" for group, role in pairs]
    cases = " ".join(
        f"WHEN n_conversations <= {most} THEN '{group}'" if most else f"ELSE '{group}'"
        for group, (_, most) in GROUPS.items()
    )
    flagged, total = (
        opened.counts(_COUNTS.format(groups=cases, n=n), names)
        for n in ('count(*) FILTER ("either")', "count(*)")
    )
    shares = shares_of(np.asarray(flagged), np.asarray(total), n_replicates, seed, "use-groups")
    unit = "percent of messages"
    return [
        share.cell(_PREFIX + group, role, unit, f"own.anonymity.{group}.{role}", route)
        for (group, role), share in zip(pairs, shares, strict=True)
    ]
