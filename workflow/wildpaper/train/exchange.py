"""Conversations as exchanges of tokens: a prompt and the reply to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from wildpaper.errors import WildpaperError

Message = tuple[str, str]
"""(role, text)."""

Encoded = tuple[list[int], list[int]]
"""Tokens of a text, and where in the text each of them ends."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A prompt, up to where the reply begins, and the reply.

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


def exchanges_of(
    messages: Sequence[Message],
    prompt_of: Callable[[list[str]], list[int]],
    encode: Callable[[str], Encoded],
) -> tuple[list[Exchange], LeftOut]:
    """Encode a conversation.

    Parameters
    ----------
    messages : sequence of Message
    prompt_of : callable
        Gives the tokens before a reply, from the texts of the user messages that stand
        before it, most often one.
    encode : callable
        Encodes a reply.

    Notes
    -----
    Repeated roles are written one after the other. Left out are system messages (a
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
        found[-1].append(Reply(prompt_of(asked), *encode(text)))
        asked = []
    return found, LeftOut(len(messages) - len(spoken), first, len(asked))


class PlainTokenizer:
    """A tokenizer that takes every character of a text for what it is.

    Parameters
    ----------
    path : Path
        A ``tokenizer.json`` without added tokens: a literal end token in a text is
        characters, and no end token.
    begin, end : str
        Pieces that a template places by their ids.

    Raises
    ------
    WildpaperError
        If the file cannot be read, lacks the pieces, or parses them out of texts.
    """

    def __init__(self, path: Path, begin: str, end: str) -> None:
        self._path = path
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # noqa: BLE001 - tokenizers raises nothing narrower
            raise WildpaperError(f"Cannot read the tokenizer: {error}", where=str(path)) from None
        vocabulary = self._tokenizer.get_vocab()
        ids = {vocabulary.get(piece, -1) for piece in (begin, end)}
        if -1 in ids or ids & set(self.encode(f"a{begin}b{end}c")[0]):
            raise WildpaperError(
                f"The tokenizer lacks {begin} and {end}, or reads them in a text as special tokens",
                where=str(path),
                hint="Use the file that the workflow converts, and the template that goes with it.",
            )
        self.begin_id: int = vocabulary[begin]
        self.end_id: int = vocabulary[end]
        self.n_pieces: int = self._tokenizer.get_vocab_size()

    def require(self, whole: str, parts: tuple[str, str], template: str) -> None:
        """Raise unless a text is, token by token, two texts that are encoded apart.

        Templates are put together from texts that are encoded apart, which is right only
        with a tokenizer that does, or does not, put a space before a text.
        """
        if self.encode(whole)[0] != [i for part in parts for i in self.encode(part)[0]]:
            raise WildpaperError(
                f"The tokenizer does not go with the template {template}",
                where=str(self._path),
                hint="In the recipe, template vicuna_v1.1 goes with tokenizers that begin a text "
                "with a space, such as Llama-2's, chatml with byte-level ones, such as SmolLM2's.",
            )

    def encode(self, text: str) -> Encoded:
        """Return the tokens of a text, and where in it each of them ends."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, [end for _, end in encoding.offsets]
