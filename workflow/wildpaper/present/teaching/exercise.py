"""What an exercise of a notebook is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wildpaper.present.teaching.run import Run

Solve = Callable[[Run], Any]


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question with one right answer, or several that are as good.

    Attributes
    ----------
    needs : str
        The artifact that answers it; empty if the claims do.
    solve : callable
        Returns the right answer of a run: a number, a text, or a set of texts that are all
        right; None if this run cannot tell.
    hint : str
        How to find it.
    within : float
        How far a number may be off: half of the last digit that is asked for.
    mistakes : mapping
        {what to say: what returns an answer that is easily taken for the right one}.
    """

    needs: str
    solve: Solve
    hint: str
    within: float = 0.0
    mistakes: Mapping[str, Solve] = field(default_factory=dict)
