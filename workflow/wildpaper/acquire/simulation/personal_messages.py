"""Compose messages that hold something personal, so that it is certain what rules make of it."""

import random
from dataclasses import replace

from wildpaper.acquire.simulation.compose import Traits, compose

SHORTEST_WITH_NAME, LONGEST_WITH_NAME = 25, 150
"""Words of a message with a name: enough to tell its language, few enough to tell no story."""

_FICTION = ("story", "scene", "character", "novel", "plot", "episode", "fanfic")
"""Names in messages with such words are taken for invented ones."""


def compose_personal(rng: random.Random, traits: Traits) -> str:
    """Return a message with these traits; one with a name is plain prose without fiction."""
    if all(item.kind != "PERSON" for item in traits.personal):
        return compose(rng, traits)
    n_words = min(max(traits.n_words, SHORTEST_WITH_NAME), LONGEST_WITH_NAME)
    while True:
        text = compose(rng, replace(traits, n_words=n_words, form="prose"))
        if not any(word in text.lower() for word in _FICTION):
            return text
        n_words = max(n_words * 3 // 4, SHORTEST_WITH_NAME)
