"""The columns of WildChat's public releases as their cards describe them, and rows for them."""

import pyarrow as pa

PLAIN = ("harassment", "hate", "sexual", "violence")
SLASHED = {
    "harassment/threatening": "harassment_threatening",
    "hate/threatening": "hate_threatening",
    "self-harm": "self_harm",
    "self-harm/instructions": "self_harm_instructions",
    "self-harm/intent": "self_harm_intent",
    "sexual/minors": "sexual_minors",
    "violence/graphic": "violence_graphic",
}
HEADS = (
    "identity_attack",
    "insult",
    "obscene",
    "severe_toxicity",
    "sexual_explicit",
    "threat",
    "toxicity",
)
_FLAGS = {"language": pa.string(), "redacted": pa.bool_(), "role": pa.string(), "toxic": pa.bool_()}
_HEADER = pa.struct([("accept-language", pa.string()), ("user-agent", pa.string())])
_USAGE = pa.struct(
    [
        ("completion_tokens", pa.int64()),
        ("completion_tokens_details", pa.struct([("reasoning_tokens", pa.int64())])),
        ("prompt_tokens", pa.int64()),
        ("total_tokens", pa.int64()),
    ]
)


def _struct(fields, names=None):
    return pa.struct([(name, fields[name]) for name in names or fields])


def _labels(spellings, score):
    categories = pa.struct([(name, pa.bool_()) for name in spellings])
    scores = pa.struct([(name, pa.float64()) for name in spellings])
    answer = pa.struct([("categories", categories), ("category_scores", scores),
                        ("flagged", pa.bool_())])  # fmt: skip
    heads = pa.struct([(head, score) for head in HEADS])
    return {"openai_moderation": pa.list_(answer), "detoxify_moderation": pa.list_(heads)}


def _release(key, when, message, labels, places):
    columns = {key: pa.string(), "model": pa.string(), "timestamp": when}
    columns |= {"conversation": pa.list_(_struct(message)), "turn": pa.int64()}
    columns |= {"language": pa.string(), **labels, "toxic": pa.bool_(), "redacted": pa.bool_()}
    return pa.schema(list((columns | places).items()))


def _places():
    return {"state": pa.string(), "country": pa.string(), "hashed_ip": pa.string(),
            "header": _HEADER}  # fmt: skip


def schemas():
    """Return {release: schema}; the Full releases have the columns of the open ones."""
    both = sorted([*PLAIN, *SLASHED, *SLASHED.values()])
    utc, naive = pa.timestamp("us", "UTC"), pa.timestamp("us")
    message = {"content": pa.string(), **_places(), **_FLAGS, "timestamp": utc,
               "turn_identifier": pa.int64()}  # fmt: skip
    more = {"created": pa.int64(), "openai_id": pa.string(), "temperature": pa.float64(),
            "token_counter": pa.int64(), "top_p": pa.float64(),
            "system_fingerprint": pa.string(), "usage": _USAGE}  # fmt: skip
    first = {"content": pa.string(), **_FLAGS}
    return {
        "wildchat-2023": _release(
            "conversation_id", pa.timestamp("s", "UTC"), first,
            _labels([*PLAIN, *SLASHED], pa.float32()), {},
        ),
        "wildchat-1m": _release(
            "conversation_hash", utc, {name: message[name] for name in sorted(message)},
            _labels(both, pa.float64()), _places(),
        ),
        "wildchat-4.8m": _release(
            "conversation_hash", naive, {**message, "timestamp": naive, **more},
            _labels([*both, "illicit", "illicit/violent", "illicit_violent"], pa.float64()),
            _places(),
        ),
    }  # fmt: skip
