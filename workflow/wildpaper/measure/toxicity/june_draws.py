"""Flagged turns by user and day as the simulated study draws them, without texts."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from wildpaper.acquire.simulation.dialogue import (
    JAILBREAK_FACTOR,
    MOST_TOXIC,
    REPLY_TO_TOXIC,
    SHARE_EMPTY,
)
from wildpaper.acquire.simulation.phenomena import Slot, plan_jailbreaks
from wildpaper.acquire.simulation.population import (
    TOXIC_FACTOR,
    TOXIC_USERS,
    User,
    draw_blocks,
)
from wildpaper.acquire.simulation.schedule import DAY, END, JUNE_UPDATE, WINDOWS, before_update
from wildpaper.acquire.simulation.streams import BLOCK, stream
from wildpaper.acquire.simulation.targets import Targets, jailbreak_raise
from wildpaper.measure.coverage_lengths import wildchat_turns
from wildpaper.measure.toxicity.june_series import Turns

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NO_DROP = {"user": 1.0, "chatbot": 1.0}


class JuneStudy:
    """Draws samples of `wildpaper.acquire.simulation`, with a drop of any size.

    Users, their numbers of conversations and tempers, models, times, turns, bursts of
    jailbreak prompts and the toxicity of messages are the simulator's; what it plants
    beside (copies, edits, withdrawals) is left out.

    Parameters
    ----------
    targets : Targets
    factor : mapping
        As `wildpaper.acquire.simulation.dialogue.UPDATE_FACTOR`.
    burst_days : float, optional
        All conversations of a user begin within so many days; by default they are spread
        over the whole study, as the simulator spreads them.
    """

    def __init__(
        self, targets: Targets, factor: Mapping[str, float], burst_days: float | None = None
    ) -> None:
        self.targets, self.burst_days = targets, burst_days
        early = before_update(targets.models)
        self.factors = {
            role: np.array([(1 - early * f) / (1 - early), f]) for role, f in factor.items()
        }
        self.turns = wildchat_turns(targets)
        weights = np.array(list(targets.models.values()))
        self.models = weights / weights.sum()
        self.windows = np.array(
            [(WINDOWS[model].start, WINDOWS[model].end) for model in targets.models]
        )
        self.user, chatbot = (targets.toxicity[role].either for role in ("user", "chatbot"))
        self.clean = (chatbot - self.user * REPLY_TO_TOXIC) / (1 - self.user)

    def draw(self, n_conversations: int, seed: int) -> Turns:
        """Return the turns of a sample of so many conversations."""
        rng = np.random.default_rng([seed, n_conversations])
        blocks = draw_blocks(n_conversations, self.targets, int(rng.integers(2**32)))
        counts = np.concatenate([block.n_conversations for block in blocks])
        rare = (1 - TOXIC_USERS * TOXIC_FACTOR) / (1 - TOXIC_USERS)
        temper = np.where(rng.random(len(counts)) < TOXIC_USERS, TOXIC_FACTOR, rare)
        person = np.repeat(np.arange(len(counts)), counts)
        n_turns = rng.choice(len(self.turns), n_conversations, p=self.turns)
        time = self._times(rng, person)
        turn_of = np.repeat(np.arange(n_conversations), n_turns)
        success = self._attempts(rng, person, n_turns)
        flags = self._flags(rng, temper[person][turn_of], time[turn_of] < JUNE_UPDATE, success)
        return _turns(person[turn_of], time[turn_of] // DAY, flags)

    def _times(self, rng: np.random.Generator, person: Integers) -> Integers:
        n_people = int(person[-1]) + 1
        n = len(person) if self.burst_days is None else n_people
        start, end = self.windows[rng.choice(len(self.models), n, p=self.models)].T
        time: Integers = start + np.floor(rng.random(n) * (end - start)).astype(np.int64)
        if self.burst_days is None:
            return time
        away = rng.random(len(person)) * self.burst_days * DAY
        begun: Integers = np.minimum(time[person] + away.astype(np.int64), END - 1)
        return begun

    def _attempts(self, rng: np.random.Generator, person: Integers, n_turns: Integers) -> Floats:
        """Return of each turn the chance that its jailbreak prompt succeeds; NaN without one."""
        users = [_user(i) for i in range(int(person[-1]) + 1)]
        slots = [
            Slot(place, users[i], 0, n, "", settled=True)
            for place, (i, n) in enumerate(zip(person.tolist(), n_turns.tolist(), strict=True))
        ]
        drawn = stream(int(rng.integers(2**32)), BLOCK, 0)
        raised = jailbreak_raise(len(slots))
        plan_jailbreaks(drawn, True, slots, self.targets.jailbreaks, raised)
        success = np.full(int(n_turns.sum()), np.nan)
        first = np.cumsum(n_turns) - n_turns
        for slot in slots:
            for turn, family in enumerate(slot.families):
                success[first[slot.place] + turn] = self.targets.jailbreaks[family or ""].success
        return success

    def _flags(
        self, rng: np.random.Generator, temper: Floats, early: Flags, success: Floats
    ) -> tuple[Flags, Flags]:
        """Return which user messages and which replies are flagged."""
        tried, n = ~np.isnan(success), len(temper)
        asked = self.user * self.factors["user"][early.astype(int)] * temper
        asked = np.minimum(asked * np.where(tried, JAILBREAK_FACTOR, 1.0), MOST_TOXIC)
        toxic = rng.random(n) < asked
        toxic &= tried | (rng.random(n) >= SHARE_EMPTY)
        replied = np.where(toxic, REPLY_TO_TOXIC, self.clean)
        replied = replied * self.factors["chatbot"][early.astype(int)]
        replied = np.minimum(np.where(tried, success, replied), MOST_TOXIC)
        return toxic, rng.random(n) < replied


def _user(index: int) -> User:
    nobody: tuple[str, ...] = ()
    return User(index, 0, "", 1.0, nobody, "", (), 0, None)  # type: ignore[arg-type]


def _turns(person: Integers, day: Integers, flags: tuple[Flags, Flags]) -> Turns:
    keys, row = np.unique(day * (int(person.max()) + 1) + person, return_inverse=True)
    n, user, chatbot = (np.bincount(row[own], minlength=len(keys)) for own in (slice(None), *flags))
    days, people = np.divmod(keys, int(person.max()) + 1)
    return Turns(people, days, n, user, chatbot, np.ones(len(keys), np.bool_))
