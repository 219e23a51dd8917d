"""Labels that a release of JSON carries in its messages, as rows of the label tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from wildpaper.ingest.native import Kept
from wildpaper.schema import DETOXIFY_HEADS, LABELS, OPTIONAL_HEADS

Row = Mapping[str, float | bool | None]


class MalformedError(Exception):
    """A value that does not hold a label in the form of the releases."""


def extract_objects(label: str, kept: Sequence[Kept]) -> tuple[pa.Table, int]:
    """Return (label table, messages whose label cannot be read).

    Parameters
    ----------
    label : {"detoxify"}
        Which label.
    kept : sequence of Kept
        Conversations that carry it in `recorded`.

    Returns
    -------
    table : pyarrow.Table
        In the schema of the label, in the order of conversations and positions, without
        the messages whose label is null, missing or cannot be read.
    n_malformed : int
        Messages whose label is no object of scores from 0 to 1. A score that is null or
        missing means that none is recorded, and is not counted here; one of
        `OPTIONAL_HEADS` may be missing.
    """
    rows: list[dict[str, Any]] = []
    n_malformed = 0
    for one in kept:
        values = one.conversation.recorded[label]
        places = one.clean.places
        for position, place in enumerate(range(len(values)) if places is None else places):
            try:
                found = _READERS[label](values[place])
            except MalformedError:
                n_malformed += 1
                continue
            if found is not None:
                rows.append({"conversation_id": one.number, "position": position, **found})
    return pa.Table.from_pylist(rows, LABELS[label]), n_malformed


def _detoxify(value: Any) -> Row | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedError
    scores = {head: _score(value.get(head)) for head in DETOXIFY_HEADS}
    if any(scores[head] is None for head in DETOXIFY_HEADS if head not in OPTIONAL_HEADS):
        return None
    return {**scores, "truncated": False}


def _score(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise MalformedError
    return float(value)


_READERS: dict[str, Callable[[Any], Row | None]] = {"detoxify": _detoxify}
