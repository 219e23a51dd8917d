"""What to ask of a moderation interface: which texts, in which requests, at what cost."""

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from wildpaper.annotate.message_batches import KEY, count_messages, message_batches
from wildpaper.annotate.moderation.answers import text_digest
from wildpaper.errors import WildpaperError
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")

_BATCH_MESSAGES = 4_096
_BYTES_PER_TOKEN = 4


class Text(NamedTuple):
    """A text to ask about, and the message in which it stands first, for errors."""

    digest: bytes
    text: str
    message: str


@dataclass(frozen=True)
class Limits:
    """What a run may ask for; the keys of the configuration of the same names."""

    request_texts: int
    request_tokens: int
    requests_per_minute: int
    tokens_per_minute: int
    usd_per_million_tokens: float
    most_texts: int
    most_usd: float


@dataclass
class Estimate:
    """What asking for all texts that are not stored would take, if nothing fails."""

    n_texts: int = 0
    n_tokens: int = 0
    n_requests: int = 0
    minutes: float = 0.0
    usd: float = 0.0


def about_tokens(text: str) -> int:
    """Return about how many tokens a text has: one for four bytes, at least one."""
    return max(1, math.ceil(len(text.encode()) / _BYTES_PER_TOKEN))


def distinct_texts(messages: Iterable[Path]) -> tuple[int, set[bytes]]:
    """Return how many messages have a text, and the digests of the distinct texts.

    Parameters
    ----------
    messages : iterable of Path
        Shards of canonical messages.

    Raises
    ------
    WildpaperError
        If a shard cannot be read.

    Notes
    -----
    Memory: some 130 bytes a distinct text.
    """
    n_messages, digests = 0, set()
    for text in _all_texts(messages):
        n_messages += 1
        digests.add(text.digest)
    return n_messages, digests


def texts_of(messages: Iterable[Path], wanted: Iterable[bytes]) -> Iterator[Text]:
    """Yield each text that is wanted once, in the order of the messages."""
    left = set(wanted)
    if left:
        for text in _all_texts(messages):
            if text.digest in left:
                left.remove(text.digest)
                yield text


def _all_texts(messages: Iterable[Path]) -> Iterator[Text]:
    for shard in messages:
        progress = Progress(f"{shard.stem}: texts to moderate", count_messages(shard), "messages")
        for batch in message_batches(shard, ("text",), _BATCH_MESSAGES):
            columns = [batch.column(name).to_pylist() for name in (*KEY, "text")]
            for conversation, position, text in zip(*columns, strict=True):
                if text:
                    where = f"{shard.stem}, conversation_id {conversation}, position {position}"
                    yield Text(text_digest(text), text, where)
            progress.advance(batch.num_rows)


def in_requests(texts: Iterable[Text], limits: Limits) -> Iterator[list[Text]]:
    """Yield texts in lists that fit a request each; a longer text is a list of its own."""
    held: list[Text] = []
    n_held = 0
    for text in texts:
        n_tokens = about_tokens(text.text)
        if n_tokens > limits.request_tokens:
            yield [text]
            continue
        if held and (
            len(held) == limits.request_texts or n_held + n_tokens > limits.request_tokens
        ):
            yield held
            held, n_held = [], 0
        held.append(text)
        n_held += n_tokens
    if held:
        yield held


def estimate(messages: Iterable[Path], missing: Iterable[bytes], limits: Limits) -> Estimate:
    """Return what asking for the texts `missing` takes: the requests are counted, not guessed."""
    found = Estimate()
    for texts in in_requests(texts_of(messages, missing), limits):
        found.n_requests += 1
        found.n_texts += len(texts)
        found.n_tokens += sum(about_tokens(text.text) for text in texts)
    found.minutes = found.n_requests / limits.requests_per_minute
    if limits.tokens_per_minute:
        found.minutes = max(found.minutes, found.n_tokens / limits.tokens_per_minute)
    found.usd = found.n_tokens / 1e6 * limits.usd_per_million_tokens
    return found


def refuse_excess(wanted: Estimate, limits: Limits) -> None:
    """Log the estimate; stop where it exceeds a hard limit.

    Raises
    ------
    WildpaperError
        If there are more texts to ask for, or they cost more, than allowed.
    """
    _LOG.info(
        "To ask for: %s texts, about %s tokens, in %s requests; about %.2f USD, at least %.1f min",
        f"{wanted.n_texts:,}", f"{wanted.n_tokens:,}", f"{wanted.n_requests:,}", wanted.usd,
        wanted.minutes,
    )  # fmt: skip
    if wanted.n_texts > limits.most_texts:
        raise WildpaperError(
            f"{wanted.n_texts:,} texts are to be asked for, {limits.most_texts:,} are allowed; "
            "nothing was asked",
            where="annotate.moderation.most_texts",
            hint="Raise the limit if these texts may leave the machine, or name a folder that "
            "has their answers (annotate.moderation.answers).",
        )
    if wanted.usd > limits.most_usd:
        raise WildpaperError(
            f"Asking would cost about {wanted.usd:.2f} USD, {limits.most_usd:.2f} are allowed; "
            "nothing was asked",
            where="annotate.moderation.most_usd",
            hint="Raise the limit, or correct annotate.moderation.usd_per_million_tokens.",
        )
