"""The template vicuna_v1.1, token by token: what the loss is taken on is known by construction.

A conversation is written as ``SYSTEM USER: … ASSISTANT: …</s>USER: … ASSISTANT: …</s>``,
after ``<s>``. Prompts and replies are encoded apart and put together. This gives the
tokens of the whole text, because no piece of the vocabulary holds a space marker anywhere
but at its front: a space always begins a token, so none lies across a border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from wildpaper.errors import WildpaperError

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
"""Fixed by the format: models of this family know this sentence."""

Message = tuple[str, str]
"""(role, text)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A prompt, up to the colon after ``ASSISTANT``, and the reply to it.

    Attributes
    ----------
    prompt, reply : list of int
        Token ids; the end token that follows the reply is not among them.
    ends : list of int
        How many characters of the reply's text are written after each token.
    """

    prompt: list[int]
    reply: list[int]
    ends: list[int]

    @property
    def n_tokens(self) -> int:
        """Tokens, the end token included."""
        return len(self.prompt) + len(self.reply) + 1


Exchange = list[Reply]
"""User messages and the replies to them; a conversation is split between exchanges only."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Messages of a conversation that no example holds."""

    system: int = 0
    leading_assistant: int = 0
    unanswered_user: int = 0


class Template:
    """Encode conversations with a Llama-2 ``tokenizer.json``.

    Parameters
    ----------
    tokenizer : Path
        As `wildpaper.acquire.tokenizer` writes it: without added tokens, so that a literal
        ``</s>`` in a text is three characters and no end token.

    Raises
    ------
    WildpaperError
        If the file cannot be read or parses special tokens out of texts.
    """

    def __init__(self, tokenizer: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # noqa: BLE001 - tokenizers raises nothing narrower
            raise WildpaperError(
                f"Cannot read the tokenizer: {error}", where=str(tokenizer)
            ) from None
        begin, end = (self._tokenizer.token_to_id(piece) for piece in ("<s>", "</s>"))
        if begin is None or end is None or end in self._encode("a</s>b")[0]:
            raise WildpaperError(
                "The tokenizer lacks <s> and </s>, or reads them in a text as special tokens",
                where=str(tokenizer),
                hint="Use the file that rule convert_tokenizer writes.",
            )
        self.end_id: int = end
        self.n_pieces: int = self._tokenizer.get_vocab_size()
        self.header: list[int] = [begin, *self._encode(SYSTEM)[0]]

    def _encode(self, text: str) -> tuple[list[int], list[int]]:
        """Return the tokens of a space and `text`, and where in `text` each of them ends."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, [end for _, end in encoding.offsets]

    def exchanges(self, messages: Sequence[Message]) -> tuple[list[Exchange], LeftOut]:
        """Encode a conversation.

        Repeated roles are written one after the other. Left out are system messages (the
        template has its own), replies to nobody, and last user messages without a reply:
        nothing is learnt from them.
        """
        spoken = [message for message in messages if message[0] != "system"]
        first = next((i for i, (role, _) in enumerate(spoken) if role == "user"), len(spoken))
        found: list[Exchange] = []
        asked: list[str] = []
        for role, text in spoken[first:]:
            if role == "user":
                asked.append(text)
                continue
            if asked:
                found.append([])
            prompt = " ".join([*(f"USER: {question}" for question in asked), "ASSISTANT:"])
            found[-1].append(Reply(self._encode(prompt)[0], *self._encode(text)))
            asked = []
        return found, LeftOut(len(messages) - len(spoken), first, len(asked))
