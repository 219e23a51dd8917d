"""How many labels a classifier may get wrong of so many messages."""

from scipy.stats import binom

_CONFIDENCE = 0.99


def most_wrong(n: int, rate: float) -> int:
    """Return W(n, rate): the 99 % quantile of the number of wrong labels among n."""
    return int(binom.ppf(_CONFIDENCE, n, min(rate, 1.0))) if n > 0 and rate > 0 else 0


def percent_wrong(n: int | None, *parts: tuple[float, float]) -> float:
    """Return the share, in percent of n, of the wrong labels in (part of n, error rate)."""
    parts = tuple((min(max(part, 0.0), 1.0), rate) for part, rate in parts)
    if not n:
        return 100 * sum(part * rate for part, rate in parts)
    return 100 * sum(most_wrong(round(n * part), rate) for part, rate in parts) / n
