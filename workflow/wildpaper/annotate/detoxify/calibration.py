"""How well scores tell toxic texts from others, and what they are worth as probabilities."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

N_BINS = 10
"""Bins of a reliability diagram, of equal width."""

THRESHOLDS = tuple(i / 100 for i in range(1, 100))
"""Thresholds of a sweep."""

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


class Auc(NamedTuple):
    """Area under the ROC curve and the ends of its interval, None where there are none."""

    value: float | None
    low: float | None
    high: float | None


def assess_scores(scores: Floats, toxic: Booleans, threshold: float) -> dict[str, Any]:
    """Compare scores with judgments.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Between 0 and 1; n is at least 1.
    toxic : ndarray of bool, shape (n,)
        The judgments.
    threshold : float
        A text is taken for toxic if its score exceeds this.

    Returns
    -------
    dict
        JSON values: ``auc`` and ``average_precision`` (None where all texts are toxic, or
        none); ``brier``, the mean squared difference of score and judgment; ``bins`` of
        equal width, and ``calibration_error``, the mean over texts of the difference
        between mean score and toxic share of their bin; ``at_threshold``, and a ``sweep``
        of `THRESHOLDS`.
    """
    n_toxic = int(toxic.sum())
    both = 0 < n_toxic < len(toxic)
    bins = _bins(scores, toxic)
    gaps = (abs(bin_["score_sum"] - bin_["n_toxic"]) for bin_ in bins)
    return {
        "n": len(toxic),
        "n_toxic": n_toxic,
        "auc": auc_of(scores, toxic)._asdict(),
        "average_precision": float(average_precision_score(toxic, scores)) if both else None,
        "brier": float(((scores - toxic) ** 2).mean()),
        "calibration_error": sum(gaps) / len(toxic),
        "bins": bins,
        "at_threshold": _flagged(scores, toxic, threshold),
        "sweep": [_flagged(scores, toxic, value) for value in THRESHOLDS],
    }


def auc_of(scores: Floats, toxic: Booleans, level: float = 0.95) -> Auc:
    """Return the area under the ROC curve with DeLong's interval.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
    toxic : ndarray of bool, shape (n,)
    level : float
        Of the interval, which is taken on the logit scale and so stays between 0 and 1.

    Returns
    -------
    Auc
        Without a value where all texts are toxic, or none; without an interval where fewer
        than two of a kind are there, or the scores part both kinds without an error: then
        nothing varies that could tell how sure that is.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845. Ranks as in Sun and
    Xu (2014), IEEE Signal Processing Letters 21, 1389-1393.
    """
    n_toxic, n_other = int(toxic.sum()), int((~toxic).sum())
    if not n_toxic or not n_other:
        return Auc(None, None, None)
    value = float(roc_auc_score(toxic, scores))
    if min(n_toxic, n_other) < 2 or value in (0.0, 1.0):
        return Auc(value, None, None)
    ranks = rankdata(scores)
    above = (ranks[toxic] - rankdata(scores[toxic])) / n_other
    below = 1 - (ranks[~toxic] - rankdata(scores[~toxic])) / n_toxic
    error = np.sqrt(above.var(ddof=1) / n_toxic + below.var(ddof=1) / n_other)
    half = norm.ppf((1 + level) / 2) * error / (value * (1 - value))
    return Auc(value, float(expit(logit(value) - half)), float(expit(logit(value) + half)))


def _bins(scores: Floats, toxic: Booleans) -> list[dict[str, Any]]:
    """Count texts by score; a score of 1 is in the last bin."""
    place = np.minimum((scores * N_BINS).astype(np.int64), N_BINS - 1)
    return [
        {
            "low": i / N_BINS,
            "high": (i + 1) / N_BINS,
            "n": int((place == i).sum()),
            "n_toxic": int(toxic[place == i].sum()),
            "score_sum": float(scores[place == i].sum()),
        }
        for i in range(N_BINS)
    ]


def _flagged(scores: Floats, toxic: Booleans, threshold: float) -> dict[str, Any]:
    flagged = scores > threshold
    return {
        "threshold": threshold,
        "n_toxic_flagged": int((flagged & toxic).sum()),
        "n_other_flagged": int((flagged & ~toxic).sum()),
    }
