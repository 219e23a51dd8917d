"""Lines of a block's log beside its conversations: malformed, repeated, not a user's."""

import random
from collections.abc import Callable

from wildpaper.acquire.simulation import log_lines
from wildpaper.acquire.simulation.dialogue import Exchange
from wildpaper.acquire.simulation.phenomena import (
    LEAST_MALFORMED,
    LEAST_OVERLAP,
    MALFORMED,
    OVERLAP,
    REPEATED_IDS,
    Slot,
    quota,
)
from wildpaper.acquire.simulation.population import User
from wildpaper.acquire.simulation.scenarios import Call
from wildpaper.acquire.simulation.schedule import MINUTE, SECOND, START, WINDOWS, timeline

DUPLICATE = "duplicate-call"
_MODEL = "gpt-3.5-turbo-0613"

Line = tuple[int, str]
"""Time and line."""

Speak = Callable[[random.Random, User, int], Exchange]
"""What a user says and hears at some time."""


def malformed_lines(
    rng: random.Random, first_block: bool, slots: list[Slot], speak: Speak
) -> list[tuple[str, Line]]:
    """Return (reason for dropping it, line) of lines that are no call of a user's."""
    found = []
    settled = [slot.user for slot in slots if slot.settled]
    for kind, rate in MALFORMED.items():
        wanted = quota(rng, first_block, rate, len(slots), LEAST_MALFORMED)
        for _ in range(wanted if settled else 0):
            user = settled[int(rng.random() * len(settled))]
            time = timeline(rng, WINDOWS[_MODEL], [])[0]
            line = log_lines.malformed_line(
                rng, kind, user.devices[0], user.addresses[0], time, _MODEL, speak(rng, user, time)
            )
            found.append((log_lines.MALFORMED_REASONS[kind], (time, line)))
    return found


def repeated_ids(
    rng: random.Random, first_block: bool, slots: list[Slot], calls: dict[int, Call], speak: Speak
) -> list[Line]:
    """Return lines that bear the name of an answer that came before, with another text.

    `calls` has a call of each conversation in which nothing happens, by the place of its slot.
    """
    wanted = quota(rng, first_block, REPEATED_IDS, len(slots), LEAST_MALFORMED)
    users = {slot.place: slot.user for slot in slots}
    found = []
    for place in rng.sample(sorted(calls), min(wanted, len(calls))):
        call, user = calls[place], users[place]
        time = call.time + SECOND + int(rng.random() * MINUTE)
        exchange = speak(rng, user, time)
        again = Call(time, [], exchange, call.model, call.address, call_id=call.call_id)
        line = log_lines.call_line(rng, user.devices[0], again, log_lines.History())
        found.append((time, line))
    return found


def overlapping(rng: random.Random, answered: list[Line]) -> list[str]:
    """Return some of the lines once more, in no order; none is from before the start."""
    lines = [line for time, line in answered if time >= START]
    return rng.sample(lines, min(max(LEAST_OVERLAP, round(OVERLAP * len(lines))), len(lines)))
