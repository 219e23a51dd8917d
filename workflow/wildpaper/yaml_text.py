"""YAML by libyaml, about seven times as fast as PyYAML alone; safe loaders only."""

from typing import Any

import yaml

_SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRINGS = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says.

    Raises
    ------
    yaml.YAMLError
        If it is none.
    """
    return yaml.load(text, Loader=_SAFE)  # noqa: S506 - a safe loader


def parse_yaml_strings(text: str) -> Any:
    """Return what a YAML text says, each number as it is written there.

    Raises
    ------
    yaml.YAMLError
        If it is none.
    """
    return yaml.load(text, Loader=_STRINGS)  # noqa: S506 - strings only
