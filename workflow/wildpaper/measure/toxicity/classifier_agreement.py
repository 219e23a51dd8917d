"""How far Detoxify and the moderation labels agree on the messages that have both."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import Interval, percentile
from wildpaper.measure.replicates import replicate_ratios
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.toxicity.judged import CLASSIFIERS, ROLES, each_judged, explain_judgments

ARTIFACT = "classifier-agreement"
CONFUSION = ("both", "only-detoxify", "only-moderation", "neither")
POSITIVE, NEGATIVE, KAPPA = "positive-agreement", "negative-agreement", "kappa"
EQUAL_THRESHOLD, EQUAL_KAPPA = "equal-threshold", "equal-kappa"

_UNITS = {
    POSITIVE: "percent of flags",
    NEGATIVE: "percent of absent flags",
    KAPPA: "Cohen's kappa",
    EQUAL_KAPPA: "Cohen's kappa",
    EQUAL_THRESHOLD: "toxicity",
}
_LABELLED = "FROM messages WHERE has_detoxify AND has_moderation AND role = '{role}'"
_TOXIC = "(toxicity > {threshold!r}::DOUBLE AND NOT empty)"
_FLAGGED = "(flagged AND NOT empty)"
_COUNTS = (
    "SELECT cluster, CASE WHEN " + _TOXIC + " AND " + _FLAGGED + " THEN 'both' "
    "WHEN " + _TOXIC + " THEN 'only-detoxify' WHEN " + _FLAGGED + " THEN 'only-moderation' "
    "ELSE 'neither' END AS name, count(*) AS n " + _LABELLED + " GROUP BY ALL"
)  # fmt: skip
_N_FLAGGED = f"SELECT count(*) FILTER ({_FLAGGED}) {_LABELLED}"
# Highest score but n: at most n are above it.
_SCORE = "SELECT toxicity::DOUBLE {labelled} AND NOT empty ORDER BY 1 DESC LIMIT 1 OFFSET {n}"

_DECIMALS = 12
"""Of drawn shares: finer is rounding, which could pass for a chance to agree."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def measure_classifier_agreement(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    table: Path,
    notes: Path,
    scored: list[str],
    moderated: list[str],
    threshold: float,
    n_replicates: int,
    seed: int,
) -> None:
    """Compare what Detoxify and the moderation labels flag, by data set and role.

    Parameters
    ----------
    reports, conversations, messages, detoxify, moderation, scored, moderated, threshold
        See `wildpaper.measure.toxicity.judged.each_judged`. Data sets without either label
        have no rows.
    table, notes : Path
        The long table, with a row ``<data set> <role>``; a JSON object {claim id:
        explanation}. Its columns are the shares of messages that both, either alone and
        neither flag; positive and negative agreement (2a / (2a + b + c): of all flags, or
        of all absent flags, of both classifiers those that the other one shares); Cohen's
        kappa; the lowest threshold at which Detoxify flags no more messages than the
        moderation labels do, and kappa there.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.

    Raises
    ------
    WildpaperError
        If a score is not a number.

    Notes
    -----
    Positive and negative agreement: Cicchetti & Feinstein (1990), J. Clin. Epidemiol. 43;
    they tell apart what kappa mixes where one answer is rare. Intervals of kappa are
    percentiles of a Poisson bootstrap over users (conversations where these are unknown);
    replicates in which neither classifier flags anything have no kappa and are left out.
    The threshold of equal shares is held fixed in them.
    """
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    files = (reports, conversations, messages, detoxify, moderation)
    for opened in each_judged(*files, scored, moderated, threshold):
        if any(label not in opened.routes for label in CLASSIFIERS):
            continue
        why = explain_judgments(opened, "either")
        for role in ROLES:
            measured = _Agreement(opened, role, n_replicates, seed)
            found = list(measured.cells(threshold))
            cells += found
            for cell in found:
                if note := why or measured.explain(cell):
                    explained[cell.claim] = note
    write_long_table(table, cells)
    write_json(notes, explained)


