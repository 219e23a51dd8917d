"""The template ChatML, as SmolLM2-Instruct knows it.

A message is written as ``<|im_start|>ROLE``, a line break, the text, ``<|im_end|>``, a line
break. The loss is taken on texts of the assistant and their ``<|im_end|>``. The pieces in
brackets are placed by their ids; in a text they are characters.
"""

from collections.abc import Sequence
from pathlib import Path

from wildpaper.train.exchange import Exchange, LeftOut, Message, PlainTokenizer, exchanges_of

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""Fixed by the format: SmolLM2-Instruct was tuned with this sentence."""


class ChatmlTemplate:
    """Encode conversations with a byte-level ``tokenizer.json``.

    Parameters
    ----------
    tokenizer : Path
        As `wildpaper.acquire.gguf_model` writes it.

    Raises
    ------
    WildpaperError
        If the file cannot be read, parses special tokens out of texts, or puts a space
        before a text.

    Notes
    -----
    A reply is encoded apart from ``assistant`` and the line break before it: that is what
    the model sees when it is to answer. Where a reply begins with a line break, the whole
    text in one piece would give another token there, half of it the reply's.
    """

    def __init__(self, tokenizer: Path) -> None:
        self.plain = PlainTokenizer(tokenizer, "<|im_start|>", "<|im_end|>")
        self.plain.require("\na", ("\n", "a"), "chatml")
        self.begin_id, self.end_id = self.plain.begin_id, self.plain.end_id
        self.n_pieces = self.plain.n_pieces
        self._break = self.encode("\n")
        self.header: list[int] = [self.begin_id, *self.encode(f"system\n{SYSTEM}"), self.end_id]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        return self.plain.encode(text)[0]

    def exchanges(self, messages: Sequence[Message]) -> tuple[list[Exchange], LeftOut]:
        """Encode a conversation, see `exchanges_of`."""
        return exchanges_of(messages, self._prompt, self.plain.encode)

    def _prompt(self, asked: list[str]) -> list[int]:
        said = [
            token
            for text in asked
            for token in (*self._break, self.begin_id, *self.encode(f"user\n{text}"), self.end_id)
        ]
        return [*said, *self._break, self.begin_id, *self.encode("assistant\n")]
