"""The value that occurs most often."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

_T = TypeVar("_T")


def mode(values: Iterable[_T]) -> _T:
    """Return the most frequent value, of equally frequent ones the one seen first.

    None is a value like any other, as in the authors' release code.
    """
    return Counter(values).most_common(1)[0][0]
