"""The page docs/data-dictionary.md: all tables and JSON files, column by column."""

from collections.abc import Iterable
from pathlib import Path

from wildpaper.dictionary.columns import PROJECT, Column, columns_of, fields_of
from wildpaper.dictionary.conversations import INGEST_TABLES, RELEASE_TABLES
from wildpaper.dictionary.forms import JsonFile, Table
from wildpaper.dictionary.labels import LABEL_TABLES
from wildpaper.dictionary.models import JSON_FILES, LONG_TABLE, MODEL_TABLES
from wildpaper.files import read_json, write_text
from wildpaper.generated import check_generated

_HEAD = """\
# Data dictionary

Every table and JSON file of a run whose form is fixed: which files they are, which rule writes
them, and what each column holds. Paths begin at `results/<preset>/`, unless they begin with
`data/`. Tables are parquet, compressed with zstd, unless they are called otherwise; the routes in
their paths are `computed`, `recorded` and `replayed`. Times are UTC. How quantities are defined is
said in [definitions.md](definitions.md), how raw logs look in [raw-logs.md](raw-logs.md).

This page is generated from the schemas (`workflow/wildpaper/schema.py`, `data/schemas/`) and the
meanings in `workflow/wildpaper/dictionary/` by `make docs`; a test fails when they drift.
"""

PARTS: dict[str, tuple[Table, ...]] = {
    "Conversations and messages": INGEST_TABLES,
    "Labels": LABEL_TABLES,
    "The release and what is behind it": RELEASE_TABLES,
    "Training and evaluation": MODEL_TABLES,
    "Measured values": (LONG_TABLE,),
}
"""{heading: its tables}."""


def write_dictionary(path: Path) -> None:
    """Write the page.

    Raises
    ------
    WildpaperError
        If a column has no meaning.
    """
    write_text(path, dictionary())


def check_dictionary(path: Path) -> None:
    """Compare the page with what the schemas say now.

    Raises
    ------
    WildpaperError
        If it is missing or out of date, or a column has no meaning.
    """
    check_generated(path, dictionary(), "the schemas")


def dictionary() -> str:
    """Return the page as Markdown."""
    lines = [_HEAD]
    for heading, tables in PARTS.items():
        lines += [f"## {heading}", ""]
        for table in tables:
            rows = columns_of(table)
            lines += [*_about(table.file, table.rules), table.about, "", *_table(rows, "null")]
    lines += ["## JSON files", ""]
    for one in JSON_FILES:
        schema = read_json(schema_file(one))
        rows = fields_of(schema, str(schema_file(one).relative_to(PROJECT)))
        about = schema["title"].partition(": ")[2]
        lines += [*_about(", ".join(one.files), one.rules)]
        lines += [
            f"{about[0].upper()}{about[1:]}. Schema: `data/schemas/{one.schema}.schema.json`."
        ]
        lines += ["", *_table(rows, "null or absent")]
    return "\n".join(lines).rstrip() + "\n"


def schema_file(one: JsonFile) -> Path:
    """Return where the schema of a JSON file stands."""
    return PROJECT / "data" / "schemas" / f"{one.schema}.schema.json"


def _about(files: str, rules: Iterable[str]) -> list[str]:
    shown = [f"`{rule.partition('{')[0]}…`" if "{" in rule else f"`{rule}`" for rule in rules]
    written = [f"Written by {', '.join(shown)}.", ""] if shown else []
    return [f"### {', '.join(f'`{file}`' for file in files.split(', '))}", "", *written]


def _table(rows: list[Column], optional: str) -> list[str]:
    lines = [f"| column | type | {optional} | meaning |", "|---|---|---|---|"]
    for one in rows:
        null = "yes" if one.optional else ""
        lines.append(f"| `{one.name}` | {one.kind} | {null} | {one.meaning} |")
    return [*lines, ""]
