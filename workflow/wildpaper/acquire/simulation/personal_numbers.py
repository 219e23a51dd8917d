"""Invented telephone and card numbers, in forms that are recognised as such."""

import random

_US = (
    "202", "205", "206", "212", "213", "214", "216", "217", "224", "225", "228", "229", "231",
    "240", "248", "251", "253", "254", "260", "267", "269", "270", "281", "301", "302", "303",
    "304", "305", "307", "308", "309", "310", "312", "313", "314", "315", "316", "317", "318",
    "319", "320", "321", "323", "330", "334", "336", "337", "347", "352", "360", "361", "385",
    "386", "401", "402", "404", "405", "406", "407", "408", "409", "410", "412", "413", "414",
    "415", "417", "419", "423", "425", "432", "440", "443", "458", "469", "478", "479", "480",
    "484", "501", "502", "503", "504", "505", "507", "508", "509", "510", "512", "513", "515",
    "516", "517", "518", "520", "530", "540", "541", "551", "559", "561", "562", "563", "570",
)  # fmt: skip
"""Area codes of the numbers 555-0100 to 555-0199."""
_US_NO_CUE = ("601", "602", "603", "605", "606", "607", "608", "609", "610", "612", "614", "615",
              "616", "617", "618", "619", "620", "623", "626", "630")  # fmt: skip
_GB = ("20 7946 0", "113 496 0", "114 496 0", "116 496 0", "117 496 0", "118 496 0",
       "121 496 0", "131 496 0", "141 496 0", "151 496 0", "161 496 0")  # fmt: skip
_DE = ("30 23125 ", "221 4710 ", "69 90009 ", "40 66969 ", "89 99998 ")
_FR = ("1 99 00", "2 61 91", "3 53 01", "4 65 71")
_FR_NO_CUE = "5 36 49"

_CARD, _CARD_NO_CUE = "424242", "424243"
_CARD_DIGITS = 16


def _one(rng: random.Random, values: tuple[str, ...]) -> str:
    return values[int(rng.random() * len(values))]


def phone(rng: random.Random, cued: bool) -> str:
    """Return a telephone number.

    One that is announced (`cued`) is international in half of the cases; others are of
    ranges of their own and have no plus.
    """
    if not cued:
        if rng.random() < 0.5:
            return f"({_one(rng, _US_NO_CUE)}) {_fiction(rng)}"
        return f"0{_FR_NO_CUE} {_pairs(rng)}"
    international = rng.random() < 0.5
    country = rng.random()
    if country < 0.35:
        area = _one(rng, _US)
        return f"+1 {area}-{_fiction(rng)}" if international else f"({area}) {_fiction(rng)}"
    if country < 0.55:
        return f"{'+44 ' if international else '0'}{_one(rng, _GB)}{_digits(rng, 3)}"
    if country < 0.75:
        return f"{'+49 ' if international else '0'}{_one(rng, _DE)}{_digits(rng, 3)}"
    return f"{'+33 ' if international else '0'}{_one(rng, _FR)} {_pairs(rng)}"


def _fiction(rng: random.Random) -> str:
    return f"555-01{_digits(rng, 2)}"


def _pairs(rng: random.Random) -> str:
    return f"{_digits(rng, 2)} {_digits(rng, 2)}"


def _digits(rng: random.Random, n: int) -> str:
    return f"{int(rng.random() * 10**n):0{n}d}"


def card(rng: random.Random, cued: bool) -> str:
    """Return a card number with a right check digit, in groups of four or plain.

    One that is announced (`cued`) begins with other digits than the others.
    """
    prefix = _CARD if cued else _CARD_NO_CUE
    digits = prefix + _digits(rng, _CARD_DIGITS - 1 - len(prefix))
    digits += str(_check_digit(digits))
    form = rng.random()
    if form < 0.3:
        return digits
    groups = [digits[i : i + 4] for i in range(0, _CARD_DIGITS, 4)]
    return ("-" if form < 0.5 else " ").join(groups)


def _check_digit(digits: str) -> int:
    """Return the digit that makes the Luhn sum a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10
