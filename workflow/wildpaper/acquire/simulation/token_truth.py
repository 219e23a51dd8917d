"""Token counts for the truth, with Hugging Face's tokenizer and not with our own counter."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from pathlib import Path

from wildpaper.acquire.simulation.dialogue import Message
from wildpaper.acquire.simulation.personal import redacted

CountTokens = Callable[[list[str]], list[int]]

_BATCH_CHARACTERS = 400_000


@dataclass(slots=True)
class TokenSums:
    """Number, sum and sum of squares of token counts."""

    n: int = 0
    total: int = 0
    squares: int = 0

    def note(self, n_tokens: int) -> None:
        """Count one text."""
        self.n += 1
        self.total += n_tokens
        self.squares += n_tokens * n_tokens

    def add(self, other: "TokenSums") -> None:
        """Add the sums of another part."""
        self.n += other.n
        self.total += other.total
        self.squares += other.squares

    @property
    def mean(self) -> float:
        """The mean."""
        return self.total / self.n

    @property
    def deviation(self) -> float:
        """The standard deviation of the population."""
        return sqrt(Fraction(self.squares * self.n - self.total**2, self.n * self.n))


def token_counter(tokenizer: Path) -> CountTokens:
    """Return a function from texts to their numbers of tokens, without special tokens."""
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(tokenizer))

    def count(texts: list[str]) -> list[int]:
        found: list[int] = []
        for batch in _batches(texts):
            encoded = encoder.encode_batch(batch, add_special_tokens=False)
            found += [len(one.ids) for one in encoded]
        return found

    return count


def _batches(texts: list[str]) -> list[list[str]]:
    """Cut texts into lists of about the same number of characters, in their order."""
    batches: list[list[str]] = [[]]
    held = 0
    for text in texts:
        if held > _BATCH_CHARACTERS:
            batches.append([])
            held = 0
        batches[-1].append(text)
        held += len(text)
    return batches


def sum_tokens(messages: list[tuple[str, Message]], count: CountTokens) -> dict[str, TokenSums]:
    """Return the sums by role, and under ``user-redacted`` those with personal values hidden."""
    sums = {role: TokenSums() for role in ("user", "chatbot", "user-redacted")}
    counts = count([message.text for _, message in messages])
    personal = [message for _, message in messages if message.personal]
    hidden = iter(count([redacted(message.text, message.personal) for message in personal]))
    for (role, message), n_tokens in zip(messages, counts, strict=True):
        sums[role].note(n_tokens)
        if role == "user":
            sums["user-redacted"].note(next(hidden) if message.personal else n_tokens)
    return sums
