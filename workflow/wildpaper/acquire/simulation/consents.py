"""When users consent, and what that means for their conversations."""

import random
from dataclasses import dataclass

from wildpaper.acquire.simulation.log_lines import consent_line
from wildpaper.acquire.simulation.phenomena import ONE_WITHDRAWN
from wildpaper.acquire.simulation.population import Device
from wildpaper.acquire.simulation.schedule import DAY, MINUTE, SECOND

NO_CONSENT, WITHDRAWN = "no-consent", "withdrawn"

SHARE_REPEATED = 0.05
"""Sessions whose user takes the steps again later, which changes nothing."""


@dataclass(slots=True)
class Session:
    """A cookie: its first and last call, and from when on it has consented (None: never)."""

    device: Device
    address: str
    first: int
    last: int
    since: int | None = None
    withdrawn: bool = False

    def objection(self, first_turn: int) -> str:
        """Return why a conversation that began then is dropped; empty if it is not."""
        if self.withdrawn:
            return WITHDRAWN
        return NO_CONSENT if self.since is None or self.since >= first_turn else ""


def take_steps(rng: random.Random, session: Session, kind: str) -> list[tuple[int, str]]:
    """Return the (time, line) pairs of a session's consent, and note in it what they mean.

    `kind` is "" for full consent before the first call, or a key of `CONSENTS`.
    """
    agreed = session.first - MINUTE - int(rng.random() * 10 * MINUTE)
    published = agreed + SECOND + int(rng.random() * 30 * SECOND)
    steps: list[tuple[int, str]] = []
    if kind == "late":
        published = session.first + 1 + int(rng.random() * SECOND)
    withdraws = kind in (WITHDRAWN, ONE_WITHDRAWN)
    if kind in ("", "agree-only", "late") or withdraws:
        steps.append((agreed, "agree"))
    if kind in ("", "publish-only", "late") or withdraws:
        steps.append((published, "publish"))
    if kind in ("", "late") or withdraws:
        session.since = published
    if withdraws:
        session.withdrawn = True
        time = session.first + int(rng.random() * (session.last - session.first + 30 * DAY))
        steps.append((time, "withdraw"))
        if rng.random() < 0.5:
            steps += [(time + DAY, "agree"), (time + DAY + MINUTE, "publish")]
    elif kind == "" and rng.random() < SHARE_REPEATED:
        steps += [(session.last + DAY, "agree"), (session.last + DAY + MINUTE, "publish")]
    return [
        (time, consent_line(session.device, session.address, time, step)) for time, step in steps
    ]
