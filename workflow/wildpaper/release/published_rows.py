"""Rows of a release in the published schema, column by column."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.config_release import ReleaseConfig
from wildpaper.ingest.records import Message
from wildpaper.ingest.wildchat import conversation_hash
from wildpaper.release.joined import Joined
from wildpaper.release.modes import mode
from wildpaper.release.published_schema import (
    DETOXIFY,
    HEADER,
    MESSAGE,
    MODERATION,
    PUBLISHED,
    SPELLINGS,
)

_Counts = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


def published_rows(joined: Joined, toxic_threshold: float, settings: ReleaseConfig) -> pa.Table:
    """Return conversations in the published schema, one row each.

    A message is toxic if it is not empty and either is flagged by moderation or has a
    Detoxify toxicity above the threshold; a conversation if any of its messages is, and
    it is redacted if any is. Language, country, state, hashed address and header of a
    conversation are the most frequent ones, each by itself, of equally frequent the
    first. The hash is over the texts as they are published.

    Parameters
    ----------
    joined : Joined
        Conversations with redacted messages, turns and labels.
    toxic_threshold : float
        For the head ``toxicity``.
    settings : ReleaseConfig
        Which turn's time is the conversation's, and what counts where.
    """
    n_turns = joined.conversations["n_turns"].to_numpy().astype(np.int64)
    texts = joined.redacted["text"].to_pylist()
    toxic = _toxic(joined, texts, toxic_threshold, settings.blank_texts == "score")
    redacted = joined.redacted["redacted"].to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(2 * n_turns)]).astype(np.int32))

    def listed(values: pa.Array, name: str) -> pa.Array:
        return pa.ListArray.from_arrays(offsets, values, type=PUBLISHED.field(name).type)

    turns = joined.turns
    ends = np.cumsum(n_turns)
    timed = ends - 1 if settings.timestamp == "last" else ends - n_turns
    located, spoken = _located(turns, settings), _spoken(joined.language, settings)
    columns = {
        "conversation_hash": pa.array(_hashes(joined, texts, n_turns), pa.string()),
        "model": joined.conversations["model"],
        "timestamp": turns["timestamp"].take(pa.array(timed)),
        "conversation": listed(_messages(joined, toxic), "conversation"),
        "turn": pa.array(n_turns),
        "language": _modes(joined.language["language"], 2 * n_turns, spoken),
        "openai_moderation": listed(_moderation(joined.moderation), "openai_moderation"),
        "detoxify_moderation": listed(_detoxify(joined.detoxify), "detoxify_moderation"),
        "toxic": pa.array(_any(toxic, 2 * n_turns)),
        "redacted": pa.array(_any(redacted, 2 * n_turns)),
        "state": _modes(turns["state"], n_turns, located),
        "country": _modes(turns["country"], n_turns, located),
        "hashed_ip": _modes(turns["hashed_ip"], n_turns),
        "header": _modes(_headers(turns), n_turns),
    }
    return pa.table(columns).cast(PUBLISHED)


def flagged_minors(joined: Joined) -> _Flags:
    """Say of each conversation whether moderation flags sexual content on minors in it."""
    n_messages = joined.conversations["n_messages"].to_numpy().astype(np.int64)
    return _any(joined.moderation["sexual_minors"].to_numpy(), n_messages)


def _toxic(joined: Joined, texts: list[str], toxic_threshold: float, blank: bool) -> _Flags:
    scored = np.array([bool(text if blank else text.strip()) for text in texts], dtype=bool)
    flagged = joined.moderation["flagged"].to_numpy()
    toxicity = joined.detoxify["toxicity"].to_numpy().astype(np.float64)
    return np.asarray(scored & (flagged | (toxicity > toxic_threshold)), dtype=bool)


def _located(turns: pa.Table, settings: ReleaseConfig) -> _Flags | None:
    """Say which turns count in a conversation's place; None: all."""
    if settings.unknown_places == "count":
        return None
    known = pc.or_(pc.is_valid(turns["country"]), pc.is_valid(turns["state"]))
    return np.asarray(known.to_numpy(), dtype=bool)


