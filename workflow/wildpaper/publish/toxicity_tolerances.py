"""How far shares that rest on Detoxify may be from what was planted.

`wildpaper.publish.truth` says which formula holds for what.
"""

from collections.abc import Callable

from wildpaper.publish.planted import MONTHS, Truth, Value
from wildpaper.publish.wrong_labels import most_wrong, percent_wrong

Tolerance = float | None
Rule = Callable[[str, Value, int | None, Truth], Tolerance]

ROLES = ("user", "chatbot")
HEADS, OWN_HEADS = "table-12.", "own.table-12-detoxify-categories."
OWN_DATASETS, SWEEP = "own.table-07-toxicity-datasets.", "own.threshold-sweep."


def _rates(role: str, truth: Truth) -> tuple[float, float]:
    found = truth.errors["detoxify"][role]
    return found["false_negative_high"], found["false_positive_high"]


def _flagged(role: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return the tolerance of a share any part of which may be Detoxify's doing."""
    missed, false = _rates(role, truth)
    share = float(value) / 100
    return percent_wrong(n, (share, missed), (1 - share, false))


def _either_of(role: str, moderation: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    missed, false = _rates(role, truth)
    either = float(value) / 100
    exact = float(truth.realised.get(moderation, 0)) / 100
    return percent_wrong(n, (either - exact, missed), (1 - either, false))


def _both_of(role: str, moderation: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    missed, false = _rates(role, truth)
    both = float(value) / 100
    exact = float(truth.realised.get(moderation, 100)) / 100
    return percent_wrong(n, (both, missed), (exact - both, false))


def _overlap(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return the tolerance of ``table-06.<role>.<kind>``."""
    _, role, kind = claim.split(".")
    return _by_kind(kind, role, f"table-06.{role}.moderation", value, n, truth)


def _dataset(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return the tolerance of ``own.table-07-toxicity-datasets.<data set>.<role>.<kind>``."""
    dataset, role, kind = claim.removeprefix(OWN_DATASETS).split(".")
    return _by_kind(kind, role, f"table-07.{dataset}.{role}", value, n, truth)


def _by_kind(
    kind: str, role: str, moderation: str, value: Value, n: int | None, truth: Truth
) -> Tolerance:
    if kind == "detoxify":
        return _flagged(role, value, n, truth)
    rule = _either_of if kind == "either" else _both_of
    return rule(role, moderation, value, n, truth)


def _by_month(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    return _flagged(claim.rpartition(".")[2], value, n, truth)


def _success(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    known = truth.realised.get(claim.replace(".success", ".occurrences"))
    return _flagged("chatbot", value, n if known is None else int(known), truth)


def _sweep(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return the tolerance of a share above a threshold, if errors were measured at it."""
    role, threshold = claim.removeprefix(SWEEP).split(".", 2)[1:]
    if float(threshold) != truth.errors["threshold"]:
        return None
    return _flagged(role, value, n, truth)


def _head(claim: str, value: Value, n: int | None, truth: Truth) -> Tolerance:
    """Return the tolerance of the share of a head, by the larger error rate of both roles.

    A turn is wrong only if one of its messages is; there may be as many wrong ones as there
    are wrong messages.
    """
    dataset, head, units = _parts(claim)
    rates = truth.errors["detoxify"]["heads"][head]
    roles = ("user",) if units == "user-messages" else ROLES
    missed, false = (
        max(rates[role][f"false_{kind}_high"] for role in roles)
        for kind in ("negative", "positive")
    )
    share = float(value) / 100
    if units != "turns":
        return percent_wrong(n, (share, missed), (1 - share, false))
    n_turns = n or int(truth.realised[f"simulated.turns.{dataset}"])
    n_messages = sum(int(truth.realised[f"simulated.messages.{dataset}.{r}"]) for r in ROLES)
    planted = truth.realised.get(f"{HEADS}{dataset}.{head}")
    if planted is None:
        planted = truth.realised[f"{OWN_HEADS}{dataset}.{head}.messages"]
    n_flagged = round(n_messages * float(planted) / 100)
    n_wrong = most_wrong(n_flagged, missed) + most_wrong(n_messages - n_flagged, false)
    return 100 * min(n_wrong / n_turns, 1.0) if n_turns else None


def _parts(claim: str) -> tuple[str, str, str]:
    """Return (data set, head, units) of a share of Table 12."""
    parts = claim.removeprefix(OWN_HEADS).removeprefix(HEADS).split(".")
    return parts[0], parts[1], parts[2] if len(parts) > 2 else "messages"


RULES: tuple[tuple[str, Rule], ...] = (
    ("table-06.*.detoxify", _overlap),
    ("table-06.*.either", _overlap),
    ("table-06.*.both", _overlap),
    (f"{MONTHS}*.*", _by_month),
    (f"{OWN_DATASETS}*", _dataset),
    ("table-08.*.success", _success),
    (f"{HEADS}*", _head),
    (f"{OWN_HEADS}*", _head),
    (f"{SWEEP}*", _sweep),
)
"""Claims on which Detoxify's errors tell, and the rule of each."""
