"""Calls that the operators of a service made to test it, known by a word in them."""

from collections.abc import Iterable

LOWER_TO_ASCII = {"i": "\u0130", "k": "\u212a"}
"""The characters beyond ASCII whose lower case holds a letter of ASCII: İ and the Kelvin sign."""


class OwnTraffic:
    """Finds a marker in texts, in any case, but where it stands for something else.

    Parameters
    ----------
    marker : str
        What to look for; empty: nothing is found.
    exceptions : tuple of str
        Where an occurrence of the marker lies within one of these, it does not count.
    """

    def __init__(self, marker: str, exceptions: tuple[str, ...]) -> None:
        self._marker = marker.lower()
        self._encoded = self._marker.encode("utf-8", "surrogatepass")
        self._odd = [odd.encode() for low, odd in LOWER_TO_ASCII.items() if low in self._marker]
        self._frames = [
            (offset, lowered)
            for lowered in (exception.lower() for exception in exceptions)
            for offset in _places(self._marker, lowered)
        ]

    def found(self, texts: Iterable[str], encoded: bytes) -> bool:
        """Say whether one of the texts holds the marker.

        Parameters
        ----------
        texts : iterable of str
            What to search.
        encoded : bytes
            The same texts in UTF-8, whatever stands between them: most calls do not hold
            the marker, and that is seen faster here.
        """
        if not self._marker or not self._possible(encoded):
            return False
        return any(self._in_text(text.lower()) for text in texts)

    def _possible(self, encoded: bytes) -> bool:
        if not self._marker.isascii():
            return True
        return self._encoded in encoded.lower() or any(odd in encoded for odd in self._odd)

    def _in_text(self, text: str) -> bool:
        return any(
            not any(
                place >= offset and text.startswith(exception, place - offset)
                for offset, exception in self._frames
            )
            for place in _places(self._marker, text)
        )


def _places(marker: str, text: str) -> list[int]:
    """Return where `marker` begins in `text`, overlapping occurrences too."""
    found = []
    place = text.find(marker) if marker else -1
    while place >= 0:
        found.append(place)
        place = text.find(marker, place + 1)
    return found
