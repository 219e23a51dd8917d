"""The schema in which WildChat-1M is published, column for column."""

import pyarrow as pa

from wildpaper.schema import DETOXIFY_HEADS, MODERATION_CATEGORIES

_UTC = pa.timestamp("us", tz="UTC")

_SLASHED = {
    "harassment_threatening": "harassment/threatening",
    "hate_threatening": "hate/threatening",
    "self_harm": "self-harm",
    "self_harm_instructions": "self-harm/instructions",
    "self_harm_intent": "self-harm/intent",
    "sexual_minors": "sexual/minors",
    "violence_graphic": "violence/graphic",
}
SPELLINGS: dict[str, str] = dict(
    sorted(
        [(name, name) for name in MODERATION_CATEGORIES]
        + [(slashed, name) for name, slashed in _SLASHED.items()]
    )
)
"""{category as published: category of ours}; most stand there in two spellings."""


def _struct(fields: dict[str, pa.DataType]) -> pa.DataType:
    return pa.struct(list(fields.items()))


def _list(element: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", element))


HEADER = _struct({"accept-language": pa.string(), "user-agent": pa.string()})

MESSAGE = _struct(
    {
        "content": pa.string(),
        "country": pa.string(),
        "hashed_ip": pa.string(),
        "header": HEADER,
        "language": pa.string(),
        "redacted": pa.bool_(),
        "role": pa.string(),
        "state": pa.string(),
        "timestamp": _UTC,
        "toxic": pa.bool_(),
        "turn_identifier": pa.int64(),
    }
)

MODERATION = _struct(
    {
        "categories": _struct(dict.fromkeys(SPELLINGS, pa.bool_())),
        "category_scores": _struct(dict.fromkeys(SPELLINGS, pa.float64())),
        "flagged": pa.bool_(),
    }
)

DETOXIFY = _struct(dict.fromkeys(sorted(DETOXIFY_HEADS), pa.float64()))

PUBLISHED = pa.schema(
    {
        "conversation_hash": pa.string(),
        "model": pa.string(),
        "timestamp": _UTC,
        "conversation": _list(MESSAGE),
        "turn": pa.int64(),
        "language": pa.string(),
        "openai_moderation": _list(MODERATION),
        "detoxify_moderation": _list(DETOXIFY),
        "toxic": pa.bool_(),
        "redacted": pa.bool_(),
        "state": pa.string(),
        "country": pa.string(),
        "hashed_ip": pa.string(),
        "header": HEADER,
    }
)
