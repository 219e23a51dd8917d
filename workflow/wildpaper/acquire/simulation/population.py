"""Who takes part: users, how much they talk, where from, with what devices."""

import hashlib
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wildpaper.acquire.simulation.addresses import MAX_USERS, address
from wildpaper.acquire.simulation.browsers import accept_language, user_agent
from wildpaper.acquire.simulation.places import PLACES, language_rows, place_shares
from wildpaper.acquire.simulation.streams import USER, Choice, stream
from wildpaper.acquire.simulation.targets import Targets
from wildpaper.errors import WildpaperError

TAIL = 1.7
"""Exponent of the number of conversations a user (Lomax); the paper prints only the mean."""

ADDRESSES_SEEN = 1.25
"""Addresses of a person that become the address of a conversation, about: the paper counts
addresses, so a person has so many times the conversations of an address."""

ADDRESSES = Choice([("1", 0.7), ("2", 0.22), ("3", 0.08)])
"""Addresses of a person."""

_SPARE = 3
SHARE_TWO_DEVICES = 0.25
SHARE_OWN_LANGUAGE = 0.8
"""Conversations in the user's own language; the others are drawn by the country's shares."""

TOXIC_USERS, TOXIC_FACTOR = 0.1, 5.0
"""A few users write most of the toxic messages: this share, so many times the mean rate."""

BLOCK_CONVERSATIONS = 2000
_UNLOCATED_USERS = (4, 11)
"""So that the smallest study has some, too; of others the share decides."""
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Device:
    """A browser: its cookie, and headers without the address, as JSON members."""

    session: str
    headers: str


@dataclass(frozen=True, slots=True)
class User:
    """One person; `spare` is an address that turns up only when it changes on the way.

    `spare_device` is a device of those who need two though they have one.
    """

    index: int
    place: int
    language: str
    toxicity: float
    addresses: tuple[str, ...]
    spare: str
    devices: tuple[Device, ...]
    n_conversations: int
    spare_device: Device


@dataclass(frozen=True, slots=True)
class Block:
    """A range of users whose conversations are generated together."""

    index: int
    first_user: int
    n_conversations: tuple[int, ...]
    first_conversation: int = 0


class Population:
    """Draws users, each from a stream of its own."""

    def __init__(self, targets: Targets, seed: int, salt: str) -> None:
        shares = place_shares(targets.countries)
        self._seed, self._salt = seed, salt
        self._places = Choice((str(i), share) for i, share in enumerate(shares))
        rows = language_rows(shares, targets.languages)
        self.languages = [Choice(row.items()) for row in rows]
        self._offset = stream(seed, USER, 0, 1).random()

    def user(self, index: int, n_conversations: int) -> User:
        """Return a user. Countries of neighbours are spread evenly over the shares."""
        rng = stream(self._seed, USER, index)
        place = int(self._places.at((index * _GOLDEN + self._offset) % 1.0))
        if index in _UNLOCATED_USERS:
            place = len(PLACES) - 1
        language = self.languages[place].draw(rng)
        rare = (1 - TOXIC_USERS * TOXIC_FACTOR) / (1 - TOXIC_USERS)
        n_addresses = int(ADDRESSES.draw(rng))
        n_devices = 2 if rng.random() < SHARE_TWO_DEVICES else 1
        toxicity = TOXIC_FACTOR if rng.random() < TOXIC_USERS else rare
        devices = tuple(self._device(rng, index, number, place, language) for number in range(2))
        return User(
            index,
            place,
            language,
            toxicity,
            tuple(address(place, index, number) for number in range(n_addresses)),
            address(place, index, _SPARE),
            devices[:n_devices],
            n_conversations,
            devices[1],
        )

    def _device(
        self, rng: random.Random, index: int, number: int, place: int, language: str
    ) -> Device:
        cookie = hashlib.sha256(f"{self._salt} session {index} {number}".encode()).hexdigest()
        headers = {
            "user-agent": user_agent(rng),
            "accept-language": accept_language(rng, language, PLACES[place].iso),
        }
        return Device(cookie[:32], json.dumps(headers)[1:-1])

    def conversation_language(self, rng: random.Random, user: User) -> str:
        """Return the language of one conversation."""
        if rng.random() < SHARE_OWN_LANGUAGE:
            return user.language
        return self.languages[user.place].draw(rng)


def draw_blocks(n_conversations: int, targets: Targets, seed: int) -> list[Block]:
    """Cut `n_conversations` into users, and the users into blocks.

    The result depends on the arguments only, never on how many processes work on it.

    Raises
    ------
    WildpaperError
        If there are more users than addresses.
    """
    counts = _counts(n_conversations, targets.conversations_per_user * ADDRESSES_SEEN, seed)
    if len(counts) > MAX_USERS:
        raise WildpaperError(
            f"{len(counts):,} users are more than the {MAX_USERS:,} that have addresses",
            where="config key simulate.conversations",
            hint="Simulate fewer conversations.",
        )
    return list(_cut(counts))


def _counts(n_conversations: int, mean: float, seed: int) -> list[int]:
    """Return heavy-tailed numbers of conversations by user that add up to the total."""
    most = max(30, min(BLOCK_CONVERSATIONS, n_conversations // 60))
    scale = _scale(mean, most)
    draws = np.random.Generator(np.random.PCG64(seed))
    found: list[int] = []
    total = 0
    while total < n_conversations:
        uniform = 1.0 - draws.random(10_000)
        lomax = scale * (uniform ** (-1 / TAIL) - 1.0)
        for count in np.minimum(lomax.astype(np.int64) + 1, most).tolist():
            count = min(count, n_conversations - total)
            found.append(count)
            total += count
            if total == n_conversations:
                break
    return found


def _scale(mean: float, most: int) -> float:
    """Return the scale at which the capped numbers have the given mean."""
    below = np.arange(most)
    low, high = 0.0, 1000.0 * mean
    for _ in range(60):
        middle = (low + high) / 2
        if float(((1 + below / middle) ** -TAIL).sum()) < mean:
            low = middle
        else:
            high = middle
    return high


def _cut(counts: list[int]) -> Iterator[Block]:
    first, held, before = 0, 0, 0
    index = 0
    for user, count in enumerate(counts, start=1):
        held += count
        if held >= BLOCK_CONVERSATIONS or user == len(counts):
            yield Block(index, first, tuple(counts[first:user]), before)
            index, first, held, before = index + 1, user, 0, before + held
