"""Sessions of a block: who took part where, who consented, what that means for conversations."""

import random
from collections import Counter

from wildpaper.acquire.simulation.consents import WITHDRAWN, Session, take_steps
from wildpaper.acquire.simulation.phenomena import ONE_WITHDRAWN, Slot
from wildpaper.acquire.simulation.population import Device, User
from wildpaper.acquire.simulation.scenarios import Call
from wildpaper.acquire.simulation.schedule import END

_FIRST_DEVICE = ("copy-own", "same-opening-own", "source")


class Sessions:
    """Finds the session of a conversation, and whether it may be released.

    `consents` is {user: kind of incomplete consent}.
    """

    def __init__(self, users: list[User], consents: dict[int, str]) -> None:
        self._consents = consents
        self._users = {device.session: user for user in users for device in user.devices}
        self._known: dict[str, Session] = {}
        self._met: dict[str, set[str]] = {}  # addresses by session
        self._withdrawn: set[str] = set()  # addresses

    def address(self, rng: random.Random, slot: Slot) -> str:
        """Return the address that a conversation begins from."""
        at = int(rng.random() ** 2 * len(slot.user.addresses))
        if self._withdraws_once(slot.user) and slot.number < 2:
            at = 0  # so that the two sessions share an address
        return slot.user.addresses[at]

    def session(self, rng: random.Random, slot: Slot) -> Session:
        """Return the session of a conversation."""
        devices = slot.user.devices
        device = devices[int(rng.random() * len(devices))]
        if slot.phenomenon in _FIRST_DEVICE:
            device = devices[0]
        if self._withdraws_once(slot.user):
            device = devices[slot.number % 2]
        known = self._known.get(device.session)
        return known if known is not None else self._begin(slot.user, device)

    def _begin(self, user: User, device: Device) -> Session:
        begun = Session(device, user.addresses[0], END, 0)
        self._known[device.session] = begun
        self._met[device.session] = set()
        return begun

    def _withdraws_once(self, user: User) -> bool:
        return self._consents.get(user.index) == ONE_WITHDRAWN

    def note(self, session: Session, call: Call) -> None:
        """Note that a call belongs to a session."""
        session.first = min(session.first, call.time)
        session.last = max(session.last, call.time)
        self._met[session.device.session].add(call.address)

    def take_steps(self, rng: random.Random) -> tuple[list[tuple[int, str]], Counter[str]]:
        """Return the (time, line) of all steps of consent, and the number of sessions by kind."""
        steps: list[tuple[int, str]] = []
        counts: Counter[str] = Counter()
        for name, session in self._known.items():
            user = self._users[name]
            kind = self._consents.get(user.index, "")
            if kind == ONE_WITHDRAWN and name != user.devices[0].session:
                kind = ""
            counts[f"phenomenon.consent-{kind or 'full'}"] += 1
            steps += take_steps(rng, session, kind)
            if session.withdrawn:
                self._withdrawn |= self._met[name]
        return steps, counts

    def objection(self, session: Session, chain: list[Call]) -> str:
        """Return why a conversation may not be released; empty if it may.

        A withdrawal reaches all conversations from any address that the session used.
        """
        if any(call.address in self._withdrawn for call in chain):
            return WITHDRAWN
        return session.objection(chain[0].time)
