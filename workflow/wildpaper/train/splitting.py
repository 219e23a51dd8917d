"""Cut a conversation into examples that fit the context."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from wildpaper.train.exchange import Exchange


@dataclass(slots=True)
class Example:
    """One sequence to train on.

    Attributes
    ----------
    input_ids : list of int
    supervised : list of bool
        Whether the loss is taken on a token: those of replies and their end tokens.
    n_reply_characters : int
        Characters of the replies, as far as the sequence holds them.
    """

    input_ids: list[int]
    supervised: list[bool] = field(default_factory=list)
    n_reply_characters: int = 0

    def __post_init__(self) -> None:
        self.supervised = [False] * len(self.input_ids)

    def add(self, exchange: Exchange, end_id: int, max_length: int) -> int:
        """Append an exchange, cut off at `max_length`; return how many tokens were cut off."""
        wanted = len(self.input_ids) + sum(part.n_tokens for part in exchange)
        for part in exchange:
            room = max(max_length - len(self.input_ids) - len(part.prompt), 0)
            kept = min(room, len(part.reply))
            self.input_ids += [*part.prompt, *part.reply, end_id]
            self.supervised += [False] * len(part.prompt) + [True] * (len(part.reply) + 1)
            self.n_reply_characters += part.ends[kept - 1] if kept else 0
        del self.input_ids[max_length:], self.supervised[max_length:]
        return wanted - len(self.input_ids)


@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one conversation, and what did not fit."""

    examples: list[Example]
    n_truncated: int = 0
    n_truncated_tokens: int = 0
    n_exchanges_without_room: int = 0


def split_conversation(
    exchanges: Sequence[Exchange], header: list[int], end_id: int, max_length: int
) -> Split:
    """Fill examples with whole exchanges, as many as fit, each example under its own header.

    Parameters
    ----------
    exchanges : sequence of Exchange
    header : list of int
        Tokens at the front of every example.
    end_id : int
        The end token.
    max_length : int
        Tokens of an example at most.

    Returns
    -------
    Split
        An exchange that does not fit even alone is cut off at `max_length`, or left out
        if its prompt alone fills the example.
    """
    examples: list[Example] = []
    n_truncated = n_truncated_tokens = n_without_room = 0
    current = Example(list(header))
    for exchange in exchanges:
        size = sum(part.n_tokens for part in exchange)
        if len(current.input_ids) + size > max_length and len(current.input_ids) > len(header):
            examples.append(current)
            current = Example(list(header))
        n_cut = current.add(exchange, end_id, max_length)
        if not any(current.supervised):
            n_without_room += 1
            current = Example(list(header))
            continue
        n_truncated += n_cut > 0
        n_truncated_tokens += n_cut
    if len(current.input_ids) > len(header):
        examples.append(current)
    return Split(examples, n_truncated, n_truncated_tokens, n_without_room)
