"""Which conversation meets which phenomenon: rates, and a few of each in any run."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from wildpaper.acquire.simulation import scenarios
from wildpaper.acquire.simulation.personal import PUBLIC, Personal
from wildpaper.acquire.simulation.population import User
from wildpaper.acquire.simulation.scenarios import Scenario
from wildpaper.acquire.simulation.streams import stochastic_round
from wildpaper.acquire.simulation.targets import Jailbreak
from wildpaper.acquire.simulation.text_prompts import SHARED_PROMPTS


@dataclass(slots=True)
class Slot:
    """A conversation before it is written; `partner` is the slot it copies from.

    `families` are the prompts passed on in its first turns, of jailbreaks or other ones.
    """

    place: int
    user: User
    number: int
    n_turns: int
    model: str
    phenomenon: str = "plain"
    partner: "Slot | None" = None
    reserved: bool = False
    settled: bool = True
    families: list[str | None] = field(default_factory=list)
    mention: Personal = ()

    @property
    def free(self) -> bool:
        """Whether nothing was planned for it and its user consents."""
        return self.settled and not self.reserved and self.phenomenon == "plain"

    @property
    def copies(self) -> bool:
        """Whether it says what its partner said."""
        return self.phenomenon in ("copy-own", "copy-other")

    @property
    def opens_alike(self) -> bool:
        """Whether it begins as its partner does."""
        return self.phenomenon in ("same-opening-own", "same-opening-other")


@dataclass(frozen=True)
class Phenomenon:
    """How often it is met, how often at least in the first block, and what it needs."""

    name: str
    rate: float
    least: int
    scenario: Scenario
    min_turns: int = 1
    max_turns: int = 10_000
    model: str | None = None


PHENOMENA = (
    Phenomenon("first-moment", 0.0, 1, scenarios.plain, model="gpt-3.5-turbo-0301"),
    Phenomenon("last-moment", 0.0, 1, scenarios.plain, model="gpt-3.5-turbo-0125"),
    Phenomenon("before-start", 0.0010, 2, scenarios.before_start, model="gpt-3.5-turbo-0301"),
    Phenomenon("across-start", 0.0005, 2, scenarios.across_start, 2, model="gpt-3.5-turbo-0301"),
    Phenomenon("later-regenerated-continued", 0.003, 2, scenarios.later_regenerated_continued, 3),
    Phenomenon("middle-missing", 0.004, 3, scenarios.middle_missing, 3),
    Phenomenon("later-regenerated", 0.005, 3, scenarios.later_regenerated, 2),
    Phenomenon("later-edited", 0.004, 3, scenarios.later_edited, 2),
    Phenomenon("last-logged-twice", 0.002, 2, scenarios.last_logged_twice, 2),
    Phenomenon("address-changed", 0.015, 3, scenarios.address_changed, 2),
    Phenomenon("model-changed", 0.003, 2, scenarios.model_changed, 2),
    Phenomenon("first-missing", 0.001, 2, scenarios.first_missing, 2),
    Phenomenon("same-time", 0.003, 2, scenarios.same_time, 2),
    Phenomenon("long-pause", 0.005, 2, scenarios.plain, 2),
    Phenomenon("first-regenerated", 0.004, 3, scenarios.first_regenerated),
    Phenomenon("first-regenerated-continued", 0.003, 2, scenarios.first_regenerated_continued, 2),
    Phenomenon("first-edited", 0.004, 2, scenarios.first_edited),
    Phenomenon("first-logged-twice", 0.002, 2, scenarios.first_logged_twice),
    Phenomenon("retry", 0.020, 3, scenarios.retry),
    Phenomenon("minors-flag", 0.001, 2, scenarios.plain),
    Phenomenon("failed-end", 0.003, 2, scenarios.failed_end),
    Phenomenon("copy-own", 0.003, 2, scenarios.plain),
    Phenomenon("copy-other", 0.006, 3, scenarios.plain),
    Phenomenon("same-opening-own", 0.002, 2, scenarios.plain),
    Phenomenon("same-opening-other", 0.003, 2, scenarios.plain),
    Phenomenon("same-moment", 0.002, 2, scenarios.plain, max_turns=1),
)
"""Rates are shares of conversations; those with the strongest needs first."""

MALFORMED = {"truncated": 0.001, "no-headers": 0.001, "null-headers": 0.001,
             "system-first": 0.001, "two-user-messages": 0.0005, "bad-address": 0.0005,
             "no-reply": 0.0005, "own-traffic": 0.001}  # fmt: skip
"""Lines beside the conversations that are no call of a user's, a conversation."""
LEAST_MALFORMED = 2

