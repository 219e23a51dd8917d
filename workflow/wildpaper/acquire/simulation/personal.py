"""Invented personal data that users let slip, and the file that remembers it.

Numbers are of the ranges that are kept for fiction, domains are below example.com, .net
and .org; keys have the shape of real ones and open nothing.
"""

import random

Personal = tuple[tuple[str, str], ...]

SHARE = 0.015
"""User messages that hold something personal."""

_GIVEN = (
    "Mara", "Jonas", "Selin", "Tobias", "Ilaria", "Pavel", "Noemi", "Rafael", "Aiko", "Dario",
    "Freya", "Henrik", "Ines", "Karim", "Lucia", "Milan", "Nadia", "Oskar", "Petra", "Samir",
    "Tessa", "Ulrich", "Viola", "Wanda", "Yara", "Anton", "Bianca", "Cyril", "Elena", "Felix",
    "Greta", "Hugo", "Iris", "Jelena", "Klaus", "Laszlo", "Marta", "Nils", "Olga", "Pilar",
)  # fmt: skip
_FAMILY = (
    "Lindqvist", "Okonjo", "Ferrante", "Novak", "Haldane", "Moreau", "Castellan", "Brandvold",
    "Tanabe", "Ibarra", "Kowalczyk", "Demir", "Petrosyan", "Quimby", "Rasmussen", "Salvatori",
    "Thorsby", "Umarov", "Vandermeer", "Whitlock", "Yilmaz", "Zimmerli", "Abernathy", "Bellweather",
    "Corrigan", "Dunmore", "Eastwick", "Fairweather", "Grimsby", "Hollister", "Ivanenko", "Janssen",
    "Kettering", "Larkspur", "Merriweather", "Northcott", "Ollivander", "Pemberton", "Ravensworth",
    "Stellanova",
)  # fmt: skip
_HOSTS = (
    "mail.example.net", "post.example.org", "kestrel.example.net", "harbour.example.org",
    "orchard.example.com", "lantern.example.net",
)  # fmt: skip
_AREA_CODES = ("202", "303", "404", "415", "512", "617", "702", "805", "907")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_KINDS = (
    (0.35, "PERSON"),
    (0.60, "EMAIL_ADDRESS"),
    (0.80, "PHONE_NUMBER"),
    (0.93, "URL"),
    (1.00, "API_KEY"),
)


def draw_personal(rng: random.Random) -> Personal:
    """Return one or, at times, two (kind, value) pairs."""
    found = [_draw(rng)]
    if rng.random() < 0.2:
        second = _draw(rng)
        if second[0] != found[0][0]:
            found.append(second)
    return tuple(found)


def _draw(rng: random.Random) -> tuple[str, str]:
    at = rng.random()
    kind = next(kind for share, kind in _KINDS if at < share)
    return kind, _WRITERS[kind](rng)


def _name(rng: random.Random) -> tuple[str, str]:
    return (
        _GIVEN[int(rng.random() * len(_GIVEN))],
        _FAMILY[int(rng.random() * len(_FAMILY))],
    )


def _person(rng: random.Random) -> str:
    return " ".join(_name(rng))


def _email(rng: random.Random) -> str:
    given, family = _name(rng)
    host = _HOSTS[int(rng.random() * len(_HOSTS))]
    return f"{given.lower()}.{family.lower()}{int(rng.random() * 1000)}@{host}"


def _phone(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        area = _AREA_CODES[int(rng.random() * len(_AREA_CODES))]
        return f"+1 {area}-555-01{int(rng.random() * 100):02d}"
    if kind < 0.75:
        return f"+44 20 7946 0{int(rng.random() * 1000):03d}"
    return f"+49 30 23125 {int(rng.random() * 1000):03d}"


def _url(rng: random.Random) -> str:
    given, family = (part.lower() for part in _name(rng))
    number = 10_000 + int(rng.random() * 90_000)
    if rng.random() < 0.6:
        return f"https://www.linkedin.com/in/invented-{given}-{family}-{number}"
    return f"https://{_HOSTS[int(rng.random() * len(_HOSTS))]}/~{given}.{family}{number}"


def _api_key(rng: random.Random) -> str:
    prefix, length = ("sk-", 48) if rng.random() < 0.5 else ("ghp_", 36)
    return prefix + "".join(_LETTERS[int(rng.random() * len(_LETTERS))] for _ in range(length))


_WRITERS = {
    "PERSON": _person,
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "URL": _url,
    "API_KEY": _api_key,
}


def redacted(text: str, personal: Personal) -> str:
    """Return a text with each planted value replaced by the mark of its kind."""
    for kind, value in personal:
        text = text.replace(value, f"<PRESIDIO_ANONYMIZED_{kind}>")
    return text
