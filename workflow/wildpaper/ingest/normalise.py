"""The row policy: what is kept, what is repaired, what is quarantined and why.

The policy is the one of docs/definitions.md.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from wildpaper.ingest.options import RowOptions
from wildpaper.ingest.records import ROLES, Conversation, Message, Reject

_NAMES = ("source_id", "model", "language", "country", "state", "user")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEFAULTS = RowOptions()


@dataclass(frozen=True, slots=True)
class Clean:
    """A conversation that keeps the contract, and what was repaired on the way."""

    messages: list[Message]
    n_surrogates: int
    n_repaired_messages: int
    left_out: tuple[str, ...] = ()
    """Why messages were left out, one reason each."""
    places: list[int] | None = None
    """The position that each message has in the source, where some were left out."""


def normalise(conversation: Conversation, rows: RowOptions = _DEFAULTS) -> Clean | Reject:
    """Check one conversation and remove lone surrogates from its texts.

    Returns
    -------
    Clean or Reject
        A `Reject` with one of the reasons ``no-messages``, ``unknown-role``,
        ``non-string-text`` and, where `rows` says so, ``surrogates``,
        ``leading-assistant``, ``repeated-roles``, ``unanswered``, ``empty-text``.
    """
    file, row = conversation.file, conversation.row
    cleaned: list[Message] = []
    n_surrogates = n_repaired = 0
    left_out: dict[int, str] = {}
    for position, message in enumerate(conversation.messages):
        fault, policy = _fault_of(message, rows)
        if fault and policy == "quarantine":
            return Reject(file, row, fault, f"message {position}")
        if fault:
            left_out[position] = fault
            continue
        text, n_removed = remove_surrogates(message.text)
        if n_removed:
            if rows.surrogates == "quarantine":
                return Reject(file, row, "surrogates", f"message {position}")
            n_surrogates += n_removed
            n_repaired += 1
            message = replace(message, text=text)
        cleaned.append(message)
    odd = _oddity(cleaned, rows)
    if odd:
        return Reject(file, row, odd)
    if not left_out:
        return Clean(cleaned, n_surrogates, n_repaired)
    places = [i for i in range(len(conversation.messages)) if i not in left_out]
    return Clean(cleaned, n_surrogates, n_repaired, tuple(left_out.values()), places)


def _fault_of(message: Message, rows: RowOptions) -> tuple[str, str]:
    """Return why a message cannot be read, and what is done about it; or empty strings."""
    if message.role not in ROLES:
        return "unknown-role", rows.unknown_roles
    if not isinstance(message.text, str):
        return "non-string-text", rows.non_string_texts
    return "", ""


def _oddity(messages: list[Message], rows: RowOptions) -> str:
    """Return the first reason for which `rows` refuses a conversation, or an empty string."""
    if not messages:
        return "no-messages" if rows.no_messages == "quarantine" else ""
    if rows.empty_texts == "quarantine" and not all(m.text for m in messages):
        return "empty-text"
    if rows.leading_assistant == rows.repeated_roles == rows.unanswered == "keep":
        return ""
    sides = [message.role for message in messages if message.role != "system"]
    if not sides:
        return ""
    if rows.leading_assistant == "quarantine" and sides[0] == "assistant":
        return "leading-assistant"
    if rows.repeated_roles == "quarantine" and any(a == b for a, b in pairwise(sides)):
        return "repeated-roles"
    if rows.unanswered == "quarantine" and sides[-1] == "user":
        return "unanswered"
    return ""


def clean_names(conversation: Conversation) -> Conversation:
    """Return the conversation with lone surrogates removed from its recorded names."""
    names = {name: getattr(conversation, name) for name in _NAMES}
    odd = {name: text for name, text in names.items() if text and not text.isascii()}
    if not odd:
        return conversation
    cleaned: dict[str, Any] = {name: remove_surrogates(text)[0] for name, text in odd.items()}
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


def count_turns(messages: list[Message], definition: str = "user-messages") -> int:
    """Return how many turns a conversation has.

    Parameters
    ----------
    messages : list of Message
        Of one conversation.
    definition : {"user-messages", "answered"}
        All user messages, or those that an assistant message follows before the next one.
    """
    if definition == "user-messages":
        return sum(message.role == "user" for message in messages)
    sides = [message.role for message in messages if message.role != "system"]
    return sum(pair == ("user", "assistant") for pair in pairwise(sides))
