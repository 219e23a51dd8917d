"""What all sections of the configuration share."""

import os
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_][A-Z0-9_]*)(?::-(?P<default>[^}]*))?\}")


def expand_variables(text: str) -> str:
    """Replace ``${NAME}`` and ``${NAME:-default}`` by environment variables.

    Raises
    ------
    ValueError
        If a variable without a default is not set.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match["name"]) or match["default"]
        if found is None:
            raise ValueError(f"environment variable {match['name']} is not set")
        return found

    return _VARIABLE.sub(value, text)


DataPath = Annotated[str, AfterValidator(expand_variables)]


class Section(BaseModel):
    """A section: frozen, unknown keys are errors, docstrings describe the keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
