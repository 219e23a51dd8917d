"""How often the test of the update of June finds a drop, by its planted size.

Samples are those of wildpaper.measure.toxicity.june_draws: turns of the simulated study,
without texts. Sizes are parts of the simulated drop; 0 is none, where a test at 5 % should
find one (in this direction) in 2.5 % of the samples, and 1 is the one that the printed
shares imply. Printed are percent of samples in which each variant finds a drop, and, of the
date that fits best, the percent within three days of the true one. With bursts all
conversations of a user begin within so many days. With --speed the time of the placebo
dates over a million conversations instead.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from wildpaper.acquire.simulation.dialogue import UPDATE_FACTOR  # noqa: E402
from wildpaper.acquire.simulation.schedule import DAY, JUNE_UPDATE  # noqa: E402
from wildpaper.acquire.simulation.targets import read_targets  # noqa: E402
from wildpaper.measure.toxicity.june_dates import best_date  # noqa: E402
from wildpaper.measure.toxicity.june_draws import JuneStudy  # noqa: E402
from wildpaper.measure.toxicity.june_series import Turns  # noqa: E402
from wildpaper.measure.toxicity.june_tests import Break, fit_break, placebos  # noqa: E402

UPDATE = JUNE_UPDATE // DAY
ALPHA = 0.05
NEAR_DAYS = 3


def finds(fit: Break | None, error: float | None = None) -> bool:
    """Say whether there is a drop, judged by the error used or another one."""
    return fit is not None and fit.value(fit.step) < 0 and fit.p_value(error) < ALPHA


def trial(turns: Turns, lag: int) -> dict[str, bool]:
    """Return what each variant finds in one sample."""
    fit = fit_break(turns, UPDATE, lag)
    newey_west, by_user = fit.errors(fit.step) if fit else (0.0, 0.0)
    found = best_date(turns)
    return {
        "used": finds(fit),
        "Newey-West alone": finds(fit, newey_west),
        "by user alone": finds(fit, by_user),
        "one trend": finds(fit_break(turns, UPDATE, lag, design="one-trend")),
        "no trend": finds(fit_break(turns, UPDATE, lag, design="no-trend")),
        "date": found is not None and abs(found - UPDATE) <= NEAR_DAYS,
    }


def study(n: int, n_seeds: int, burst_days: float | None, sizes: list[float], lag: int) -> None:
    """Print the percentages for samples of `n` conversations."""
    targets = read_targets(ROOT / "data/published.yaml")
    bursts = f"bursts of {burst_days:g} days" if burst_days else "no bursts"
    print(f"\n{n:,} conversations, {bursts}, {n_seeds} samples, lag of {lag} days", flush=True)
    for size in sizes:
        factor = {role: 1 + size * (value - 1) for role, value in UPDATE_FACTOR.items()}
        drawn = JuneStudy(targets, factor, burst_days)
        trials = [trial(drawn.draw(n, seed), lag) for seed in range(n_seeds)]
        if size == sizes[0]:
            print(f"{'size':>6}" + "".join(f"{name:>18}" for name in trials[0]))
        percent = [100 * np.mean([one[name] for one in trials]) for name in trials[0]]
        print(f"{size:6.2f}" + "".join(f"{value:18.1f}" for value in percent), flush=True)


def speed(lag: int) -> None:
    """Print the time of all placebo dates over 600,000 rows of users and days."""
    rng = np.random.default_rng(1)
    n_rows = 600_000
    day = np.sort(rng.integers(UPDATE - 79, UPDATE + 310, n_rows))
    n = rng.integers(1, 8, n_rows)
    user, chatbot = rng.binomial(n, 0.1), rng.binomial(n, 0.07)
    turns = Turns(rng.integers(0, 200_000, n_rows), day, n, user, chatbot, n > 0)
    begun = time.perf_counter()
    before, after = placebos(turns, UPDATE, lag)
    seconds = time.perf_counter() - begun
    print(f"{n_rows:,} rows, {len(before) + len(after)} placebo dates: {seconds:.1f} s")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--conversations", type=int, nargs="+", default=[3_000, 30_000])
    parser.add_argument("--burst-days", type=float, default=30.0)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0, 0.25, 0.5, 0.75, 1])
    parser.add_argument("--lag", type=int, default=7)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.lag)
        return
    for n in arguments.conversations:
        for bursts in (None, arguments.burst_days):
            study(n, arguments.seeds, bursts, arguments.sizes, arguments.lag)


if __name__ == "__main__":
    main()
