"""The second verdict of a simulated run: whether what had been planted was found again.

The planted value is the *realised* one of ``truth.json``, not a parameter. What rests on
planted labels must be equal. Where a classifier stands between, the value may be off by
what wrong labels can do, and that tolerance is stated beside the verdict.

How many labels are wrong: of *n* messages with an error rate of at most *e* (the upper
limit that was measured on labelled messages) no more than the 99 % quantile of
Binomial(n, e), W(n, e). For many messages W(n, e) / n tends to e; without *n*, e is taken.

================================  ====================================================
claim                             tolerance
================================  ====================================================
share of a language               W(n, e) / n: a share changes at most by the share of
                                  wrong labels; n user messages of the data set
share of a category of prompts    W(n, e + e') / n + h: e of the classifier of prompts, e' of
                                  lingua, n sampled of N English first prompts; h: how far a
                                  share of n is from that of N, by the 99.8 % two-sided
                                  quantiles of the hypergeometric distribution, 0 if n = N
number of languages               how many languages W(n, e) wrong labels can lift to
                                  the minimum, or pull below it, whichever is more
Detoxify (true share p)           [W(n p, fn) + W(n (1 - p), fp)] / n
either (true share e, and m by    [W(n (e - m), fn) + W(n (1 - e), fp)] / n: what
moderation, which is exact)       moderation flags is in "either" whatever Detoxify says
both (true share b, and m)        [W(n b, fn) + W(n (m - b), fp)] / n: what moderation
                                  does not flag is never in "both"
one head of Detoxify (share p)    [W(n p, fn) + W(n (1 - p), fp)] / n, fn and fp of that head;
                                  of turns as many may be wrong as messages may
share above a threshold           as Detoxify's, at the threshold at which errors were
                                  measured; not known for others
tokens of WildChat's messages     w d / n for the mean, d sqrt(w / n) for the deviation: w
                                  items that redaction missed or hid wrongly change the
                                  tokens of their messages by no more than d = 64 each
================================  ====================================================

fn and fp are the upper limits of the rates of false negatives and false positives of the
role; they are taken to be the same whether or not moderation flags a message.
"""

import math
from fnmatch import fnmatchcase
from typing import Any

from scipy.stats import hypergeom

from wildpaper.publish.planted import (
    COUNTS,
    OWN_PROMPTS,
    PROMPTS,
    Truth,
    Value,
    dataset_of,
    language_counts,
    named_languages,
    planted_value,
    prompt_counts,
)
from wildpaper.publish.toxicity_tolerances import RULES, Rule, Tolerance
from wildpaper.publish.wrong_labels import most_wrong, percent_wrong

_ROUNDING = 1e-9
_NOTHING = 1e-12
_SAMPLING = 0.998
"""Two-sided; one of the six shares of a run is farther off by chance in one of 80 runs."""
_MOST_TOKENS = 64
"""By which hiding an item, or not, changes a message: the longest of them have fewer."""


def compare(
    claim: str, obtained: Value | None, n: int | None, built: bool, truth: Truth
) -> dict[str, Any]:
    """Return the fields truth, truth_tolerance and truth_verdict of a claim.

    Parameters
    ----------
    claim : str
        Its id.
    obtained : int, float, str or None
        What the run found.
    n : int or None
        How many messages that is taken over; used where the truth does not say it.
    built : bool
        Whether the run builds the artifact. One that it builds and that gives no value
        although there is a truth has missed it.
    truth : Truth
        From `read_truth`.
    """
    value = planted_value(claim, truth)
    tolerance = None if value is None else tolerance_of(claim, value, n, truth)
    if value is None or tolerance is None or not built:
        verdict = None
    else:
        verdict = "recovered" if within(obtained, value, tolerance) else "missed"
    return {"truth": value, "truth_tolerance": tolerance, "truth_verdict": verdict}


def within(obtained: Value | None, value: Value, tolerance: float) -> bool:
    """Say whether a value is the planted one but for `tolerance`.

    Numbers may differ by one part in 10^9 besides: sums of floats depend on their order.
    """
    if obtained is None:
        return False
    if isinstance(obtained, str) or isinstance(value, str):
        return obtained == value
    exact = isinstance(obtained, int) and isinstance(value, int)
    slack = 0.0 if exact else max(_ROUNDING * abs(value), _NOTHING)
    return abs(obtained - value) <= tolerance + slack


