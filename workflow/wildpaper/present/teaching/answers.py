"""The right answers to the exercises, each computed from the tables of a run."""

import math
from collections import Counter

from wildpaper.long_table import Cell
from wildpaper.present.teaching.run import Run

LONG_TOKENS = 128


def value(run: Run, artifact: str, row: str, column: str) -> float | None:
    """Return a value of a run; None if there is none."""
    cell = run.found(artifact).get((row, column))
    return None if cell is None else float(cell.value or 0)


def most(counts: dict[str, float]) -> set[str] | None:
    """Return the names with the highest value, all that are as high."""
    highest = max(counts.values(), default=None)
    return None if highest is None else {name for name, n in counts.items() if n == highest}


# ---------------------------------------------------------------- 00_tour
def n_published(run: Run, *, obtained: bool) -> int:
    """Return how many values the paper prints, or how many of them the run obtained."""
    rows = [claim for claim in run.claims if claim["kind"] == "published"]
    return sum(not obtained or claim["obtained"] is not None for claim in rows)


def frequent_verdict(run: Run) -> set[str] | None:
    """Return the verdict that most published values have."""
    kept = Counter(c["verdict"] for c in run.claims if c["kind"] == "published")
    return most({str(name): float(n) for name, n in kept.items()})


def first_row_kept(run: Run) -> float | None:
    """Return what percentage the first row of the ledger kept."""
    if not run.ledger or not run.ledger[0]["in"]:
        return None
    return 100 * float(run.ledger[0]["kept"]) / float(run.ledger[0]["in"])


# ---------------------------------------------------------------- 01_statistics
def long_shares(run: Run) -> dict[str, float]:
    """Return {data set: share of user messages of at least `LONG_TOKENS`}."""
    lengths = run.table("token-lengths")
    long = lengths[(lengths["role"] == "user") & (lengths["low_tokens"] >= LONG_TOKENS)]
    return {
        str(name): float(share) for name, share in long.groupby("dataset")["share"].sum().items()
    }


def median_bin(run: Run) -> int | None:
    """Return where the bin begins in which half of WildChat's user messages are reached."""
    lengths = run.table("token-lengths")
    own = lengths[(lengths["role"] == "user") & (lengths["dataset"] == "wildchat")]
    if own.empty:
        return None
    ordered = own.sort_values("low_tokens")
    reached = ordered["share"].cumsum() >= 0.5 - 1e-9
    return int(ordered["low_tokens"][reached].iloc[0])


def _mean_cell(run: Run) -> Cell | None:
    cell = run.found("table-01-datasets").get(("wildchat", "user-tokens-mean"))
    return cell if cell and cell.ci_low is not None and cell.ci_high is not None else None


def relative_width(run: Run) -> float | None:
    """Return how wide the interval of the mean is, in percent of the mean."""
    cell = _mean_cell(run)
    if cell is None or not cell.value:
        return None
    return 100 * ((cell.ci_high or 0) - (cell.ci_low or 0)) / float(cell.value)


# ---------------------------------------------------------------- 02_release
def calls_kept(run: Run) -> float | None:
    """Return the percentage of the lines of the log that were kept."""
    cell = run.found("release-text").get(("calls", "kept"))
    return None if cell is None or not cell.n else 100 * float(cell.value or 0) / cell.n


def calls_dropped(run: Run) -> float | None:
    """Return the percentage of the lines of the log that were dropped."""
    kept = calls_kept(run)
    return None if kept is None else 100 - kept


def frequent_reason(run: Run) -> set[str] | None:
    """Return the reason for which most calls were dropped."""
    found = run.found("release-text")
    counts = {column: float(cell.value or 0) for (row, column), cell in found.items()
              if row == "calls" and column not in ("all", "kept", "new-address")}  # fmt: skip
    return most(counts)


def recovered(run: Run) -> float | None:
    """Return the percentage of the true conversations that linking recovered."""
    n = value(run, "linking-causes", "total", "n")
    whole = value(run, "linking-causes", "total", "recovered")
    return None if not n or whole is None else 100 * whole / n


def not_recovered(run: Run) -> float | None:
    """Return the percentage of the true conversations that linking did not recover."""
    whole = recovered(run)
    return None if whole is None else 100 - whole


# ---------------------------------------------------------------- 03_toxicity
def user_share(run: Run, column: str) -> float | None:
    """Return a share of the user messages, by what flags them."""
    return value(run, "table-06-toxicity-overlap", "user", column)


