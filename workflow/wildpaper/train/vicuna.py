"""The template vicuna_v1.1, token by token: what the loss is taken on is known by construction.

A conversation is written as ``SYSTEM USER: … ASSISTANT: …</s>USER: … ASSISTANT: …</s>``,
after ``<s>``. Prompts and replies are encoded apart and put together. This gives the
tokens of the whole text, because no piece of the vocabulary holds a space marker anywhere
but at its front: a space always begins a token, so none lies across a border.
"""

from collections.abc import Sequence
from pathlib import Path

from wildpaper.train.exchange import Exchange, LeftOut, Message, PlainTokenizer, exchanges_of

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
"""Fixed by the format: models of this family know this sentence."""


class VicunaTemplate:
    """Encode conversations with a Llama-2 ``tokenizer.json``.

    Parameters
    ----------
    tokenizer : Path
        As `wildpaper.acquire.tokenizer` writes it; it puts a space before a text.

    Raises
    ------
    WildpaperError
        If the file cannot be read, parses special tokens out of texts, or puts no space
        before a text.
    """

    def __init__(self, tokenizer: Path) -> None:
        self.plain = PlainTokenizer(tokenizer, "<s>", "</s>")
        self.plain.require("x a", ("x", "a"), "vicuna_v1.1")
        self.begin_id, self.end_id = self.plain.begin_id, self.plain.end_id
        self.n_pieces = self.plain.n_pieces
        self.header: list[int] = [self.begin_id, *self.encode(SYSTEM)]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a space and a text."""
        return self.plain.encode(text)[0]

    def exchanges(self, messages: Sequence[Message]) -> tuple[list[Exchange], LeftOut]:
        """Encode a conversation, see `exchanges_of`."""
        return exchanges_of(messages, self._prompt, self.plain.encode)

    def _prompt(self, asked: list[str]) -> list[int]:
        return self.encode(" ".join([*(f"USER: {text}" for text in asked), "ASSISTANT:"]))
