"""Columns of tables and fields of JSON files, each with type and meaning; none may lack one."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from wildpaper.dictionary.forms import Table
from wildpaper.errors import WildpaperError
from wildpaper.long_table import COLUMNS

PROJECT = Path(__file__).resolve().parents[3]
_CSV_TYPES = {"value": "number or text", "ci_low": "number", "ci_high": "number", "n": "integer"}
_CSV_EMPTY = ("value", "ci_low", "ci_high", "n", "claim", "route")


@dataclass(frozen=True, slots=True)
class Column:
    """One column or field: name, type, whether it may be null or absent, meaning."""

    name: str
    kind: str
    optional: bool
    meaning: str


def columns_of(table: Table) -> list[Column]:
    """Return the columns of a table.

    Raises
    ------
    WildpaperError
        If a column has no meaning, or a meaning no column.
    """
    if table.schema is not None:
        found = [row for one in table.schema for row in _arrow(one, "", top=True)]
    elif table.source is not None:
        found = _from_source(*table.source)
    else:
        found = [(name, _CSV_TYPES.get(name, "text"), name in _CSV_EMPTY) for name in COLUMNS]
    names = [name for name, _, _ in found]
    missing = [name for name in names if not table.meanings.get(name)]
    unknown = [name for name in table.meanings if name not in names]
    if missing or unknown:
        raise WildpaperError(
            f"Columns without a meaning: {missing}; meanings without a column: {unknown}",
            where=table.file,
            hint="Meanings stand in workflow/wildpaper/dictionary/.",
        )
    return [Column(name, kind, null, table.meanings[name]) for name, kind, null in found]


def fields_of(schema: dict[str, Any], where: str) -> list[Column]:
    """Return the fields of a JSON file, those inside by their path.

    Parameters
    ----------
    schema : dict
        JSON schema of the file.
    where : str
        Its name, for errors.

    Raises
    ------
    WildpaperError
        If a field has no description.
    """
    found = list(_fields(schema, schema, ""))
    missing = [one.name for one in found if not one.meaning]
    if missing:
        raise WildpaperError(
            f"Fields without a description: {', '.join(missing)}",
            where=where,
            hint="Give each property a description in the JSON schema.",
        )
    return found


def _arrow(field: pa.Field, above: str, *, top: bool = False) -> list[tuple[str, str, bool]]:
    """Return name, type and whether it may be null, of a column and of the fields inside."""
    kind, name = field.type, f"{above}{field.name}"
    inner = kind.value_type if pa.types.is_list(kind) else kind
    if not pa.types.is_struct(inner):
        return [(name, _type_name(kind), field.nullable)]
    shown = "list of struct" if pa.types.is_list(kind) else "struct"
    rows = [(name, shown, field.nullable)]
    for part in inner:
        rows += _arrow(part, f"{name}.")
    return rows


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return f"dictionary of {kind.value_type}"
    if pa.types.is_fixed_size_list(kind):
        return f"{kind.list_size} × {kind.value_type}"
    if pa.types.is_timestamp(kind):
        return f"timestamp, {kind.unit}, {kind.tz}"
    return str(kind)


def _from_source(module: str, name: str) -> list[tuple[str, str, bool]]:
    """Read a schema of ``pa.field(name, type, nullable=…)`` without importing its module."""
    path = PROJECT.joinpath("workflow", *module.split(".")).with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            calls = [one for one in ast.walk(node.value) if isinstance(one, ast.Call)]
            return [_field(one) for one in calls if ast.unparse(one.func) == "pa.field"]
    raise WildpaperError(f"There is no schema {name}", where=str(path))


def _field(call: ast.Call) -> tuple[str, str, bool]:
    kind = re.sub(r"pa\.|\(\)", "", ast.unparse(call.args[1])).replace("bool_", "bool")
    kind = re.sub(r"list_\((.*)\)", r"list of \1", kind).replace("float64", "double")
    never = any(k.arg == "nullable" and ast.unparse(k.value) == "False" for k in call.keywords)
    return str(ast.literal_eval(call.args[0])), kind, not never


def _fields(part: dict[str, Any], whole: dict[str, Any], above: str) -> list[Column]:
    """Return the fields below a part of a JSON schema; names that are data stand as ``<…>``."""
    part = _resolved(part, whole)
    if "items" in part:
        return _fields(part["items"], whole, f"{above}[]." if above else "[].")
    found = []
    for name, raw in part.get("properties", {}).items():
        inside = _resolved(raw, whole)
        needed = name in part.get("required", [])
        kind = _json_type(inside)
        optional = not needed or "null" in _types(inside)
        path = f"{above}{name}"
        found.append(Column(path, kind, optional, _sentence(inside)))
        found += _fields(inside, whole, path if "items" in inside else f"{path}.")
    of_any = part.get("additionalProperties")
    patterns = list(part.get("patternProperties", {}).values())
    for inside in [of_any] if isinstance(of_any, dict) else patterns:
        found += _fields(inside, whole, f"{above}<name>.")
    return found


def _resolved(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Return a part with what it refers to; its own description counts."""
    if "$ref" not in part:
        return part
    found: dict[str, Any] = whole
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{key: value for key, value in part.items() if key != "$ref"}}


def _types(part: dict[str, Any]) -> list[str]:
    kinds = part.get("type", [])
    named = [kinds] if isinstance(kinds, str) else list(kinds)
    return [*named, *(["null"] if None in part.get("enum", []) else [])]


def _json_type(part: dict[str, Any]) -> str:
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"] if value is not None)
    kinds = [kind for kind in _types(part) if kind != "null"]
    return " or ".join(kinds) or "text"


def _sentence(part: dict[str, Any]) -> str:
    text = str(part.get("description", "")).strip()
    if not text:
        return ""
    is_value = text.split(maxsplit=1)[0].endswith(":")  # its spelling counts
    beginning = text[0] if is_value else text[0].upper()
    return f"{beginning}{text[1:]}" + ("" if text.endswith(".") else ".")
