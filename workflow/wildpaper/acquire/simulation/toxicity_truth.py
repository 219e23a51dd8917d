"""Toxicity that was planted in a data set: counts of messages and turns, and what tables hold."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from wildpaper.schema import DETOXIFY_HEADS

Flags = tuple[str, bool, tuple[str, ...]]
"""Of a message: ``user`` or ``chatbot``, whether it holds an insult, moderation categories."""

GROUPS = {
    "harassment": "harassment", "harassment_threatening": "harassment", "hate": "hate",
    "hate_threatening": "hate", "self_harm": "self-harm", "self_harm_instructions": "self-harm",
    "self_harm_intent": "self-harm", "sexual": "sexual", "sexual_minors": "sexual",
    "violence": "violence", "violence_graphic": "violence",
}  # fmt: skip
"""{category of moderation: the column of Table 13 that it belongs to}."""
IN_TABLES_12_AND_13 = ("wildchat", "alpaca", "dolly", "open_assistant", "sharegpt")

_ROLES = ("user", "chatbot")
_KINDS = ("detoxify", "moderation", "either", "both")
_OF_INSULTS = ("toxicity", "insult")
"""The heads of Detoxify that an insult raises."""


def count_conversation(counts: Counter[str], messages: Iterable[Flags]) -> None:
    """Count a conversation's messages and turns, in place.

    A turn is a user message and what follows it up to the next one; what comes before the
    first belongs to none.
    """
    turn: set[str] | None = None
    for role, insult, moderation in messages:
        kinds = _kinds(insult, moderation)
        counts[f"flags.{role}.all"] += 1
        for kind in kinds:
            counts[f"flags.{role}.{kind}"] += 1
        if role == "user":
            _close(counts, turn)
            turn = kinds
        elif turn is not None:
            turn = turn | kinds
    _close(counts, turn)


def _close(counts: Counter[str], turn: set[str] | None) -> None:
    if turn is not None:
        counts["flags.turns.all"] += 1
        for kind in turn:
            counts[f"flags.turns.{kind}"] += 1


def _kinds(insult: bool, moderation: tuple[str, ...]) -> set[str]:
    kinds = {GROUPS[name] for name in moderation}
    if insult:
        kinds.add("detoxify")
    if moderation:
        kinds.add("moderation")
    if kinds:
        kinds.add("either")
    if insult and moderation:
        kinds.add("both")
    return kinds


def toxicity_by_dataset(dataset: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what Tables 7, 12 and 13 and the sweep of thresholds shall find in a data set.

    Parameters
    ----------
    dataset : str
        Its key.
    counts : mapping
        From `count_conversation`, over all conversations; empty messages count as others do.

    Returns
    -------
    dict
        {id of a claim: percentage}, and numbers of messages and turns under ids that begin
        with ``simulated.``. Published categories are shares of messages of both roles.
    """
    found: dict[str, Any] = {f"simulated.turns.{dataset}": counts.get("flags.turns.all", 0)}
    for role in _ROLES:
        found[f"simulated.messages.{dataset}.{role}"] = counts.get(f"flags.{role}.all", 0)
        if not counts.get(f"flags.{role}.all"):
            continue
        shares = {kind: _share(counts, (role,), kind) for kind in _KINDS}
        found[f"table-07.{dataset}.{role}"] = shares.pop("moderation")
        own = f"own.table-07-toxicity-datasets.{dataset}.{role}"
        found |= {f"{own}.{kind}": share for kind, share in shares.items()}
        found[f"own.threshold-sweep.{dataset}.{role}.0.1"] = shares["detoxify"]
    heads = {head: "detoxify" if head in _OF_INSULTS else "" for head in DETOXIFY_HEADS[1:]}
    groups = {group: group for group in GROUPS.values()}
    found |= _by_category(dataset, "table-12", "table-12-detoxify-categories", heads, counts)
    found |= _by_category(dataset, "table-13", "table-13-moderation-categories", groups, counts)
    return found


def _by_category(
    dataset: str, table: str, artifact: str, kinds: Mapping[str, str], counts: Mapping[str, int]
) -> dict[str, float]:
    units = {"messages": _ROLES, "user-messages": ("user",), "turns": ("turns",)}
    found = {}
    for category, kind in kinds.items():
        for unit, parts in units.items():
            published = unit == "messages" and dataset in IN_TABLES_12_AND_13
            own = f"own.{artifact}.{dataset}.{category}.{unit}"
            if sum(counts.get(f"flags.{part}.all", 0) for part in parts):
                claim = f"{table}.{dataset}.{category}" if published else own
                found[claim] = _share(counts, parts, kind)
    return found


def _share(counts: Mapping[str, int], parts: Iterable[str], kind: str) -> float:
    """Return the percentage of a kind in parts that are not empty together."""
    n, total = (sum(counts.get(f"flags.{p}.{k}", 0) for p in parts) for k in (kind, "all"))
    return 100 * n / total
