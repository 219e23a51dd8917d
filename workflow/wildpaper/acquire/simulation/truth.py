"""The truth that was planted, under the ids of the claims that should recover it."""

from collections.abc import Mapping
from typing import Any

from wildpaper.acquire.simulation.dialogue import SHARE_DECOY
from wildpaper.acquire.simulation.personal import SHARE
from wildpaper.acquire.simulation.phenomena import (
    CONSENTS,
    LEAST_SHARING,
    MALFORMED,
    MENTIONS,
    OVERLAP,
    PHENOMENA,
    REPEATED_IDS,
    SHARED,
)
from wildpaper.acquire.simulation.places import COUNTRIES
from wildpaper.acquire.simulation.schedule import MONTHS, moment
from wildpaper.acquire.simulation.tally import ROLES, Tally
from wildpaper.acquire.simulation.targets import MODELS, OTHER_LANGUAGES, Targets, jailbreak_raise
from wildpaper.acquire.simulation.toxicity_truth import toxicity_by_dataset

MANY_USERS = 3
"""Users from whom on a prompt that they begin with is shared by many."""

TOP_USERS = {"0.1": 1000, "1": 100, "10": 10}
"""{percent of the users: all users over these}."""

_UNANSWERED = ("unparsable-line", "no-headers", "malformed-address", "wrong-roles", "failed-call",
               "duplicate-call", "own-traffic")  # fmt: skip
_CONVERSATION_REASONS = ("no-consent", "withdrawn", "wildbench", "sexual-minors")
_CALL_REASONS = (*_UNANSWERED, "before-start", "missing-turn", *_CONVERSATION_REASONS)


def realised(tally: Tally, targets: Targets) -> dict[str, Any]:
    """Return {claim id: value} of the simulated WildChat, percentages unrounded."""
    counts = tally.counts
    n, turns = counts["conversations"], counts["turns"]
    n_wildbench = counts["dropped-conversations.wildbench"]
    n_minors = counts["dropped-conversations.sexual-minors"]
    unanswered = sum(counts[f"dropped.{reason}"] for reason in _UNANSWERED)
    gpt4 = sum(counts[f"model.{name}"] for name in MODELS.values() if name.startswith("gpt-4"))
    found: dict[str, Any] = {
        "collection.turns-raw": counts["lines"] - unanswered,
        "collection.conversations-linked": n + n_wildbench + n_minors,
        "collection.conversations-wildbench": n_wildbench,
        "collection.conversations-released": n,
        "collection.turns-released": turns,
        "collection.start": moment(tally.first).date().isoformat(),
        "collection.end": moment(tally.last).date().isoformat(),
        "collection.conversations-section3": n,
        "collection.gpt4-gap": _gap(tally),
        "collection.users": counts["users"],
        "turns.mean-text": turns / n,
        "turns.multi-turn-share": 100 * counts["conversations.multi-turn"] / n,
        "turns.more-than-10-share": 100 * counts["conversations.more-than-10"] / n,
        "apis.gpt4-share": 100 * gpt4 / n,
        "apis.gpt35-share": 100 * (n - gpt4) / n,
    }
    found |= _table_01(tally, targets)
    found |= {f"table-02.{k}": 100 * counts[f"model.{m}"] / n for k, m in MODELS.items()}
    for country in COUNTRIES:
        share = 100 * counts[f"users.{country.slug}"] / counts["users"]
        printed = country.slug in targets.countries
        found[f"table-03.{country.slug}" if printed else f"simulated.users.{country.slug}"] = share
    parts = (_languages(tally, targets), _toxicity(tally), _jailbreaks(tally, targets),
             _ledger(tally), _categories(tally, targets), concentration(tally.users_by_turns),
             _by_month(tally))  # fmt: skip
    for part in parts:
        found |= part
    return found


