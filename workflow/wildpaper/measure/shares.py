"""Percentages over messages, conversations or users, with intervals, as cells of a table."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wildpaper.long_table import Cell
from wildpaper.measure.bootstrap import Interval, share_intervals, wilson


@dataclass(frozen=True, slots=True)
class Share:
    """`n` of `total` units, and the 95 % interval of the percentage."""

    n: int
    total: int
    interval: Interval | None

    @property
    def percent(self) -> float | None:
        """100 n / total, rounded once; None over nothing."""
        return 100 * self.n / self.total if self.total else None

    def cell(self, row: str, column: str, unit: str, claim: str, route: str) -> Cell:
        """Return the percentage as a cell of a long table."""
        low, high = self.interval if self.interval and self.total else (None, None)
        return Cell(row, column, self.percent, low, high, self.total, unit, claim, route)


def shares_of(
    counts: npt.NDArray[np.int64],
    totals: npt.NDArray[np.int64],
    n_replicates: int,
    seed: int,
    name: str,
) -> list[Share]:
    """Return the share of each column of `counts`, with its interval in percent.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_clusters, n_shares)
    totals : ndarray of int64, shape (n_clusters, n_shares) or (n_clusters, 1)
    n_replicates, seed, name
        See `wildpaper.measure.bootstrap.share_intervals`.
    """
    intervals = share_intervals(counts, totals, n_replicates, seed, name)
    sums = np.broadcast_to(totals.sum(axis=0), counts.shape[1:])
    return [
        Share(int(n), int(total), interval and (100 * interval[0], 100 * interval[1]))
        for n, total, interval in zip(counts.sum(axis=0), sums, intervals, strict=True)
    ]


def wilson_share(n: int, total: int) -> Share:
    """Return the share of independent units, with Wilson's interval in percent."""
    if not total:
        return Share(n, total, None)
    low, high = (100 * float(end[0]) for end in wilson(np.array([n / total]), np.array([total])))
    return Share(n, total, (low, high))


def slugs(names: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Return a distinct slug for each name, as ids of claims take it.

    Parameters
    ----------
    names : iterable of str
        As the data have them.
    reserved : iterable of str
        Slugs that are taken.

    Returns
    -------
    dict
        {name: slug} of lower-case letters, digits, points and dashes. A name whose slug is
        empty or another's too gets some digits of its checksum.
    """
    plain = {name: _slug(name) for name in dict.fromkeys(names)}
    often = Counter([*plain.values(), *reserved])
    return {
        name: slug if slug and often[slug] == 1 else f"{slug}-{_digits(name)}".lstrip("-")
        for name, slug in plain.items()
    }


def _slug(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", bare).strip("-.")


def _digits(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]
