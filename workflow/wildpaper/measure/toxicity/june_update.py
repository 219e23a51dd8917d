"""Whether toxicity fell with the update of the model in June 2023.

The paper says so of the chatbot. The one test that decides it here was fixed
beforehand, on simulated data: the step, at the printed date, of the daily difference between the
shares of flagged replies and of flagged user messages, in a segmented regression with a
slope of its own on each side, over all days, each weighted by its turns. There is a drop if
the step is below 0 with a two-sided p below 0.05. Its standard error is the larger one of
two: Newey and West's over days, and the one that takes all turns of a user as dependent.
The former alone rejects too often where users write in bursts (`benchmarks/june.py`).

The difference, since the user messages are the control: what changed for both roles is not
an effect of the model. Slopes, since toxicity may have drifted before and after; one for
each side, since the paper claims a steady decline after the update.
"""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from threadpoolctl import threadpool_limits

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.long_table import write_long_table
from wildpaper.measure.toxicity.judged import CLASSIFIERS, explain_judgments, open_judged
from wildpaper.measure.toxicity.june_cells import Results, june_cells
from wildpaper.measure.toxicity.june_dates import best_date, date_interval
from wildpaper.measure.toxicity.june_series import Turns, iso_of, number_of, read_turns
from wildpaper.measure.toxicity.june_tests import LEAST_DAYS, Break, Design, fit_break, placebos
from wildpaper.measure.toxicity.use_groups import cells_by_use
from wildpaper.progress import Progress
from wildpaper.publish.published import load_published

CLAIM = "toxicity.june-update"
_ID = "june-update"
OUTCOMES = ("chatbot", "user", "difference")
LEAST_P = 0.05
_MOST_REPLICATES = 400
"""Of the bootstrap of the date: its interval is in whole days."""


def measure_june_update(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    published: Path,
    table: Path,
    notes: Path,
    threshold: float,
    newey_west_days: int,
    n_replicates: int,
    seed: int,
) -> None:
    """Test whether toxicity fell at the date that the paper prints (docs/definitions.md).

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation : list of Path
        Its shards and labels.
    published : Path
        ``data/published.yaml``: the date of the update.
    table, notes : Path
        The long table: levels on both sides of the date, step, ratio and p-value of both
        roles and of their difference; the same with other designs and parts of the data;
        statistics of placebo dates; weekly rates and fitted lines; toxicity by how much a
        user writes. A JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    newey_west_days : int
        Days up to which daily rates are taken to be correlated.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.

    Raises
    ------
    WildpaperError
        If no date is printed.
    """
    update = _printed_date(published)
    labels = (detoxify, moderation)
    with open_judged(report, conversations, messages, *labels, threshold) as opened:
        turns, route = read_turns(opened), opened.route(*CLASSIFIERS)
        missing = explain_judgments(opened, "either")
        users = cells_by_use(opened, n_replicates, seed, route)
    with threadpool_limits(1):
        results = analyse(turns, update, newey_west_days, min(n_replicates, _MOST_REPLICATES), seed)
    write_long_table(table, [*june_cells(results, CLAIM, route), *users])
    write_json(notes, _notes(results, missing))


def _printed_date(published: Path) -> int:
    printed = {claim.id: claim.value for claim in load_published(published)[0]}
    try:
        return number_of(date.fromisoformat(str(printed[CLAIM])))
    except (KeyError, ValueError) as error:
        raise WildpaperError(
            f"There is no date under {CLAIM}",
            where=str(published),
            hint="Restore data/published.yaml from the repository.",
        ) from error


def analyse(turns: Turns, update: int, lag: int, n_replicates: int, seed: int) -> Results:
    """Return all that is computed of the turns.

    Parameters
    ----------
    turns : Turns
    update : int
        The date to test, in days since 1970.
    lag : int
        See `wildpaper.measure.toxicity.june_tests.fit_break`.
    n_replicates, seed : int
        See `wildpaper.measure.toxicity.june_dates.date_interval`.
    """
    progress = Progress("measure", 3, "parts of the test of June")
    fits = {outcome: fit_break(turns, update, lag, outcome) for outcome in OUTCOMES}
    variants = {name: variant.fit(turns, update, lag) for name, variant in VARIANTS.items()}
    progress.advance(1)
    before, after = placebos(turns, update, lag)
    progress.advance(1)
    found = best_date(turns), date_interval(turns, n_replicates, seed)
    progress.advance(1)
    drop = is_drop(fits["difference"])
    return Results(update, turns, fits, variants, before, after, drop, *found)


def is_drop(fit: Break | None) -> bool:
    """Say whether the test finds a drop."""
    return fit is not None and fit.statistic < 0 and fit.p_value() < LEAST_P


@dataclass(frozen=True, slots=True)
class Variant:
    """The test with another design or a part of the data.

    Attributes
    ----------
    design : str
        See `fit_break`.
    days : int or None
        Days on each side of the date that are looked at; None for all.
    gpt35, on_both_sides : bool
        Whether only turns that GPT-3.5 answered count; only those of users who wrote before
        the date and after it.
    """

    design: Design = "two-trends"
    days: int | None = None
    gpt35: bool = False
    on_both_sides: bool = False

    def fit(self, turns: Turns, update: int, lag: int) -> tuple[Break | None, int]:
        """Return the fit, and the number of turns that it is taken over."""
        if self.gpt35:
            turns = turns.where(turns.gpt35)
        if self.days is not None:
            turns = turns.where(
                (turns.day >= update - self.days) & (turns.day < update + self.days)
            )
        if self.on_both_sides:
            turns = turns.where(turns.on_both_sides(update))
        return fit_break(turns, update, lag, design=self.design), int(turns.n.sum())


VARIANTS = {
    "one-trend": Variant("one-trend"),
    "no-trend": Variant("no-trend"),
    "eighty-days": Variant("no-trend", days=80),
    "gpt-3.5": Variant(gpt35=True),
    "same-users": Variant(on_both_sides=True),
}


def _notes(results: Results, missing: str) -> dict[str, str]:
    """Return {claim id: explanation}."""
    fit, when = results.fits["difference"], iso_of(results.update)
    notes = {}
    if fit is None or math.isnan(fit.statistic):
        why = missing or (
            f"the test needs {LEAST_DAYS} days with judged turns on each side of {when}, "
            "several users, and rates that vary"
        )
        notes = {CLAIM: why, "own.june-update.difference.value": why}
    elif not results.drop:
        change = 100 * fit.value(fit.step)
        notes[CLAIM] = (
            f"no drop at {when}: {change:+.1f} percentage points, p = {fit.p_value():.2g}"
        )
    for role in ("chatbot", "user"):
        own = results.fits[role]
        if own is not None and own.ratio() is None:
            notes[f"own.june-update.{role}.ratio"] = "a fitted level is not above 0"
    if results.interval is not None:
        low, high = map(iso_of, results.interval)
        notes["own.june-update.strongest-break"] = (
            f"95 % of the replicates lie between {low} and {high}"
        )
    return notes
