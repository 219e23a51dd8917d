"""How often 95 % intervals hold the true value, and how wide they are, method by method.

Samples are those of wildpaper.measure.coverage_draws: sums by user of the simulated study,
without texts, whose true values are exact. All methods take the same replicates of the
Poisson bootstrap. For each number of conversations: the means of Table 1, those with a
coefficient of variation above 3 apart; the standard deviations; the shares of Tables 2, 3, 5
and 6 and of Figure 2a, and of Tables 3 and 5 with persons for clusters instead of addresses.
Printed are the percent of intervals that hold the true value, and the median width: of means
and deviations in percent of the true value, of shares in percentage points. With --speed
the time and memory of the intervals of 8 means over 200,000 users instead.
"""

import argparse
import resource
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtr, ndtri

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from wildpaper.acquire.simulation.targets import read_targets  # noqa: E402
from wildpaper.measure import bootstrap  # noqa: E402
from wildpaper.measure.coverage_draws import Group, Study  # noqa: E402
from wildpaper.measure.interval_coverage import HEAVY  # noqa: E402
from wildpaper.measure.replicates import Replicates, replicate_ratios  # noqa: E402

Floats = npt.NDArray[np.float64]
Ends = tuple[Floats, Floats]
LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
TAILS = (1 - LEVEL) / 2, (1 + LEVEL) / 2


@dataclass
class Drawn:
    """A group of values with its replicates; `error` are linearised standard errors."""

    group: Group
    found: Replicates

    @property
    def residuals(self) -> Floats:
        """Residuals by cluster."""
        return self.group.numerators - self.found.ratios * self.group.denominators


def arrays(intervals: list[bootstrap.Interval | None]) -> Ends:
    """Return both ends as arrays; NaN where there is no interval."""
    ends = np.array([one or (np.nan, np.nan) for one in intervals])
    return ends[:, 0], ends[:, 1]


def percentile(one: Drawn) -> Ends:
    """Return the quantiles of the replicates."""
    return arrays(bootstrap.percentile(one.found, LEVEL))


def basic(one: Drawn) -> Ends:
    """Return the quantiles mirrored at the ratio."""
    low, high = percentile(one)
    return 2 * one.found.ratios - high, 2 * one.found.ratios - low


def bca(one: Drawn) -> Ends:
    """Return bias-corrected and accelerated quantiles (Efron 1987)."""
    found, d = one.found, one.residuals
    n = len(found.drawn)
    below = (found.drawn < found.ratios).mean(axis=0)
    bias = ndtri(np.clip(below, 1 / (n + 1), n / (n + 1)))
    acceleration = (d**3).sum(axis=0) / (6 * (d**2).sum(axis=0) ** 1.5)
    ends = []
    for tail in TAILS:
        z = bias + ndtri(tail)
        levels = np.nan_to_num(ndtr(bias + z / (1 - acceleration * z)), nan=tail)
        pairs = zip(found.drawn.T, levels, strict=True)
        ends.append(np.array([np.nanquantile(drawn, level) for drawn, level in pairs]))
    return ends[0], ends[1]


def scaled_t(one: Drawn, to: Callable, back: Callable, slope: Callable, symmetric: bool) -> Ends:
    """Return bootstrap-t intervals on a scale, with the slope of the scale."""
    found = one.found
    centre, error = to(found.ratios), found.errors * slope(found.ratios)
    t = (to(found.drawn) - centre) / (found.drawn_errors * slope(found.drawn))
    t = np.where(np.isfinite(t), t, np.nan)
    if symmetric:
        half = np.nanquantile(np.abs(t), LEVEL, axis=0) * error
        return back(centre - half), back(centre + half)
    low, high = np.nanquantile(t, TAILS, axis=0)
    return back(centre - high * error), back(centre - low * error)


def plain_t(one: Drawn, symmetric: bool = False) -> Ends:
    """Return bootstrap-t intervals."""
    return scaled_t(one, lambda x: x, lambda x: x, np.ones_like, symmetric)


def log_t(one: Drawn, symmetric: bool = False) -> Ends:
    """Return bootstrap-t intervals on the log scale."""
    return scaled_t(one, np.log, np.exp, lambda x: 1 / x, symmetric)


def logit_t(one: Drawn) -> Ends:
    """Return bootstrap-t intervals on the logit scale."""
    return scaled_t(one, logit, expit, lambda p: 1 / (p * (1 - p)), False)


def used(one: Drawn) -> Ends:
    """Return what the project prints."""
    if one.group.kind == "share":
        return arrays(bootstrap.effective_wilson(one.found, one.group.denominators, LEVEL))
    return arrays(bootstrap.studentised(one.found, LEVEL))


