"""Stored answers of a moderation API: a function of the text and of what is planted in it."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from wildpaper.schema import MODERATION_CATEGORIES

MODEL = "text-moderation-006"
DATE = "2024-05-02"


class Answers:
    """Answers to the distinct texts of a data set; what is held of a text is its digest."""

    def __init__(self) -> None:
        self._planted: dict[bytes, tuple[str, ...]] = {}

    def store(self, text: str, planted: tuple[str, ...]) -> None:
        """Store an answer that flags `planted`; an empty text is not asked about."""
        if text:
            self._planted.setdefault(hashlib.sha256(text.encode("utf-8")).digest(), planted)

    def lines(self) -> Iterator[str]:
        """Yield the lines of ``moderation-*.jsonl``, in the order of first occurrence."""
        for digest, planted in self._planted.items():
            yield _line(digest, planted)


def answer_line(text: str, planted: tuple[str, ...]) -> str:
    """Return one line of ``moderation-*.jsonl``, which flags `planted`."""
    return _line(hashlib.sha256(text.encode("utf-8")).digest(), planted)


def _line(digest: bytes, planted: tuple[str, ...]) -> str:
    head = f'{{"sha256": "{digest.hex()}", "model": "{MODEL}", "date": "{DATE}", '
    return head + _verdict(planted, digest[0]) + "}\n"


@lru_cache(maxsize=16_384)
def _verdict(planted: tuple[str, ...], grain: int) -> str:
    """Return flags and scores as JSON members; `grain` (0 to 255) varies the scores."""
    flags = ", ".join(
        f'"{name}": {"true" if name in planted else "false"}' for name in MODERATION_CATEGORIES
    )
    scores = ", ".join(
        f'"{name}": {score}' for name, score in zip(MODERATION_CATEGORIES, _scores(planted, grain),
                                                    strict=True)
    )  # fmt: skip
    flagged = "true" if planted else "false"
    return f'"flagged": {flagged}, "categories": {{{flags}}}, "category_scores": {{{scores}}}'


def _scores(planted: Sequence[str], grain: int) -> list[float]:
    """Return scores above one half for what is planted and below a tenth for the rest."""
    found = []
    for place, name in enumerate(MODERATION_CATEGORIES):
        share = (grain * 37 + place * 101) % 256 / 256
        found.append(round(0.55 + 0.44 * share if name in planted else 0.09 * share**3, 6))
    return found
