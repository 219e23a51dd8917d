"""The value that occurs most often."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def mode(values: Iterable[_T], counted: Sequence[bool] | None = None) -> _T:
    """Return the most frequent value, of equally frequent ones the one seen first.

    None is a value like any other, as in the authors' release code.

    Parameters
    ----------
    values : iterable
        At least one.
    counted : sequence of bool, optional
        For each value, whether it counts; the others do only if none counts. Default: all
        do.

    Raises
    ------
    ValueError
        If there are no values.
    """
    listed = list(values)
    if not listed:
        raise ValueError("no values")
    if counted is not None and any(counted):
        listed = [value for value, counts in zip(listed, counted, strict=True) if counts]
    return Counter(listed).most_common(1)[0][0]