def _table_01(tally: Tally, targets: Targets) -> dict[str, Any]:
    counts = tally.counts
    spoken = [n for name, n in counts.items()
              if name.startswith("language.user.") and not name.endswith(".Nolang")]  # fmt: skip
    row: dict[str, Any] = {
        "conversations": counts["conversations"],
        "users": counts["users"],
        "turns-per-conversation": counts["turns"] / counts["conversations"],
    }
    for role in ROLES:
        if role in tally.tokens:
            row[f"{role}-tokens-mean"] = tally.tokens[role].mean
            row[f"{role}-tokens-std"] = tally.tokens[role].deviation
    row["languages"] = sum(n >= targets.minimum_prompts for n in spoken)
    found = {f"table-01.wildchat.{column}": value for column, value in row.items()}
    if "user-redacted" in tally.tokens:
        hidden = tally.tokens["user-redacted"]
        found["simulated.user-tokens-mean.redacted"] = hidden.mean
        found["simulated.user-tokens-std.redacted"] = hidden.deviation
    return found


def _languages(tally: Tally, targets: Targets) -> dict[str, Any]:
    counts = tally.counts
    found: dict[str, Any] = {}
    n = counts["messages.user"]
    printed = [name for name in targets.languages if name not in OTHER_LANGUAGES]
    for name in printed:
        found[f"table-05.wildchat.{name.lower()}"] = 100 * counts[f"language.user.{name}"] / n
    rest = n - sum(counts[f"language.user.{name}"] for name in printed)
    found["table-05.wildchat.other"] = 100 * rest / n
    for name in (*targets.languages, "Nolang"):
        found[f"simulated.user-messages.wildchat.{name}"] = counts[f"language.user.{name}"]
    return found


def _toxicity(tally: Tally) -> dict[str, Any]:
    counts = tally.counts
    found: dict[str, Any] = {}
    for role in ROLES:
        n = counts[f"messages.{role}"]
        for kind in ("detoxify", "moderation", "either", "both"):
            found[f"table-06.{role}.{kind}"] = 100 * counts[f"{kind}.{role}"] / n
        for month in MONTHS:
            if messages := counts[f"messages.{role}.{month}"]:
                share = 100 * counts[f"toxic.{role}.{month}"] / messages
                found[f"simulated.toxic-share.{role}.{month}"] = share
        for name in sorted(counts):
            if name.startswith(f"category.{role}."):
                found[f"simulated.moderation.{role}.{name.split('.')[2]}"] = counts[name]
    found |= toxicity_by_dataset("wildchat", counts)
    if flagged := counts["moderation.user"]:
        found["toxicity.sexual-share"] = 100 * counts["category.user.sexual"] / flagged
    return found


def _jailbreaks(tally: Tally, targets: Targets) -> dict[str, Any]:
    counts = tally.counts
    found: dict[str, Any] = {}
    for family in targets.jailbreaks:
        occurrences, users, successes = (
            counts[f"jailbreak.{family}.{name}"] for name in ("occurrences", "users", "successes")
        )
        found[f"simulated.jailbreak.{family}.occurrences"] = occurrences
        found[f"simulated.jailbreak.{family}.users"] = users
        found[f"simulated.jailbreak.{family}.successes"] = successes
        found[f"table-08.{family}.occurrences"] = occurrences
        found[f"table-08.{family}.users"] = users
        if occurrences:
            found[f"table-08.{family}.success"] = 100 * successes / occurrences
    found["own.jailbreak-discovery.families"] = sum(
        counts[f"jailbreak.{family}.first-users"] >= MANY_USERS for family in targets.jailbreaks
    )
    for name in ("jailbreak-decoys", "shared-prompts"):
        found[f"simulated.{name}"] = counts[name]
    return found


def _ledger(tally: Tally) -> dict[str, Any]:
    counts = tally.counts
    found: dict[str, Any] = {"simulated.calls": counts["lines"]}
    for reason in _CALL_REASONS:
        found[f"simulated.ledger.{reason}"] = counts[f"dropped.{reason}"]
    for reason in _CONVERSATION_REASONS:
        dropped = counts[f"dropped-conversations.{reason}"]
        found[f"simulated.ledger-conversations.{reason}"] = dropped
    found["simulated.duplicates"] = tally.n_duplicates
    for name in sorted(counts):
        if name.startswith(("personal.", "phenomenon.")):
            found[f"simulated.{name}"] = counts[name]
    return found