REPEATED_IDS = 0.0005
"""Lines that bear the name of an earlier answer with another text, a conversation."""
OVERLAP, LEAST_OVERLAP = 0.01, 5
"""Lines of the first block that a second file of calls repeats."""

ONE_WITHDRAWN = "withdrawn-one"
CONSENTS = {ONE_WITHDRAWN: 0.003, "late": 0.006, "withdrawn": 0.006, "none": 0.008,
            "agree-only": 0.004, "publish-only": 0.002}  # fmt: skip
"""Shares of users whose consent is incomplete, or who withdraw in one of two sessions."""
LEAST_CONSENTS = 2
_FEW_CONVERSATIONS = 6

_LONGEST_COPIED = 6
_SCENARIOS = {phenomenon.name: phenomenon.scenario for phenomenon in PHENOMENA}


def scenario_of(name: str) -> Scenario:
    """Return the scenario of a phenomenon; what none is named for is plain."""
    return _SCENARIOS.get(name, scenarios.plain)


def quota(rng: random.Random, first_block: bool, rate: float, n: int, least: int) -> int:
    """Return how many of `n` meet something; at least `least` in the first block."""
    drawn = stochastic_round(rng, rate * n)
    return max(drawn, least) if first_block else drawn


def plan_consents(rng: random.Random, first_block: bool, users: list[User]) -> dict[int, str]:
    """Return {user: kind of incomplete consent}; all others consent before they begin."""
    found: dict[int, str] = {}
    for kind, rate in CONSENTS.items():
        wanted = quota(rng, first_block, rate, len(users), LEAST_CONSENTS)
        least = 2 if kind in ("late", ONE_WITHDRAWN) else 1
        free = [user for user in users if user.index not in found
                and least <= user.n_conversations <= _FEW_CONVERSATIONS]  # fmt: skip
        for user in rng.sample(free, min(wanted, len(free))):
            found[user.index] = kind
    return found


def plan_phenomena(rng: random.Random, first_block: bool, slots: list[Slot]) -> None:
    """Assign phenomena to free slots, at most one to each."""
    for phenomenon in PHENOMENA:
        wanted = quota(rng, first_block, phenomenon.rate, len(slots), phenomenon.least)
        for slot in _fitting(rng, phenomenon, slots, wanted):
            if not slot.free:  # became a partner meanwhile
                continue
            partner = _partner(rng, phenomenon.name, slot, slots)
            if partner is None and phenomenon.name in _PARTNERS:
                continue
            slot.phenomenon = phenomenon.name
            slot.model = phenomenon.model or slot.model
            if partner is not None:
                partner.phenomenon = "source"
                _join(slot, partner)


def _fitting(
    rng: random.Random, phenomenon: Phenomenon, slots: list[Slot], wanted: int
) -> list[Slot]:
    """Return `wanted` free slots, with as many turns as are needed; short ones are lengthened."""
    free = [slot for slot in slots if slot.free]
    fitting = [s for s in free if phenomenon.min_turns <= s.n_turns <= phenomenon.max_turns]
    chosen = rng.sample(fitting, min(wanted, len(fitting)))
    short = [slot for slot in free if slot.n_turns < phenomenon.min_turns]
    for slot in rng.sample(short, min(wanted - len(chosen), len(short))):
        slot.n_turns = phenomenon.min_turns
        chosen.append(slot)
    return chosen


_PARTNERS: dict[str, Callable[[Slot, Slot], bool]] = {
    "copy-own": lambda slot, other: other.n_turns <= _LONGEST_COPIED,
    "copy-other": lambda slot, other: (
        other.user is not slot.user and other.n_turns <= _LONGEST_COPIED
    ),
    "same-opening-own": lambda slot, other: True,
    "same-opening-other": lambda slot, other: other.user is not slot.user,
    "same-moment": lambda slot, other: other.user is not slot.user,
}
_OWN = ("copy-own", "same-opening-own")
_TRIES = 200