def tolerance_of(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return how far a claim may be from its planted value, in its unit.

    Returns
    -------
    float or None
        0 where no classifier stands between; None where one does whose errors were not
        measured, so that nothing can be said.
    """
    for pattern, rule in _MEDIATED:
        if fnmatchcase(claim, pattern):
            try:
                return rule(claim, value, n, truth)
            except KeyError:
                return None
    return 0


def _language_share(claim: str, _: Value, n: int | None, truth: Truth) -> Tolerance:
    rate = truth.errors["language"]["error_high"]
    return percent_wrong(sum(language_counts(dataset_of(claim), truth).values()) or n, (1.0, rate))


def _language_count(claim: str, _: Value, __: int | None, truth: Truth) -> Tolerance:
    n = sum(language_counts(dataset_of(claim), truth).values())
    return most_wrong(n, truth.errors["language"]["error_high"])


def _prompt_share(claim: str, _: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return how far wrong labels and the choice of the sample can move a share."""
    rate = truth.errors["category"]["error_high"] + truth.errors["language"]["error_high"]
    counts = prompt_counts(truth)
    total = sum(counts.values())
    n = min(n or total, total)
    category = claim.rpartition(".")[2]
    return percent_wrong(n, (1.0, rate)) + sampling_error(counts[category], total, n)


def sampling_error(n_of_kind: int, total: int, n: int) -> float:
    """Return how far the percentage in a sample of `n` is from that in all, at most.

    Parameters
    ----------
    n_of_kind, total : int
        How many there are of a kind, and in all.
    n : int
        Drawn without replacement.

    Returns
    -------
    float
        In percent; exceeded in no more than 0.2 % of samples.
    """
    if n >= total:
        return 0.0
    tail = (1 - _SAMPLING) / 2
    ends = (hypergeom.ppf(q, total, n_of_kind, n) for q in (tail, 1 - tail))
    return float(max(abs(100 * end / n - 100 * n_of_kind / total) for end in ends))


def _n_languages(claim: str, _: Value, __: int | None, truth: Truth) -> Tolerance:
    """Return how many languages wrong labels can lift to the minimum, or pull below it.

    A language that was never planted needs the whole minimum of wrong labels. A wrong
    label lifts one language and pulls another, so the larger of both numbers bounds the
    difference.
    """
    dataset, minimum = dataset_of(claim), truth.minimum_prompts
    counts = language_counts(dataset, truth)
    wrong = most_wrong(sum(counts.values()), truth.errors["language"]["error_high"])
    named = named_languages(dataset, truth).values()
    lift = sorted(minimum - n for n in named if n < minimum) + [minimum] * (wrong // minimum)
    pull = sorted(n - minimum + 1 for n in named if n >= minimum)
    return max(_affordable(lift, wrong), _affordable(pull, wrong)) if counts else None


def _affordable(prices: list[int], budget: int) -> int:
    bought = 0
    for price in prices:
        budget -= price
        if budget < 0:
            break
        bought += 1
    return bought


def _tokens(claim: str, _: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return how much redaction's errors change the mean or deviation of tokens.

    Only users' messages hold what was planted. Moving values by x changes the deviation by
    no more than the root mean square of x.
    """
    n_wrong = truth.n_false + (truth.n_missed if ".user-" in claim else 0)
    n = n or int(truth.realised.get("table-01.wildchat.conversations", 0))
    if not n_wrong or not n:
        return 0
    share = n_wrong / n
    return _MOST_TOKENS * (share if claim.endswith("-mean") else math.sqrt(share))


_MEDIATED: tuple[tuple[str, Rule], ...] = (
    ("table-01.*.languages", _n_languages),
    (f"{PROMPTS}*", _prompt_share),
    (f"{OWN_PROMPTS}*", _prompt_share),
    ("table-01.wildchat.*-tokens-*", _tokens),
    ("table-05.*.*", _language_share),
    ("own.table-05-languages.*.*", _language_share),
    ("own.figure-02b-languages.*", _language_share),
    (f"{COUNTS}*.*", _language_count),
    *RULES,
)