def _spoken(language: pa.Table, settings: ReleaseConfig) -> _Flags | None:
    """Say which messages count in a conversation's language; None: all."""
    if settings.nolang == "count":
        return None
    return np.asarray(pc.not_equal(language["language"], NO_LANGUAGE).to_numpy(), dtype=bool)


def _any(flags: _Flags, n: _Counts) -> _Flags:
    """Say of each conversation whether any of its n messages is flagged."""
    total = np.concatenate([[0], np.cumsum(flags)])
    ends = np.cumsum(n)
    return np.asarray(total[ends] > total[ends - n], dtype=bool)


def _hashes(joined: Joined, texts: list[str], n_turns: _Counts) -> list[str]:
    roles = joined.redacted["role"].to_pylist()
    listed = [Message(role, text) for role, text in zip(roles, texts, strict=True)]
    ends = np.cumsum(2 * n_turns).tolist()
    return [
        conversation_hash(listed[end - n : end])
        for end, n in zip(ends, (2 * n_turns).tolist(), strict=True)
    ]


def _modes(
    values: pa.Array | pa.ChunkedArray, n: _Counts, counted: _Flags | None = None
) -> pa.Array:
    """Return the mode of each conversation's n values; a struct is one value."""
    kind, items = values.type, values.to_pylist()
    names = [kind.field(i).name for i in range(kind.num_fields)] if pa.types.is_struct(kind) else []
    if names:
        items = [tuple(item[name] for name in names) for item in items]
    flags = [True] * len(items) if counted is None else counted.tolist()
    ends = np.cumsum(n).tolist()
    found = [
        mode(items[end - m : end], flags[end - m : end])
        for end, m in zip(ends, n.tolist(), strict=True)
    ]
    if names:
        found = [dict(zip(names, item, strict=True)) for item in found]
    return pa.array(found, kind)


def _headers(turns: pa.Table) -> pa.Array:
    parts = [turns["accept_language"].combine_chunks(), turns["user_agent"].combine_chunks()]
    return pa.StructArray.from_arrays(parts, fields=list(HEADER))


def _messages(joined: Joined, toxic: _Flags) -> pa.Array:
    """Return all messages; what is known of the client stands with the user's only."""
    number = np.arange(joined.redacted.num_rows)
    from_user = number % 2 == 0
    of_turn = pa.array(number // 2)
    user_turn = pa.array(number // 2, mask=~from_user)
    reply_turn = pa.array(number // 2, mask=from_user)
    turns = joined.turns
    columns = {
        "content": joined.redacted["text"],
        "country": turns["country"].take(user_turn),
        "hashed_ip": turns["hashed_ip"].take(user_turn),
        "header": _headers(turns).take(user_turn),
        "language": joined.language["language"],
        "redacted": joined.redacted["redacted"],
        "role": joined.redacted["role"],
        "state": turns["state"].take(user_turn),
        "timestamp": turns["timestamp"].take(reply_turn),
        "toxic": pa.array(toxic),
        "turn_identifier": turns["turn_identifier"].take(of_turn),
    }
    return _struct(columns, MESSAGE)


def _moderation(labels: pa.Table) -> pa.Array:
    categories, scores, _ = list(MODERATION)
    columns = {
        "categories": _struct({p: labels[o] for p, o in SPELLINGS.items()}, categories.type),
        "category_scores": _struct(
            {p: labels[f"{o}_score"] for p, o in SPELLINGS.items()}, scores.type
        ),
        "flagged": labels["flagged"],
    }
    return _struct(columns, MODERATION)


def _detoxify(labels: pa.Table) -> pa.Array:
    names = [field.name for field in DETOXIFY]
    return _struct({name: labels[name].cast(pa.float64()) for name in names}, DETOXIFY)


def _struct(columns: dict[str, pa.Array | pa.ChunkedArray], kind: pa.DataType) -> pa.Array:
    parts = [
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        for column in (columns[field.name] for field in kind)
    ]
    return pa.StructArray.from_arrays(parts, fields=list(kind))
