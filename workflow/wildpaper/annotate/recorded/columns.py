"""Labels that a release carries in its columns, as rows of the label tables.

Arrow to Arrow: a label list runs parallel to the messages of its conversation.
"""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wildpaper.ingest.parquet_rows import is_list, is_text
from wildpaper.schema import DETOXIFY_HEADS, LABELS, MODERATION_CATEGORIES, OPTIONAL_HEADS


class OtherShapeError(Exception):
    """A column that does not hold labels in the form of the releases; says what is wrong."""


def extract(
    label: str, column: pa.Array, conversations: pa.Array, numbers: list[int]
) -> tuple[pa.Table, int]:
    """Return (label table, conversations whose labels do not match their messages).

    Parameters
    ----------
    label : {"language", "detoxify", "moderation"}
        Which label.
    column : pyarrow.Array, shape (n,)
        Per conversation, a list with one value a message; for `language` the messages.
    conversations : pyarrow.Array, shape (n,)
        Per conversation, the list of messages.
    numbers : list of int
        The number of each conversation.

    Returns
    -------
    table : pyarrow.Table
        In the schema of the label, in the order of conversations and positions, without
        the messages whose label is null or not recorded.
    n_unmatched : int
        Conversations with as many labels as messages are read; no label at all (null, or
        an empty list) means that none is recorded; any other number is counted here and
        left out, as nobody can say which message a label belongs to.

    Raises
    ------
    OtherShapeError
        If the column is of another type than in the releases.
    """
    if pa.types.is_null(column.type):
        return LABELS[label].empty_table(), 0
    if not is_list(column.type):
        raise OtherShapeError(f"it is {column.type} and must be a list with one value a message")
    n_labels = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    n_messages = pc.list_value_length(conversations).to_numpy(zero_copy_only=False)
    matched = n_labels == n_messages
    column = column.filter(pa.array(matched))
    ids = np.asarray(numbers, np.int64)[matched]
    lengths = n_messages[matched].astype(np.int64)
    values = pc.list_flatten(column)
    owner = np.repeat(np.arange(len(ids)), lengths)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    keys = [pa.array(ids[owner], pa.int64()), pa.array(position, pa.int32())]
    found, recorded = _READERS[label](values)
    table = pa.Table.from_arrays([*keys, *found], names=LABELS[label].names)
    return table.filter(recorded), int(((n_labels > 0) & ~matched).sum())


def _language(messages: pa.Array) -> tuple[list[pa.Array], pa.Array]:
    """Return names in title case, as lingua's; the release of 2023 has upper case."""
    given = _fields(messages).get("language", pa.nulls(len(messages), pa.string()))
    if pa.types.is_dictionary(given.type):
        given = given.cast(given.type.value_type)
    if pa.types.is_null(given.type):
        given = given.cast(pa.string())
    if not is_text(given.type):
        raise OtherShapeError(f"a language is {given.type} and must be a string")
    coded = given.dictionary_encode()
    binary = pa.large_binary() if pa.types.is_large_string(given.type) else pa.binary()
    raw = coded.dictionary.cast(binary).to_pylist()
    names = pa.array([name.decode(errors="ignore").title() for name in raw], pa.string())
    language = names.take(coded.indices)
    certain = pa.array(np.ones(len(messages), np.float32))
    return [language, certain], pc.fill_null(pc.not_equal(language, ""), False)


def _detoxify(scores: pa.Array) -> tuple[list[pa.Array], pa.Array]:
    """Return seven heads; a message counts as recorded if it has all that a model must have."""
    fields = _fields(scores)
    required = [head for head in DETOXIFY_HEADS if head not in OPTIONAL_HEADS]
    missing = [head for head in required if head not in fields]
    if missing:
        raise OtherShapeError(f"it lacks the heads {', '.join(missing)}")
    absent = pa.nulls(len(scores))
    heads = {head: _as(fields.get(head, absent), pa.float32(), head) for head in DETOXIFY_HEADS}
    recorded = heads[required[0]].is_valid()
    for head in required[1:]:
        recorded = pc.and_(recorded, heads[head].is_valid())
    return [*heads.values(), pa.array(np.zeros(len(scores), np.bool_))], recorded


def _moderation(answers: pa.Array) -> tuple[list[pa.Array], pa.Array]:
    """Return verdict, categories and scores; a category not recorded is False, 0."""
    fields = _fields(answers)
    if "flagged" not in fields:
        raise OtherShapeError("it lacks the field flagged")
    flagged = _as(fields["flagged"], pa.bool_(), "flagged")
    categories = _spelled(fields.get("categories"), pa.bool_(), False, len(answers))
    scores = _spelled(fields.get("category_scores"), pa.float64(), 0.0, len(answers))
    return [flagged, *categories, *scores], flagged.is_valid()


def _spelled(
    given: pa.Array | None, kind: pa.DataType, default: bool | float, n: int
) -> list[pa.Array]:
    """Return one array a category, whichever spelling of its name (or both) is recorded."""
    spellings: dict[str, list[pa.Array]] = {}
    if given is not None and not pa.types.is_null(given.type):
        for name, values in _fields(given).items():
            plain = re.sub(r"[-/]", "_", name)
            spellings.setdefault(plain, []).append(_as(values, kind, name))
    absent = pa.array([default] * n, kind)
    return [pc.coalesce(*spellings.get(name, []), absent) for name in MODERATION_CATEGORIES]


def _fields(values: pa.Array) -> dict[str, pa.Array]:
    """Return the fields of a struct array; null where the struct is null."""
    if not pa.types.is_struct(values.type):
        raise OtherShapeError(f"its values are {values.type} and must be structs")
    return {field.name: pc.struct_field(values, [i]) for i, field in enumerate(values.type)}


def _as(values: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
    fits = pa.types.is_boolean if pa.types.is_boolean(kind) else pa.types.is_floating
    if not pa.types.is_null(values.type) and not fits(values.type):
        raise OtherShapeError(f"{name} is {values.type} and must be {kind}")
    return values.cast(kind)


_READERS: dict[str, Callable[[pa.Array], tuple[list[pa.Array], pa.Array]]] = {
    "language": _language,
    "detoxify": _detoxify,
    "moderation": _moderation,
}
