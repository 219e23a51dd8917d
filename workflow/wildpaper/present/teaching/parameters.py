"""Values of a notebook's parameters: each is checked when the notebook starts.

An unknown, missing or mistyped parameter of a run is refused before that, see
`wildpaper.present.notebook`; these checks hold in JupyterLab too, and look at the range.
"""

from collections.abc import Callable, Sequence
from typing import Any

from wildpaper.errors import WildpaperError

Rule = Callable[[Any], str]
"""Returns what a value must be, or nothing if it is that."""


def check_values(**given: tuple[Any, Rule]) -> None:
    """Check parameters, ``name=(value, rule)``.

    Raises
    ------
    WildpaperError
        If a value is of another type or outside its range; names all that are.
    """
    faults = []
    for name, (value, rule) in given.items():
        wanted = rule(value)
        if wanted:
            shown = (
                f"{value!r} ({type(value).__name__})" if _is_of_other_type(wanted) else repr(value)
            )
            faults.append(f"{name} is {shown}; it must be {wanted}")
    if faults:
        raise WildpaperError(
            "; ".join(faults), where="the cell of parameters", hint="Change it and run all cells."
        )


def text() -> Rule:
    """Return the rule of a text that is not empty."""
    return lambda value: "" if isinstance(value, str) and value.strip() else "a text (str)"


def text_or_nothing() -> Rule:
    """Return the rule of a text that may be empty."""
    return lambda value: "" if isinstance(value, str) else "a text (str)"


def one_of(*choices: str) -> Rule:
    """Return the rule of a text out of some."""
    wanted = _listed(choices)
    return lambda value: "" if isinstance(value, str) and value in choices else wanted


def texts_by_name() -> Rule:
    """Return the rule of a dictionary from texts to texts; it may be empty."""

    def rule(value: Any) -> str:
        texts = isinstance(value, dict) and all(
            isinstance(one, str) for pair in value.items() for one in pair
        )
        return "" if texts else "a dictionary of texts (dict)"

    return rule


def number(low: float, high: float) -> Rule:
    """Return the rule of a number from `low` to `high`."""
    wanted = f"a number (float) from {low:g} to {high:g}"

    def rule(value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if is_number and low <= value <= high else wanted

    return rule


def whole(low: int, high: int) -> Rule:
    """Return the rule of a whole number from `low` to `high`."""
    wanted = f"a whole number (int) from {low:,} to {high:,}"

    def rule(value: Any) -> str:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if is_whole and low <= value <= high else wanted

    return rule


def _is_of_other_type(wanted: str) -> bool:
    return "(" in wanted


def _listed(choices: Sequence[str]) -> str:
    quoted = [repr(choice) for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
