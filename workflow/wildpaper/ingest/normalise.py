"""The row policy: what is kept, what is repaired, what is quarantined and why.

The policy is the one of docs/definitions.md. Empty texts, repeated roles, a leading
assistant message and an unanswered last user message are kept.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from wildpaper.ingest.records import ROLES, Conversation, Message, Reject

_NAMES = ("source_id", "model", "language", "country", "state", "user")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Clean:
    """A conversation that keeps the contract, and what was repaired on the way."""

    messages: list[Message]
    n_surrogates: int
    n_repaired_messages: int


def normalise(conversation: Conversation) -> Clean | Reject:
    """Check one conversation and remove lone surrogates from its texts.

    Returns
    -------
    Clean or Reject
        A `Reject` with one of the reasons ``no-messages``, ``unknown-role``,
        ``non-string-text``.
    """
    file, row = conversation.file, conversation.row
    if not conversation.messages:
        return Reject(file, row, "no-messages")
    cleaned, n_surrogates, n_repaired = [], 0, 0
    for position, message in enumerate(conversation.messages):
        if message.role not in ROLES:
            return Reject(file, row, "unknown-role", f"message {position}")
        if not isinstance(message.text, str):
            return Reject(file, row, "non-string-text", f"message {position}")
        text, n_removed = remove_surrogates(message.text)
        n_surrogates += n_removed
        n_repaired += bool(n_removed)
        cleaned.append(Message(message.role, text, message.timestamp))
    return Clean(cleaned, n_surrogates, n_repaired)


def clean_names(conversation: Conversation) -> Conversation:
    """Return the conversation with lone surrogates removed from its recorded names."""
    names = {name: getattr(conversation, name) for name in _NAMES}
    cleaned: dict[str, Any] = {n: remove_surrogates(text)[0] for n, text in names.items() if text}
    return replace(conversation, **cleaned)


def remove_surrogates(text: str) -> tuple[str, int]:
    """Return the text without lone surrogates, and how many there were.

    They cannot be written as UTF-8; the authors' release code drops them too
    (``encode("utf-8", errors="ignore")``).
    """
    if text.isascii():
        return text, 0
    return _SURROGATE.subn("", text)


def turns(messages: list[Message]) -> list[int | None]:
    """Return the 0-based turn of each message; None before the first user message."""
    numbers: list[int | None] = []
    current: int | None = None
    for message in messages:
        if message.role == "user":
            current = 0 if current is None else current + 1
        numbers.append(current)
    return numbers
