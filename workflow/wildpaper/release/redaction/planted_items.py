"""What a simulated corpus planted that is personal: ``personal.json``, read and checked."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

KINDS = (
    "PERSON",
    "PHONE_NUMBER",
    "EMAIL_ADDRESS",
    "CREDIT_CARD",
    "URL",
    "SECRET",
)
"""What is redacted, in the order of tables."""

WITHIN = "within"
"""The reach of an item that the rules are meant to catch; any other says why they leave it."""

_HINT = "Delete the folder of the simulated corpus and run again; it is made anew."


@dataclass(frozen=True, slots=True)
class PlantedItem:
    """One personal item in one text; `sha256` is of the unredacted text in UTF-8."""

    sha256: str
    kind: str
    value: str
    language: str
    reach: str


@dataclass(frozen=True, slots=True)
class Planted:
    """All that is personal in a simulated corpus; no representation shows it."""

    salt: str
    addresses: list[str]
    sessions: list[str]
    items: list[PlantedItem]

    def __repr__(self) -> str:
        return f"Planted({len(self.items)} items)"


def read_planted(path: Path) -> Planted:
    """Read ``personal.json``; an item planted several times in one text counts once.

    Raises
    ------
    WildpaperError
        If the file cannot be read or has another form; the message holds no value of it.
    """
    try:
        found: Any = read_json(path)
        items = [
            PlantedItem(
                sha256=str(item["message_sha256"]),
                kind=str(item["kind"]),
                value=str(item["value"]),
                language=str(item["language"]),
                reach=str(item["reach"]),
            )
            for item in found["planted"]
        ]
        planted = Planted(
            str(found["salt"]),
            [str(address) for address in found["ips"]],
            [str(session) for session in found["sessions"]],
            list(dict.fromkeys(items)),
        )
    except (OSError, UnicodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise WildpaperError(
            f"What was planted cannot be read ({type(error).__name__})",
            where=str(path),
            hint=_HINT,
        ) from None
    unknown = {item.kind for item in planted.items} - set(KINDS)
    if unknown or any(not item.value for item in planted.items):
        raise WildpaperError(
            f"{len(unknown)} unknown kinds of planted items, or items without a value",
            where=str(path),
            hint=_HINT,
        )
    return planted
