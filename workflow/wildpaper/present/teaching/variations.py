"""What a reader may vary in the notebooks: each function answers one question again."""

from collections import Counter

import numpy as np
import pandas as pd

from wildpaper.errors import WildpaperError
from wildpaper.measure.bootstrap import wilson
from wildpaper.present.teaching.run import Run
from wildpaper.release.salt import AddressHasher

_ROLES = ("user", "chatbot")
_GUESSED_NETWORK = "203.0.113."
"""Reserved for documentation (RFC 5737): no one's addresses."""
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


def count_verdicts(run: Run, prefix: str) -> pd.DataFrame:
    """Return how many published values whose id begins with `prefix` have each verdict.

    Raises
    ------
    WildpaperError
        If no published value has such an id.
    """
    chosen = [c for c in run.claims if c["kind"] == "published" and c["id"].startswith(prefix)]
    if not chosen:
        begins = sorted({c["id"].partition(".")[0] for c in run.claims if c["kind"] == "published"})
        raise WildpaperError(
            f"No published value has an id that begins with {prefix!r}",
            where="the cell of parameters",
            hint=f"Ids begin with {', '.join(begins)}.",
        )
    counts = Counter(claim["verdict"] for claim in chosen)
    reasons: dict[str, Counter[str]] = {}
    for claim in chosen:
        reasons.setdefault(claim["verdict"], Counter())[claim["reason"] or ""] += 1
    rows = [(verdict, n, reasons[verdict].most_common(1)[0][0]) for verdict, n in counts.items()]
    table = pd.DataFrame(rows, columns=["verdict", "values", "most frequent reason"])
    return table.sort_values("values", ascending=False).set_index("verdict")


def count_truths(run: Run) -> pd.DataFrame:
    """Return how many obtained values agree with what was planted, and how many cannot tell."""
    obtained = [claim for claim in run.claims if claim["obtained"] is not None]
    counts = Counter(claim.get("truth_verdict") or "nothing planted" for claim in obtained)
    rows = [(name, counts[name]) for name in ("recovered", "missed", "nothing planted")]
    return pd.DataFrame(rows, columns=["planted truth", "values"]).set_index("planted truth")


def intervals_of_turns(run: Run, level: float) -> pd.DataFrame:
    """Return intervals of the share of conversations with more than one turn, as measured and not.

    Parameters
    ----------
    run : Run
    level : float
        Shown beside `LEVELS`.

    Returns
    -------
    DataFrame
        Percent. The first row is measured: users are drawn. The others are Wilson's intervals,
        as if each conversation came from another user. Empty if the run does not tell.
    """
    columns = ["low", "value", "high", "width"]
    cell = run.found("figure-02a-turns").get(("turns", "multi-turn-share"))
    if cell is None or not cell.n or cell.ci_low is None or cell.ci_high is None:
        return pd.DataFrame(columns=columns)
    value = float(cell.value or 0)
    ends = {"measured, 0.95": (cell.ci_low, cell.ci_high)}
    for one in sorted({*LEVELS, level}):
        low, high = wilson(np.array([value / 100]), np.array([float(cell.n)]), one)
        ends[f"Wilson, {one:g}"] = (100 * float(low[0]), 100 * float(high[0]))
    rows = [(low, value, high, high - low) for low, high in ends.values()]
    return pd.DataFrame(rows, index=list(ends), columns=columns)


def guess_address(secret: str, guess: str, host: int) -> pd.DataFrame:
    """Hash an address, then look for it by hashing all addresses of its network.

    Parameters
    ----------
    secret : str
        The salt that the release was made with.
    guess : str
        The salt that somebody tries who has the release.
    host : int
        Last number of the address, 0 to 255.

    Returns
    -------
    DataFrame
        One row: the hash in the release, how many addresses were tried, what was found.
    """
    hashed = AddressHasher(secret.encode())(f"{_GUESSED_NETWORK}{host}")
    guessing = AddressHasher(guess.encode())
    tried = {guessing(f"{_GUESSED_NETWORK}{last}"): f"{_GUESSED_NETWORK}{last}"
             for last in range(256)}  # fmt: skip
    found = tried.get(hashed, "nothing")
    row = {"hash in the release": f"{hashed[:16]}…", "tried": len(tried), "found": found}
    return pd.DataFrame([row])


def shares_above(run: Run, threshold: float) -> pd.DataFrame:
    """Return which share of the messages Detoxify scores above a threshold, data set by data set.

    Parameters
    ----------
    run : Run
    threshold : float
        From 0.01 to 0.99; taken to two decimals.

    Returns
    -------
    DataFrame
        Index: data set. Columns: user, chatbot; percent with 95 % intervals, as texts.
    """
    column = f"{round(threshold * 100) / 100:g}"
    found = run.found("threshold-sweep")
    rows = {}
    for name, title in run.titles.items():
        cells = [found.get((f"{name} {role}", column)) for role in _ROLES]
        if any(cells):
            rows[title] = [
                f"{float(c.value or 0):.2f} ({c.ci_low or 0:.2f} to {c.ci_high or 0:.2f})"
                if c else "" for c in cells
            ]  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_ROLES))


def layout_of(run: Run, dataset: str) -> pd.DataFrame:
    """Return the points of WildChat and of one other data set in the plane of Figure 4."""
    points = run.table("figure-04-embeddings")
    return points if points.empty else points[points["dataset"].isin(["wildchat", dataset])]


def losses_on(run: Run, dataset: str) -> pd.DataFrame:
    """Return the models of the coverage matrix by their loss on one data set, the lowest first."""
    found = run.found("figure-03-coverage")
    cells = sorted(
        (cell for (_, column), cell in found.items() if column == dataset),
        key=lambda cell: float(cell.value or 0),
    )
    rows = [
        (run.titles.get(c.row, c.row), c.value, c.ci_low, c.ci_high, np.exp(float(c.value or 0)))
        for c in cells
    ]
    columns = ["trained on", "loss", "low", "high", "perplexity"]
    return pd.DataFrame(rows, columns=columns).set_index("trained on")


def win_rates(run: Run, tie_worth: float) -> pd.DataFrame:
    """Return win rates of each pair in both units, with a tie worth something else than a half.

    Parameters
    ----------
    run : Run
    tie_worth : float
        From 0, a tie counts as a loss, to 1, it counts as a win.

    Returns
    -------
    DataFrame
        Index: pair. Columns: comparisons, games; percent.
    """
    found = run.found("table-10-mtbench-pairs")
    rows = {}
    for pair in dict.fromkeys(row for row, _ in found):
        if (pair, "games-win") in found:
            rows[pair] = [
                float(found[pair, f"{unit}win"].value or 0)
                + tie_worth * float(found[pair, f"{unit}tie"].value or 0)
                for unit in ("", "games-")
            ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["comparisons", "games"])
