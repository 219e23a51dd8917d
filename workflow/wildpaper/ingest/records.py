"""What a reader yields: a conversation as the source has it, or a row it could not read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError

ROLES = ("user", "assistant", "system")


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance; `text` and `role` are unchecked, as the source has them."""

    role: Any
    text: Any
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation as the source delimits it; `file` and `row` say where it stands."""

    file: str
    row: int
    source_id: str
    messages: list[Message]
    model: str | None = None
    language: str | None = None
    country: str | None = None
    state: str | None = None
    user: str | None = None
    timestamp: datetime | None = None
    toxic: bool | None = None
    redacted: bool | None = None
    checks: dict[str, bool] = field(default_factory=dict)
    """Integrity checks that the source allows: name, whether it held."""
    labelled: tuple[Any, int] | None = None
    """Where recorded labels were asked for: the record batch that holds them, the row in it."""
    recorded: dict[str, list[Any]] = field(default_factory=dict)
    """The same of JSON: {label: what the source records for each message, unchecked}."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is quarantined: where, why, and a detail without message text."""

    file: str
    row: int
    reason: str
    detail: str = ""


Records = Iterator[Conversation | Reject]


def not_recorded(label: str, path: Path) -> WildpaperError:
    """Return the error of a file that records no labels of a kind."""
    return WildpaperError(
        f"The file records no labels of the kind {label!r} for its messages",
        where=str(path),
        hint="Take this label out of the config key datasets.<name>.recorded.",
    )
