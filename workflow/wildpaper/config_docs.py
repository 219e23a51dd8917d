"""The manual and the JSON schema of the configuration, generated from its models."""

import json
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from wildpaper.config import Config
from wildpaper.files import write_text
from wildpaper.generated import check_generated
from wildpaper.yaml_text import parse_yaml

_HEAD = """\
# Configuration

A preset is a file `config/<preset>.yaml`; it holds only what differs from the defaults below.
The default preset is `demo`. Choose another, or change a single key, on the command line:

    snakemake --cores all --configfile config/realdata.yaml
    snakemake --cores all --config shards=8

Unknown keys are errors that name the file, the line and the key that was probably meant.
Results of a preset stand in `results/<preset>/`.

This page and `schema.json` (for completion in editors) are generated from
`workflow/wildpaper/config.py` by `make docs`; a test fails when they drift.

## Presets

"""


def write_docs(folder: Path) -> None:
    """Write ``README.md`` and ``schema.json`` into the folder of presets."""
    for name, text in _generate(folder).items():
        write_text(folder / name, text)


def check_docs(folder: Path) -> None:
    """Compare the generated files with those in the folder.

    Raises
    ------
    WildpaperError
        If one is missing or out of date.
    """
    for name, text in _generate(folder).items():
        check_generated(folder / name, text, "workflow/wildpaper/config.py")


def _generate(folder: Path) -> dict[str, str]:
    schema = json.dumps(Config.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
    return {"schema.json": schema, "README.md": _manual(folder)}


def _manual(folder: Path) -> str:
    lines = ["| preset | purpose |", "|---|---|"]
    for path in sorted(folder.glob("*.yaml")):
        preset = parse_yaml(path.read_text(encoding="utf-8"))
        lines.append(f"| `{preset['preset']}` | {preset.get('purpose', '')} |")
    lines += ["", "## Keys", "", "| key | type | default | meaning |", "|---|---|---|---|"]
    lines += _rows(Config, "")
    return _HEAD + "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            rows.append(f"| **`{prefix}{name}`** | | | {_cell(field.description or '')} |")
            if not _alike(model):
                rows += _rows(kind, f"{prefix}{name}.")
        elif section := _named_sections(kind):
            rows.append(f"| **`{prefix}{name}`** | | | {_cell(field.description or '')} |")
            rows += _rows(section, f"{prefix}{name}.<name>.")
        else:
            rows.append(
                f"| `{prefix}{name}` | {_type_of(model, name)} | {_default(field)} "
                f"| {_cell(field.description or '')} |"
            )
    if _alike(model):
        kind = next(iter(model.model_fields.values())).annotation
        rows += _rows(kind, f"{prefix}<name>.")  # type: ignore[arg-type]
    return rows


def _named_sections(kind: Any) -> type[BaseModel] | None:
    """Return the model of sections that stand under names of the user's; None if it is none."""
    section = get_args(kind)[-1] if get_origin(kind) is dict else None
    return section if isinstance(section, type) and issubclass(section, BaseModel) else None


def _alike(model: type[BaseModel]) -> bool:
    """Say whether all keys of a section are sections of the same model: described once."""
    kinds = [field.annotation for field in model.model_fields.values()]
    return len(kinds) > 1 and len(set(kinds)) == 1 and hasattr(kinds[0], "model_fields")


def _type_of(model: type[BaseModel], name: str) -> str:
    """Return a field's type in words, from the JSON schema."""
    return _words(model.model_json_schema()["properties"][name])


def _words(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_words(option) for option in part["anyOf"])
    if "enum" in part:
        return " / ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if part.get("type") == "array":
        return "list of pairs of names" if "prefixItems" in part["items"] else "list of text"
    if part.get("type") == "object":
        return "names, each with a text"
    names = {"string": "text", "integer": "whole number", "boolean": "true / false"}
    limits = [f"≥ {part['minimum']}"] if "minimum" in part else []
    limits += [f"≤ {part['maximum']}"] if "maximum" in part else []
    text = names.get(part.get("type", ""), part.get("type", ""))
    return f"{text}, {', '.join(limits)}" if limits else text


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    return "" if field.default in (None, "") else f"`{field.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
