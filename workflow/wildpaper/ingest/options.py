"""How native files are read: the section `ingest` of the configuration, for this stage."""

from dataclasses import dataclass, is_dataclass
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

Odd = Literal["keep", "quarantine"]
Unreadable = Literal["quarantine", "leave-out"]


@dataclass(frozen=True, slots=True)
class OasstOptions:
    """What a conversation of Open Assistant is."""

    conversation: Literal["path", "best-path", "tree"] = "path"
    orphans: Literal["quarantine", "keep"] = "quarantine"
    deleted: Literal["keep", "leave-out"] = "keep"


@dataclass(frozen=True, slots=True)
class RowOptions:
    """What becomes of odd rows."""

    duplicates: Literal["mark", "drop"] = "mark"
    empty_texts: Odd = "keep"
    repeated_roles: Odd = "keep"
    leading_assistant: Odd = "keep"
    unanswered: Odd = "keep"
    no_messages: Odd = "quarantine"
    unknown_roles: Unreadable = "quarantine"
    non_string_texts: Unreadable = "quarantine"
    surrogates: Literal["remove", "quarantine"] = "remove"


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """All switches of the stage, with the defaults of `wildpaper.config_ingest`."""

    alpaca_separator: str = ""
    dolly_context: Literal["before", "always", "leave-out"] = "before"
    oasst: OasstOptions = OasstOptions()
    turns: Literal["user-messages", "answered"] = "user-messages"
    rows: RowOptions = RowOptions()


def reading_options(section: dict[str, Any] | None) -> ReadingOptions:
    """Return the options that a section `ingest` of the configuration states.

    Parameters
    ----------
    section : dict or None
        Plain values, ``IngestConfig.model_dump(mode="json")``; what is not stated has its
        default.

    Raises
    ------
    ValueError
        If a key or a value is none of those declared here.
    """
    return cast(ReadingOptions, _build(ReadingOptions, section or {}))


def _build(kind: Any, stated: dict[str, Any]) -> Any:
    declared = get_type_hints(kind)
    unknown = sorted(stated.keys() - declared.keys())
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    values = {}
    for name, value in stated.items():
        if is_dataclass(declared[name]):
            value = _build(declared[name], value)
        elif get_origin(declared[name]) is Literal and value not in get_args(declared[name]):
            raise ValueError(f"{name} is one of {', '.join(get_args(declared[name]))}")
        values[name] = value
    return kind(**values)
