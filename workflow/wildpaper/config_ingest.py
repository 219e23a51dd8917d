"""The section `ingest` of the configuration: how native files become conversations."""

from typing import Literal

from wildpaper.config_section import Section


class RowsConfig(Section):
    """What becomes of odd rows (docs/definitions.md)."""

    duplicates: Literal["mark", "drop"] = "mark"
    """Exact repetitions of an earlier conversation: kept and marked, or dropped and counted."""
    empty_texts: Literal["keep", "quarantine"] = "keep"
    """Conversations with an empty message."""
    repeated_roles: Literal["keep", "quarantine"] = "keep"
    """Conversations in which one side speaks twice in a row."""
    leading_assistant: Literal["keep", "quarantine"] = "keep"
    """Conversations that the chatbot begins."""
    unanswered: Literal["keep", "quarantine"] = "keep"
    """Conversations that end with a user message."""
    no_messages: Literal["quarantine", "keep"] = "quarantine"
    """Conversations without messages; kept they count as conversations of no turn."""
    unknown_roles: Literal["quarantine", "leave-out"] = "quarantine"
    """Messages of another role than user, assistant and system: quarantine the conversation, or leave the message out."""  # noqa: E501
    non_string_texts: Literal["quarantine", "leave-out"] = "quarantine"
    """Messages whose text is no string: quarantine the conversation, or leave the message out."""
    surrogates: Literal["remove", "quarantine"] = "remove"
    """Lone surrogates: remove the characters, as the authors do, or quarantine the conversation."""


class OasstConfig(Section):
    """What a conversation of Open Assistant is."""

    conversation: Literal["path", "best-path", "tree"] = "path"
    """Each path from a root to a leaf, beginnings repeated; only the path of the best-ranked replies; or the whole tree, each message once."""  # noqa: E501
    orphans: Literal["quarantine", "keep"] = "quarantine"
    """Messages whose parent is missing: quarantine their paths, or take them for roots."""
    deleted: Literal["keep", "leave-out"] = "keep"
    """Messages that were deleted later: keep them, or leave them out with all that follows."""


class IngestConfig(Section):
    """How native files become conversations (docs/definitions.md)."""

    alpaca_separator: str = ""
    """What stands between `instruction` and `input` in Alpaca's user text. The authors' code joins them with nothing."""  # noqa: E501
    dolly_context: Literal["before", "always", "leave-out"] = "before"
    """Dolly's user text: `context`, a space, `instruction`, and just the instruction where there is no context (`before`); the same with the space always (`always`, a variant of the authors); or the instruction alone."""  # noqa: E501
    oasst: OasstConfig = OasstConfig()
    """Open Assistant."""
    turns: Literal["user-messages", "answered"] = "user-messages"
    """A conversation's turns: its user messages, or those that the chatbot answered."""
    rows: RowsConfig = RowsConfig()
    """Odd rows."""
