"""What the columns of conversations, of the release and of what it is made of mean."""

from wildpaper import schema
from wildpaper.dictionary.forms import KEY, Table
from wildpaper.dictionary.labels import HEADS, MODERATION
from wildpaper.release.published_features import FIELDS, MESSAGE_FIELDS
from wildpaper.release.published_schema import PUBLISHED, SPELLINGS

_SPAN = KEY | {
    "start": "First character of the part, from 0, in the unredacted text.",
    "end": "Character after its last.",
}
_MESSAGE = KEY | {
    "turn": "Number of the turn, from 0; null before the first user message.",
    "role": "`user`, `assistant` or `system`.",
    "text": "The text, without lone surrogates; may be empty.",
    "timestamp": "When it was written, as recorded.",
}


def _published() -> dict[str, str]:
    """Return what the fields of the published schema mean, nested ones by their path."""
    found = {name: f"{meaning}." for name, meaning in FIELDS.items()}
    found |= {f"conversation.{name}": f"{what}." for name, what in MESSAGE_FIELDS.items()}
    for header in ("header", "conversation.header"):
        found[f"{header}.accept-language"] = "Languages that the client named."
        found[f"{header}.user-agent"] = "Browser that the client named."
    service = "openai_moderation"
    found[f"{service}.flagged"] = MODERATION["flagged"]
    found[f"{service}.categories"] = "By category, whether the service flags it."
    found[f"{service}.category_scores"] = "By category, its score from 0 to 1."
    for spelling, name in SPELLINGS.items():
        found[f"{service}.categories.{spelling}"] = MODERATION[name]
        found[f"{service}.category_scores.{spelling}"] = MODERATION[f"{name}_score"]
    heads = {name: text for name, text in HEADS.items() if name != "truncated"}
    return found | {f"detoxify_moderation.{name}": text for name, text in heads.items()}


INGEST_TABLES = (
    Table(
        "ingest/<data set>/conversations-<shard>.parquet", ("ingest_dataset", "link_calls"),
        "One row a conversation, by `conversation_id`. Conversations of raw logs stand in "
        "`data/private/<preset>/release/`, with the same columns.",
        {
            "dataset": "Data set that the conversation is of.",
            "conversation_id": "Number in the order of the source, from 0; whatever the number of "
            "shards. The shard is its remainder.",
            "source_id": "The source's own id or hash; not unique.",
            "model": "Model that answered, as recorded.",
            "language": "Language of the conversation, as recorded.",
            "country": "Country of the user, as recorded.",
            "state": "State or region of the user, as recorded.",
            "user": "Hashed address, where the source tells users apart.",
            "timestamp": "Time of the conversation, as recorded.",
            "n_turns": "Turns: user messages.",
            "n_messages": "Messages, of all roles.",
            "toxic": "Whether the source marks it as toxic.",
            "redacted": "Whether the source says that something was redacted.",
            "duplicate": "Whether an earlier conversation of the data set has the same messages.",
        },
        schema.CONVERSATIONS,
    ),
    Table(
        "ingest/<data set>/messages-<shard>.parquet", ("ingest_dataset", "link_calls"),
        "One row a message, by `conversation_id` and `position`, which together are the key. "
        "Messages of raw logs stand in `data/private/<preset>/release/`.",
        _MESSAGE, schema.MESSAGES,
    ),
    Table(
        "ingest/<data set>/quarantine.parquet", ("ingest_dataset",),
        "One row a record that was not read, by file and row. It holds no text.",
        {
            "dataset": "Data set of the file.",
            "file": "Name of the file.",
            "row": "Number of the record in it, from 0.",
            "reason": "Why it was not read, as the ledger counts it.",
            "detail": "Where in the record, or which field.",
        },
        schema.QUARANTINE,
    ),
)  # fmt: skip
"""The canonical form of all data sets."""

RELEASE_TABLES = (
    Table(
        "release/wildchat-<full or public>/train-<shard>-of-<shards>.parquet",
        ("assemble_release",),
        "One row a conversation, in the schema in which WildChat-1M is published.",
        _published(), PUBLISHED,
    ),
    Table(
        "data/private/<preset>/release/turns-<shard>.parquet", ("link_calls",),
        "One row a turn of the raw logs, by conversation and turn; no raw address.",
        {
            "conversation_id": "Conversation that the turn is in.",
            "turn": "Number of the turn in it, from 0.",
            "turn_identifier": "Number of the turn among all turns of the release.",
            "timestamp": "When it was answered.",
            "hashed_ip": "Hash of the secret salt and the client's address.",
            "country": "Country of the address; null where the database has none.",
            "state": "State or region of the address; null where the database has none.",
            "user_agent": "Browser that the client named.",
            "accept_language": "Languages that the client named.",
        },
        schema.TURNS,
    ),
    Table(
        "data/private/<preset>/release/entities-<shard>.parquet", ("find_entities",),
        "One row a part of a message that may be personal. Private: it holds the text.",
        _SPAN | {
            "entity": "Type of entity, as Presidio names it.",
            "score": "The recogniser's confidence, from 0 to 1.",
            "value": "The text of the part.",
        },
        schema.ENTITIES,
    ),
    Table(
        "data/private/<preset>/release/frequencies.parquet", ("count_entities",),
        "One row a type and value: what many write is no personal information.",
        {
            "entity": "Type of entity.",
            "value": "The text, without blank space at both ends, in lower case.",
            "n_conversations": "Conversations in which it occurs.",
        },
        schema.FREQUENCIES,
    ),
    Table(
        "data/private/<preset>/release/redacted-<shard>.parquet", ("redact_messages",),
        "One row a message of the raw logs, its personal parts replaced by placeholders.",
        _MESSAGE | {"redacted": "Whether anything was replaced."}, schema.REDACTED,
    ),
    Table(
        "data/private/<preset>/release/redactions-<shard>.parquet", ("redact_messages",),
        "One row a part that was replaced; it does not hold the text.",
        _SPAN | {
            "kind": "Type of entity, or `SECRET`.",
            "detail": "Of a secret, its type; else empty.",
        },
        schema.REDACTIONS,
    ),
    Table(
        "data/private/<preset>/release/fates.parquet", ("link_calls",),
        "One row a line of the call logs, by file and line.",
        {
            "file": "Name of the log.",
            "line": "Number of the line, from 1.",
            "call_id": "Id of the call; null where the line is no call.",
            "fate": "`kept`, or the reason why not, as the ledger counts it.",
            "chain": "Chain of calls that it was linked into; null if none.",
            "turn": "Its number in the chain, from 0.",
            "conversation_id": "Conversation of the release that it became part of.",
        },
        schema.FATES,
    ),
    Table(
        "data/raw/simulated/<version>/true-calls.parquet", ("simulate_study",),
        "One row a simulated call: what linking should find.",
        {
            "conversation": "True conversation that the call belongs to.",
            "cause": "What happened to that conversation, for example a regenerated answer.",
            "path": "Number on the path that the user ended with; null on an abandoned branch.",
            "call_id": "Id of the call.",
        },
        schema.TRUE_CALLS,
    ),
)  # fmt: skip
"""The release and what stands behind it; what is private stays in data/private/."""
