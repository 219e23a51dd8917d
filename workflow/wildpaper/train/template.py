"""How conversations are written out as tokens."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from wildpaper.train.chatml import ChatmlTemplate
from wildpaper.train.exchange import Exchange, LeftOut, Message, PlainTokenizer
from wildpaper.train.settings import DataSettings
from wildpaper.train.vicuna import VicunaTemplate


class Template(Protocol):
    """What turns a conversation into exchanges of tokens."""

    begin_id: int
    """Stands at the front of a text."""
    end_id: int
    """Stands behind each reply."""
    n_pieces: int
    """Size of the vocabulary."""
    plain: PlainTokenizer
    """Encodes texts, and says where in them tokens end."""
    header: list[int]
    """Tokens at the front of every example."""

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text that stands alone."""

    def exchanges(self, messages: Sequence[Message]) -> tuple[list[Exchange], LeftOut]:
        """Encode a conversation."""


def load_template(settings: DataSettings, tokenizer: Path) -> Template:
    """Return the template of a recipe with a tokenizer.

    Raises
    ------
    WildpaperError
        If the file cannot be read, or the tokenizer does not go with the template.
    """
    if settings.template == "chatml":
        return ChatmlTemplate(tokenizer)
    return VicunaTemplate(tokenizer)