def wilson_design(one: Drawn) -> Ends:
    """Return Wilson's interval on n over the design effect, that of alike units for 0 of n."""
    shares, totals = one.found.ratios, one.group.denominators.astype(np.float64)
    n = totals.sum(axis=0)
    alike = n**2 / (totals**2).sum(axis=0)
    inner = (shares > 0) & (shares < 1)
    effective = np.clip(shares * (1 - shares) / one.found.errors**2, alike, n)
    return bootstrap.wilson(shares, np.where(inner, effective, alike), LEVEL)


def wilson_alike(one: Drawn) -> Ends:
    """Return Wilson's interval as if all units of a cluster were alike."""
    totals = one.group.denominators.astype(np.float64)
    alike = totals.sum(axis=0) ** 2 / (totals**2).sum(axis=0)
    return bootstrap.wilson(one.found.ratios, np.broadcast_to(alike, one.found.ratios.shape))


MEANS: dict[str, Callable[[Drawn], Ends]] = {
    "percentile": percentile,
    "basic": basic,
    "BCa": bca,
    "bootstrap-t": plain_t,
    "bootstrap-t, symmetric": lambda one: plain_t(one, True),
    "bootstrap-t of the log": log_t,
    "the same, symmetric": lambda one: log_t(one, True),
    "used": used,
}
SHARES: dict[str, Callable[[Drawn], Ends]] = {
    "percentile": percentile,
    "BCa": bca,
    "bootstrap-t of the logit": logit_t,
    "Wilson, all alike": wilson_alike,
    "Wilson, design effect": wilson_design,
    "used": used,
}


def study(n_seeds: int, n: int, n_replicates: int, alike: float, seed: int) -> None:
    """Print coverage and width for samples of `n` conversations."""
    population = Study(read_targets(ROOT / "data/published.yaml"), alike)
    held: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    widths: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for sample in range(n_seeds):
        for group in population.draw(n, seed * n_seeds + sample):
            counts = group.numerators, group.denominators
            one = Drawn(
                group,
                replicate_ratios(
                    *counts, n_replicates, seed, f"{sample} {group.kind} {group.name}"
                ),
            )
            for method, intervals in (SHARES if group.kind == "share" else MEANS).items():
                low, high = intervals(one)
                for i, truth in enumerate(group.truths):
                    key = group.kind, column(group, i), method
                    held[key].append(bool(low[i] <= truth <= high[i]))
                    widths[key].append(width(group.kind, low[i], high[i], truth))
    print(f"\n{n:,} conversations, {n_seeds} samples, {n_replicates} replicates")
    for kind in ("mean", "deviation", "share"):
        methods = list(SHARES if kind == "share" else MEANS)
        columns = list(dict.fromkeys(name for own, name, _ in held if own == kind))
        print(f"{kind:26}" + "".join(f"{name:>22}" for name in columns) + "       all")
        for method in methods:
            keys = [(kind, name, method) for name in columns]
            parts = [f"{100 * np.mean(held[k]):14.1f}{np.nanmedian(widths[k]):8.1f}" for k in keys]
            everything = 100 * np.mean([one for key in keys for one in held[key]])
            print(f"  {method:24}" + "".join(parts) + f"{everything:10.1f}", flush=True)


def column(group: Group, i: int) -> str:
    """Return where a value is counted."""
    if group.kind == "share":
        return group.name
    if group.kind == "deviation":
        return group.values[i] if group.name == "wildchat" else "other sets"
    heavy = group.variations[i] > HEAVY
    return group.values[i] if heavy and group.name == "wildchat" else "heavy" if heavy else "rest"


def width(kind: str, low: float, high: float, truth: float) -> float:
    """Return the width as printed."""
    if kind == "share":
        return 100 * (high - low)
    if kind == "deviation":
        low, high, truth = (max(end, 0.0) ** 0.5 for end in (low, high, truth))
    return 100 * (high - low) / truth


def speed(n_replicates: int, seed: int) -> None:
    """Print time and memory of the intervals of 8 means over 200,000 users."""
    generator = np.random.default_rng(seed)
    above = generator.poisson(20, (200_000, 8))
    below = generator.poisson(3, (200_000, 8)) + 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    bootstrap.ratio_intervals(above, below, n_replicates, seed, "speed")
    seconds = time.perf_counter() - begun
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"200,000 users, 8 means, {n_replicates} replicates: {seconds:.1f} s, {peak:.0f} MiB more"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--conversations", type=int, nargs="+", default=[300, 3_000])
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--alike", type=float, default=0.0,
                        help="share of the variance of log lengths between users")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    if arguments.speed:
        speed(arguments.replicates, arguments.seed)
        return
    for n in arguments.conversations:
        study(arguments.seeds, n, arguments.replicates, arguments.alike, arguments.seed)


if __name__ == "__main__":
    main()
