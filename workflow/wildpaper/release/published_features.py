"""The published schema as the Hub writes it in a data card, and what its fields mean."""

from typing import Any

import pyarrow as pa

from wildpaper.release.published_schema import PUBLISHED

FIELDS = {
    "conversation_hash": "First 32 hex digits of the SHA-256 of the JSON list of content and role "
    "of all messages, as they stand here",
    "model": "Model that was asked for last",
    "timestamp": "Time of the conversation",
    "conversation": "The messages, user and assistant in turn",
    "turn": "Number of exchanges: a user message and its reply",
    "language": "Most frequent language of the messages",
    "openai_moderation": "Of each message, what the moderation service says; most categories stand "
    "there in two spellings, which hold the same",
    "detoxify_moderation": "Of each message, the scores of Detoxify",
    "toxic": "Whether any message is toxic",
    "redacted": "Whether any message is redacted",
    "state": "Most frequent state of the turns",
    "country": "Most frequent country of the turns, found apart from the state",
    "hashed_ip": "Most frequent hashed address of the turns",
    "header": "Most frequent headers of the turns: language and browser that the client named",
}
"""{column: what it holds}."""

MESSAGE_FIELDS = {
    "content": "Text; what is redacted is a placeholder",
    "country": "Country of the address, null for the assistant",
    "hashed_ip": "Hash of secret salt and address, null for the assistant",
    "header": "Headers that the client sent, null for the assistant",
    "language": "Language by its English name, `Nolang` where there is none",
    "redacted": "Whether anything is redacted",
    "role": "`user` or `assistant`",
    "state": "State or region of the address, null for the assistant",
    "timestamp": "Time of the reply, UTC; null for the user",
    "toxic": "Whether moderation flags the message or its Detoxify toxicity is above the threshold",
    "turn_identifier": "Number of the turn, which both its messages share",
}
"""{field of a message: what it holds}."""


def hub_features(schema: pa.Schema = PUBLISHED) -> list[dict[str, Any]]:
    """Return the features of a schema in the form of ``dataset_info`` in a data card.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of text, booleans, numbers, timestamps, and lists and structs of these.

    Raises
    ------
    ValueError
        If a column is of another type.
    """
    return [{"name": field.name, **_feature(field.type)} for field in schema]


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        element = _feature(kind.value_type)
        return {"list": element.get("struct") or element["dtype"]}
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in kind]}
    return {"dtype": _scalar(kind)}


def _scalar(kind: pa.DataType) -> str:
    named = {pa.bool_(): "bool", pa.float64(): "float64", pa.string(): "string"}
    if kind in named:
        return named[kind]
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return str(kind)
    raise ValueError(f"no feature of the Hub: {kind}")


def fields_table() -> str:
    """Return a Markdown table of all columns and of the fields of a message."""
    rows = []
    for name, meaning in FIELDS.items():
        rows.append((name, _type_name(PUBLISHED.field(name).type), meaning))
        if name == "conversation":
            message = PUBLISHED.field(name).type.value_type
            rows += [
                (f"conversation.{part}", _type_name(message.field(part).type), meaning)
                for part, meaning in MESSAGE_FIELDS.items()
            ]
    head = ["| field | type | holds |", "|---|---|---|"]
    return "\n".join(head + [f"| `{name}` | {kind} | {holds} |" for name, kind, holds in rows])


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return "list"
    return "struct" if pa.types.is_struct(kind) else _scalar(kind)