@dataclass(frozen=True, slots=True)
class _Agreement:
    """The cells of one data set and role."""

    opened: OpenedDataset
    role: str
    n_replicates: int
    seed: int

    def cells(self, threshold: float) -> Iterator[Cell]:
        """Yield them; `threshold` is that of Detoxify."""
        counts = self._counts(threshold)
        both, detoxify, moderation, neither = counts.T[:, :, None]
        total = counts.sum(axis=1, keepdims=True)
        for column, share in zip(CONFUSION, self._shares(counts, total), strict=True):
            yield share.cell(self._row, column, "percent of messages", self._claim(column),
                             self._route)  # fmt: skip
        for column, shared in ((POSITIVE, both), (NEGATIVE, neither)):
            flags = 2 * shared + detoxify + moderation
            (share,) = self._shares(2 * shared, flags)
            yield share.cell(self._row, column, _UNITS[column], self._claim(column), self._route)
        yield self._kappa(KAPPA, counts)
        equal = self._equal_threshold()
        n = int(total.sum())
        # Scores of saturated models lie so close that only the exact threshold parts them; what
        # is printed is no finer than what batches of texts leave the same.
        yield self._cell(EQUAL_THRESHOLD, None if equal is None else round(equal, 4), None, n)
        if equal is None:
            yield self._cell(EQUAL_KAPPA, None, None, n)
        else:
            yield self._kappa(EQUAL_KAPPA, self._counts(equal))

    def explain(self, cell: Cell) -> str:
        """Return why a cell has no value; empty if it has one."""
        if cell.value is not None:
            return ""
        if not cell.n:
            nothing = {POSITIVE: "is flagged", NEGATIVE: "is unflagged"}.get(cell.column)
            what = f"no {self.role} message {nothing or 'has both labels'}"
        elif cell.column == KAPPA:
            what = f"both classifiers say the same of all {self.role} messages"
        else:
            what = f"the moderation labels flag no {self.role} message"
        return f"{self.opened.title}: {what}"

    def _kappa(self, column: str, counts: Integers) -> Cell:
        value = kappa(*(counts.sum(axis=0)[:3] / max(counts.sum(), 1)))
        found = float(value) if np.isfinite(value) else None
        interval = None
        if found is not None and self.n_replicates:
            total = counts.sum(axis=1, keepdims=True)
            drawn = (counts[:, :3], total, self.n_replicates, self.seed, self._stream)
            interval = kappa_interval(*drawn)
        return self._cell(column, found, interval, int(counts.sum()))

    def _cell(self, column: str, value: float | None, ends: Interval | None, n: int) -> Cell:
        low, high = ends or (None, None)
        claim = self._claim(column)
        return Cell(self._row, column, value, low, high, n, _UNITS[column], claim, self._route)

    def _counts(self, threshold: float) -> Integers:
        query = _COUNTS.format(threshold=threshold, role=ROLES[self.role])
        return self.opened.counts(query, list(CONFUSION))

    def _shares(self, counts: Integers, totals: Integers) -> list[Share]:
        return shares_of(counts, totals, self.n_replicates, self.seed, self._stream)

    def _equal_threshold(self) -> float | None:
        """Return the lowest score that no more messages exceed than are flagged, or None."""
        role = ROLES[self.role]
        n_flagged = self.opened.one(_N_FLAGGED.format(role=role))
        if not n_flagged:
            return None
        query = _SCORE.format(labelled=_LABELLED.format(role=role), n=n_flagged)
        found = self.opened.connection.execute(query).fetchone()
        return float(found[0]) if found else 0.0

    @property
    def _row(self) -> str:
        return f"{self.opened.dataset} {self.role}"

    @property
    def _stream(self) -> str:
        return f"{ARTIFACT}.{self.opened.dataset}.{self.role}"

    @property
    def _route(self) -> str:
        return self.opened.route(*CLASSIFIERS)

    def _claim(self, column: str) -> str:
        return f"own.{self._stream}.{column}"


def kappa(both: Floats, only_one: Floats, only_other: Floats) -> Floats:
    """Return Cohen's kappa (1960) of two classifiers that flag or do not.

    Parameters
    ----------
    both, only_one, only_other : ndarray or float
        Shares that both flag, that only one, that only the other flags.

    Returns
    -------
    ndarray or float
        NaN where both flag everything or both nothing: there is no chance to agree beyond.
    """
    one, other = both + only_one, both + only_other
    by_chance = one * (1 - other) + other * (1 - one)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2 * (both - one * other) / by_chance
    return np.where(by_chance > 0, found, np.nan)


def kappa_interval(
    counts: Integers, totals: Integers, n_replicates: int, seed: int, name: str
) -> Interval | None:
    """Return the 95 % interval of kappa: percentiles of a bootstrap over clusters.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_clusters, 3)
        Messages that both flag, that only one, that only the other flags.
    totals : ndarray of int64, shape (n_clusters, 1)
        Messages.
    n_replicates, seed, name
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    found = replicate_ratios(counts, totals, n_replicates, seed, name)
    shares = found.drawn.round(_DECIMALS)
    (interval,) = percentile(replace(found, drawn=kappa(*shares.T)[:, None]))
    return interval
