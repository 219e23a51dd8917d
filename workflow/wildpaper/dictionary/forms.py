"""What tables and JSON files are: the forms in which their meanings are written down."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of table.

    Attributes
    ----------
    file : str
        Pattern of its files; below ``results/<preset>/`` unless it begins with ``data/``.
    rules : tuple of str
        Who writes it.
    about : str
        What a row is, and in which order.
    meanings : dict
        {column: what it holds}; of a published struct also ``column.field``.
    schema : pyarrow.Schema or None
        None for a CSV, and where `source` says where the schema stands.
    source : tuple of str
        Module and name of a schema that is read from the source, since importing it takes long.
    """

    file: str
    rules: tuple[str, ...]
    about: str
    meanings: dict[str, str]
    schema: pa.Schema | None = None
    source: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class JsonFile:
    """One kind of JSON file, whose schema is ``data/schemas/<schema>.schema.json``."""

    schema: str
    files: tuple[str, ...]
    rules: tuple[str, ...]


KEY = {
    "conversation_id": "Conversation that the message is in.",
    "position": "Number of the message in it, from 0.",
}
"""What the key of a message means, wherever it stands."""