def _categories(tally: Tally, targets: Targets) -> dict[str, Any]:
    counts = tally.counts
    return {
        f"simulated.prompt-categories.{name}": counts[f"prompt-category.{name}"]
        for name in targets.categories
    }


def concentration(users_by_turns: Mapping[int, int]) -> dict[str, float]:
    """Return the Gini coefficient of turns over users, and percent of turns by the top users.

    Parameters
    ----------
    users_by_turns : mapping
        {turns: number of users who have so many}.

    Notes
    -----
    With the users in the order of their turns x, 1 to n, the coefficient is
    sum((2 i - n - 1) x_i) / (n sum x). The top p percent are the ceil(p n / 100) users with the
    most turns. Sums are of integers.
    """
    rising = sorted((turns, n) for turns, n in users_by_turns.items() if n)
    n_users = sum(n for _, n in rising)
    n_turns = sum(turns * n for turns, n in rising)
    spread, below = 0, 0
    for turns, n in rising:
        # 2 i - n_users - 1, summed over the ranks i from below + 1 to below + n.
        spread += turns * n * (2 * below + n - n_users)
        below += n
    found = {"own.use-concentration.gini": spread / (n_users * n_turns)}
    for percent, parts in TOP_USERS.items():
        left, top = -(-n_users // parts), 0
        for turns, n in reversed(rising):
            top += turns * min(n, left)
            left -= min(n, left)
        found[f"own.use-concentration.top-{percent}"] = 100 * top / n_turns
    return found


def _by_month(tally: Tally) -> dict[str, int]:
    """Return conversations by month of the last turn and family of the model."""
    found = {}
    for month in MONTHS:
        if n := tally.counts[f"month.{month}"]:
            n_gpt4 = tally.counts[f"gpt4-month.{month}"]
            for family, count in (("gpt-4", n_gpt4), ("gpt-3.5", n - n_gpt4)):
                found[f"own.conversations-by-month.{month}.{family}"] = count
    return found


def _gap(tally: Tally) -> str:
    """Return the first and last month of the longest run of months without GPT-4."""
    held = [place for place, month in enumerate(MONTHS) if tally.counts[f"month.{month}"]]
    longest: list[str] = []
    run: list[str] = []
    for month in MONTHS[held[0] : held[-1] + 1]:
        run = [] if tally.counts[f"gpt4-month.{month}"] else [*run, month]
        longest = run if len(run) > len(longest) else longest
    return f"{longest[0]} to {longest[-1]}" if longest else "none"


def scaled(found: dict[str, Any], n_conversations: int) -> list[str]:
    """Return the ids whose rates are above the published ones, or were invented."""
    ids = [name for name in found if name.startswith("simulated.phenomenon.")]
    ids += [f"simulated.ledger.{reason}" for reason in _CALL_REASONS]
    ids += ["own.jailbreak-discovery.families", "simulated.jailbreak-decoys"]
    ids += ["simulated.shared-prompts"]
    if jailbreak_raise(n_conversations) > 1:
        ids += [
            name
            for name in found
            if name.startswith(("table-08.", "simulated.jailbreak."))
            and name.endswith((".occurrences", ".users", ".successes"))
        ]
    return sorted(ids)


def rates() -> dict[str, Any]:
    """Return the rates of what is planted, for truth.json's parameters."""
    return {
        "phenomena": {p.name: p.rate for p in PHENOMENA},
        "malformed": dict(MALFORMED),
        "consents": dict(CONSENTS),
        "repeated_ids": REPEATED_IDS,
        "overlap": OVERLAP,
        "personal": SHARE,
        "mentions": MENTIONS,
        "shared_prompts": SHARED,
        "least_sharing": LEAST_SHARING,
        "decoys": SHARE_DECOY,
    }
