"""Invented personal data that users let slip, and whether the rules of redaction reach it.

Telephone numbers are of the ranges that are kept for fiction and cards of the 4242 42 range of
tests, domains are below example.com, .net and .org; keys have the shape of real ones, are put
together here and open nothing. No value is a part of another.
"""

import random
from typing import NamedTuple

from wildpaper.acquire.simulation.personal_numbers import card, phone
from wildpaper.acquire.simulation.personal_words import FAMILY, GIVEN
from wildpaper.acquire.simulation.streams import Choice

WITHIN, LANGUAGE, NO_CUE = "within", "language", "no-cue"
FREQUENT, STOP_PATTERN, OTHER_LINK = "frequent", "stop-pattern", "other-link"


class Item(NamedTuple):
    """Something personal; `reach` is ``within``, or why the rules leave it as it is."""

    kind: str
    value: str
    reach: str = WITHIN


Personal = tuple[Item, ...]

SHARE = 0.05
"""User messages that hold something personal: enough that each kind can be judged."""
SHARE_SECOND = 0.2
"""Of those within reach: with a second item of another kind."""

PUBLIC = (
    Item("PHONE_NUMBER", "+1 800-555-0199", FREQUENT),
    Item("EMAIL_ADDRESS", "sunflower-club@harbour.example.org", FREQUENT),
)
"""Public ones that turn up in so many conversations that the rules leave them."""

_HOSTS = (
    "mail.example.net", "post.example.org", "kestrel.example.net", "harbour.example.org",
    "orchard.example.com", "lantern.example.net",
)  # fmt: skip
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SMALL = "abcdefghijklmnopqrstuvwxyz0123456789"
_DIGITS = "0123456789"

_KINDS = Choice([
    ("PERSON", 0.25), ("EMAIL_ADDRESS", 0.15), ("PHONE_NUMBER", 0.15), ("CREDIT_CARD", 0.14),
    ("URL", 0.17), ("SECRET", 0.14),
])  # fmt: skip
_LEFT = {
    "PERSON": (NO_CUE, 0.12),
    "EMAIL_ADDRESS": (STOP_PATTERN, 0.15),
    "PHONE_NUMBER": (NO_CUE, 0.15),
    "CREDIT_CARD": (NO_CUE, 0.15),
    "URL": (OTHER_LINK, 0.25),
}
"""By kind, why and how often what is planted is left by design."""


def draw_personal(rng: random.Random, language: str) -> Personal:
    """Return one item or, at times, two of different kinds that are within reach.

    `language` is that of the message; names are within reach in English only.
    """
    first = _draw(rng, language)
    if first.reach == WITHIN and rng.random() < SHARE_SECOND:
        second = _draw(rng, language)
        if second.reach == WITHIN and second.kind != first.kind:
            return first, second
    return (first,)


def _draw(rng: random.Random, language: str) -> Item:
    kind = _KINDS.draw(rng)
    why, share = _LEFT.get(kind, (WITHIN, 0.0))
    reach = why if rng.random() < share else WITHIN
    if kind == "PERSON" and language != "English":
        reach = LANGUAGE
    return Item(kind, _value(rng, kind, reach), reach)


def _value(rng: random.Random, kind: str, reach: str) -> str:
    if kind == "PERSON":
        return " ".join(_name(rng))
    if kind == "EMAIL_ADDRESS":
        return _left_email(rng) if reach == STOP_PATTERN else _email(rng, _one(rng, _HOSTS))
    if kind == "PHONE_NUMBER":
        return phone(rng, reach != NO_CUE)
    if kind == "CREDIT_CARD":
        return card(rng, reach != NO_CUE)
    if kind == "URL":
        return _link(rng) if reach == OTHER_LINK else _profile(rng)
    return _secret(rng)


def _one(rng: random.Random, values: tuple[str, ...]) -> str:
    return values[int(rng.random() * len(values))]


def _name(rng: random.Random) -> tuple[str, str]:
    return _one(rng, GIVEN), _one(rng, FAMILY)


def _email(rng: random.Random, host: str) -> str:
    given, family = _name(rng)
    return f"{given.lower()}.{family.lower()}{int(rng.random() * 1000)}@{host}"


def _left_email(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return _email(rng, "example.com")
    return f"{'info' if kind < 0.75 else 'noreply'}@{_one(rng, _HOSTS)}"


def _profile(rng: random.Random) -> str:
    given, family = _name(rng)
    number = 10_000 + int(rng.random() * 90_000)
    return f"https://www.linkedin.com/in/invented-{given.lower()}-{family.lower()}-{number}"


def _link(rng: random.Random) -> str:
    given, family = _name(rng)
    number = 10_000 + int(rng.random() * 90_000)
    return f"https://{_one(rng, _HOSTS)}/~{given.lower()}.{family.lower()}{number}"


def _some(rng: random.Random, letters: str, n: int) -> str:
    return "".join(letters[int(rng.random() * len(letters))] for _ in range(n))


_SECRETS = {
    "sk-": "OPENAI_TOKEN", "ghp_": "GITHUB_TOKEN", "AKIA": "AWS_ACCESS_KEY",
    "xoxb-": "SLACK_TOKEN", "sk_live_": "STRIPE_ACCESS_KEY",
}  # fmt: skip
"""How detect-secrets calls a key, by how the key begins."""


def _secret(rng: random.Random) -> str:
    prefix = _one(rng, tuple(_SECRETS))
    if prefix == "sk-":
        return f"{prefix}{_some(rng, _LETTERS, 20)}T3BlbkFJ{_some(rng, _LETTERS, 20)}"
    if prefix == "ghp_":
        return prefix + _some(rng, _LETTERS, 36)
    if prefix == "AKIA":
        return prefix + _some(rng, _CAPITALS, 16)
    if prefix == "xoxb-":
        numbers = "-".join(_some(rng, _DIGITS, 12) for _ in range(2))
        return f"{prefix}{numbers}-{_some(rng, _SMALL, 24)}"
    return prefix + _some(rng, _LETTERS, 24)


def placeholder(item: Item) -> str:
    """Return what redaction puts in the place of an item."""
    if item.kind != "SECRET":
        return f"<PRESIDIO_ANONYMIZED_{item.kind}>"
    detail = next(name for prefix, name in _SECRETS.items() if item.value.startswith(prefix))
    return f"<DETECT_SECRETS_REDACTED_{detail}>"


def redacted(text: str, personal: Personal) -> str:
    """Return a text with the mark of its kind in the place of each value within reach."""
    for item in personal:
        if item.reach == WITHIN:
            text = text.replace(item.value, placeholder(item))
    return text
