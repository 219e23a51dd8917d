"""Tables of phrases with their lengths, made for drawing one that still fits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wildpaper.acquire.simulation.text_count import count_halves

NUMBER = "\ue000"
"""Stands in a phrase for a number that is drawn when the text is finished."""

Phrase = tuple[str, int]
"""A piece of text and its length in half words."""

Draw = Callable[[], float]
"""`random.Random.random`: a number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Table:
    """Phrases sorted by length.

    Attributes
    ----------
    phrases : tuple of Phrase
        Sorted by length, then by text.
    n_within : tuple of int
        Element r is the number of phrases that are no longer than r half words.
    """

    phrases: tuple[Phrase, ...]
    n_within: tuple[int, ...]

    @property
    def shortest(self) -> int:
        """Length of the shortest phrase in half words."""
        return self.phrases[0][1]


def make_table(texts: Iterable[str]) -> Table:
    """Return the table of some texts, each once."""
    phrases = sorted({(text, count_halves(text)) for text in texts}, key=lambda p: (p[1], p[0]))
    longest = phrases[-1][1] if phrases else 0
    n_within = [0] * (longest + 1)
    for _, size in phrases:
        n_within[size] += 1
    for size in range(1, longest + 1):
        n_within[size] += n_within[size - 1]
    return Table(tuple(phrases), tuple(n_within))


def pick(draw: Draw, table: Table) -> Phrase:
    """Return any phrase."""
    phrases = table.phrases
    return phrases[int(draw() * len(phrases))]


def pick_within(draw: Draw, table: Table, room: int) -> Phrase:
    """Return a phrase of at most `room` half words, the empty one where none is so short."""
    n_within = table.n_within
    if room <= 0:
        return "", 0
    n = n_within[min(room, len(n_within) - 1)]
    return table.phrases[int(draw() * n)] if n else ("", 0)


def pick_near(draw: Draw, table: Table, room: int) -> Phrase:
    """Return a phrase of `room` half words, or of the nearest length below that there is.

    Phrases one word shorter are as good, so that short texts do not repeat themselves.
    """
    last = len(table.n_within) - 1
    top = table.n_within[min(room, last)] if room > 0 else 0
    if not top:
        return "", 0
    longest = table.phrases[top - 1][1]
    bottom = table.n_within[longest - 3] if longest > 3 else 0
    return table.phrases[bottom + int(draw() * (top - bottom))]