def _partner(rng: random.Random, name: str, slot: Slot, slots: list[Slot]) -> Slot | None:
    """Return a slot to copy from; None if the phenomenon needs none, or none was found."""
    fits = _PARTNERS.get(name)
    if fits is None:
        return None
    near = [s for s in slots if s.user is slot.user] if name in _OWN else slots
    for _ in range(_TRIES):
        other = near[int(rng.random() * len(near))]
        if other is not slot and other.free and fits(slot, other):
            return other
    return None


def _join(slot: Slot, partner: Slot) -> None:
    slot.partner = partner
    if slot.copies:
        slot.n_turns = partner.n_turns
    if slot.copies or slot.phenomenon == "same-moment":
        slot.model = partner.model


LEAST_SHARING = 4
"""Users of the first block who try each family of jailbreaks, at least."""


def plan_jailbreaks(
    rng: random.Random, first_block: bool, slots: list[Slot], families: dict[str, Jailbreak],
    raised: float,
) -> None:  # fmt: skip
    """Assign jailbreak prompts to first turns; a user who tries one tries it often.

    In the first block, at least `LEAST_SHARING` users try each family.
    """
    n_turns = sum(slot.n_turns for slot in slots)
    least = LEAST_SHARING if first_block else 0
    for family, target in families.items():
        rate = target.per_turn * raised
        wanted = quota(rng, first_block, rate, n_turns, least)
        each = max(1, round(1 / target.users_share))
        if first_block:
            each = min(each, wanted // LEAST_SHARING)
        free = [slot for slot in slots if slot.free and not slot.families]
        rng.shuffle(free)
        by_user: dict[int, list[Slot]] = {}
        for slot in free:
            by_user.setdefault(slot.user.index, []).append(slot)
        for own in by_user.values():
            if wanted <= 0:
                break
            wanted -= _spread(own, family, min(wanted, each))


def _spread(slots: list[Slot], family: str, wanted: int) -> int:
    """Let the first turns of a user's conversations try a family; return how many do."""
    done = 0
    for slot in slots:
        if done == wanted:
            break
        n = min(slot.n_turns, wanted - done)
        slot.families = [family] * n
        done += n
    return done


SHARED, LEAST_SHARED = 0.001, 4
"""Conversations that begin with one of the long prompts that are no jailbreaks."""


def plan_shared(rng: random.Random, first_block: bool, slots: list[Slot]) -> None:
    """Let conversations begin with a prompt that is passed on, each of another user."""
    for name in SHARED_PROMPTS:
        wanted = quota(rng, first_block, SHARED, len(slots), LEAST_SHARED)
        free = [slot for slot in slots if slot.free and not slot.families]
        rng.shuffle(free)
        by_user = {slot.user.index: slot for slot in free}
        for slot in list(by_user.values())[:wanted]:
            slot.families = [name]


def plan_reserved(rng: random.Random, first_block: bool, slots: list[Slot], rate: float) -> None:
    """Reserve conversations for WildBench, one of a pair with the same opening among them."""
    wanted = quota(rng, first_block, rate, len(slots), 3)
    pairs = [slot for slot in slots if slot.opens_alike]
    free = [slot for slot in slots if slot.free and not slot.families]
    chosen = pairs[: min(2, wanted)]
    chosen += rng.sample(free, min(wanted - len(chosen), len(free)))
    for slot in chosen:
        slot.reserved = True


MENTIONS, LEAST_MENTIONS = 0.002, 13
"""Conversations that begin with a public number or address; more than the rules' threshold."""


def plan_mentions(rng: random.Random, first_block: bool, slots: list[Slot]) -> None:
    """Let conversations that are released begin with something public, each with one."""
    for item in PUBLIC:
        wanted = quota(rng, first_block, MENTIONS, len(slots), LEAST_MENTIONS)
        free = [slot for slot in slots if slot.free and not slot.families and not slot.mention]
        for slot in rng.sample(free, min(wanted, len(free))):
            slot.mention = (item,)