def by_one_only(run: Run) -> float | None:
    """Return the percentage of the user messages that one classifier alone flags."""
    either, both = user_share(run, "either"), user_share(run, "both")
    return None if either is None or both is None else either - both


def agreed(run: Run) -> float | None:
    """Return which percentage of what either classifier flags both flag."""
    either, both = user_share(run, "either"), user_share(run, "both")
    return 100 * both / either if either and both is not None else None


def fall(run: Run) -> float | None:
    """Return how much lower the share is at the threshold 0.5 than at 0.1, in points."""
    low, high = (value(run, "threshold-sweep", "wildchat user", at) for at in ("0.1", "0.5"))
    return None if low is None or high is None else low - high


def share_at_half(run: Run) -> float | None:
    """Return the share of user messages above 0.5."""
    return value(run, "threshold-sweep", "wildchat user", "0.5")


# ---------------------------------------------------------------- 04_embeddings
def _mixing(run: Run) -> dict[str, float]:
    found = run.found("embedding-overlap")
    return {row: float(cell.value or 0) for (row, column), cell in found.items()
            if column == "mixing"}  # fmt: skip


def least_mixed(run: Run) -> set[str] | None:
    """Return the data set that mixes least with WildChat."""
    return most({name: -value for name, value in _mixing(run).items()})


def outside_chance(run: Run) -> int | None:
    """Return how many data sets mix less with WildChat than random labels do."""
    found, mixing = run.found("embedding-overlap"), _mixing(run)
    lows = {name: found.get((name, "mixing-random-low")) for name in mixing}
    known = {name: float(low.value or 0) for name, low in lows.items() if low is not None}
    return sum(mixing[name] < low for name, low in known.items()) if known else None


def repeated_messages(run: Run) -> float | None:
    """Return how many of WildChat's user messages are in clusters."""
    cell = run.found("near-duplicates").get(("wildchat", "messages-in-clusters"))
    return None if cell is None or not cell.n else round(float(cell.value or 0) * cell.n / 100)


# ---------------------------------------------------------------- 05_training
def _losses(run: Run) -> dict[tuple[str, str], float]:
    found = run.found("figure-03-coverage")
    return {key: float(cell.value or 0) for key, cell in found.items()}


def lowest_on_diagonal(run: Run) -> int | None:
    """Return of how many data sets its own model has the lowest loss on it."""
    losses = _losses(run)
    sets = [row for row, column in losses if row == column]
    if not sets:
        return None
    return sum(losses[name, name] == min(losses[row, name] for row in sets) for name in sets)


def perplexity(run: Run) -> float | None:
    """Return the perplexity of WildChat's model on WildChat."""
    loss = _losses(run).get(("wildchat", "wildchat"))
    return None if loss is None else math.exp(loss)


def base_2(run: Run) -> float | None:
    """Return what a loss taken for bits comes to."""
    loss = _losses(run).get(("wildchat", "wildchat"))
    return None if loss is None else 2**loss


def doubling(run: Run) -> float | None:
    """Return by how much twice as many training data lower the loss."""
    change = value(run, "data-size", "random-100-minus-50", "held-out-nll")
    return None if change is None else -change


def rise(run: Run) -> float | None:
    """Return the change of the loss with its other sign."""
    gain = doubling(run)
    return None if gain is None else -gain


# ---------------------------------------------------------------- 06_evaluation
def first_pair(run: Run, column: str) -> float | None:
    """Return a value of the first pair of models."""
    found = run.found("table-10-mtbench-pairs")
    pair = next((row for row, name in found if name == "games-win"), None)
    return None if pair is None else float(found[pair, column].value or 0)


def win_rate(run: Run) -> float | None:
    """Return wins and half the ties of the first pair, in percent of games."""
    win, tie = first_pair(run, "games-win"), first_pair(run, "games-tie")
    return None if win is None or tie is None else win + tie / 2


def disagreement(run: Run) -> float | None:
    """Return the percentage of games whose two orders disagree."""
    same = first_pair(run, "consistent")
    return None if same is None else 100 - same


def worst_category(run: Run) -> set[str] | None:
    """Return the category in which the first model has the lowest grade."""
    found = run.found("figure-06-mtbench-categories")
    first = next((row for row, _ in found), None)
    return most({c: -float(cell.value or 0) for (row, c), cell in found.items() if row == first})
