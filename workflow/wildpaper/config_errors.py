"""Faults of a configuration in words: which key, which file and line, what was meant."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], files: list[Path]) -> tuple[str, str]:
    """Return (what is wrong, where) for all faults of a configuration."""
    whats, wheres = [], []
    for fault in error.errors():
        key = tuple(str(part) for part in fault["loc"])
        name = ".".join(key) or "(top level)"
        if fault["type"] == "extra_forbidden":
            whats.append(f"Unknown key {name!r}{_did_you_mean(key, model)}")
        else:
            given = "" if isinstance(fault["input"], dict) else f" (given: {fault['input']!r})"
            message = fault["msg"].removeprefix("Value error, ")
            whats.append(f"Key {name!r}: {message}{given}")
        wheres.append(_place(key, files, fault["input"]))
    return "Invalid configuration: " + "; ".join(whats), "; ".join(dict.fromkeys(wheres))


def _did_you_mean(key: tuple[str, ...], model: type[BaseModel]) -> str:
    """Return `` (did you mean 'x'?)`` with the nearest key of the same section."""
    section: Any = model
    for part in key[:-1]:
        field = getattr(section, "model_fields", {}).get(part)
        section = field.annotation if field else None
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        return ""
    near = difflib.get_close_matches(key[-1], section.model_fields, n=1, cutoff=0.5)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (this section has: {', '.join(section.model_fields)})"


def _place(key: tuple[str, ...], files: list[Path], given: Any) -> str:
    """Return ``file, line n`` of a key in the last file that gives it this value."""
    for path in reversed(files):
        line = _line_of(path, key, given)
        if line:
            return f"{path}, line {line}"
    listed = ", ".join(str(path) for path in files)
    return f"key {'.'.join(key)}, from the command line (--config) or {listed or 'the caller'}"


def _line_of(path: Path, key: tuple[str, ...], given: Any) -> int | None:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    line = None
    for part in key:
        if not isinstance(node, yaml.MappingNode):
            return None
        for name, value in node.value:
            if name.value == part:
                node, line = value, name.start_mark.line + 1
                break
        else:
            return None
    if isinstance(node, yaml.ScalarNode) and yaml.safe_load(node.value or "null") != given:
        return None
    return line
