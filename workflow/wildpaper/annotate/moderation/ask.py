"""Ask a moderation interface for the answers that are not stored, and store them.

Texts leave the machine here and nowhere else. What is written holds hashes and no text.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wildpaper.annotate.moderation.answers import Answer, combine, text_digest
from wildpaper.annotate.moderation.client import Client, open_moderation
from wildpaper.annotate.moderation.plan import (
    Limits,
    Text,
    about_tokens,
    distinct_texts,
    estimate,
    in_requests,
    refuse_excess,
    texts_of,
)
from wildpaper.annotate.moderation.store import Store
from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.interfaces.endpoint import Endpoint, Pace
from wildpaper.interfaces.patience import UnansweredError
from wildpaper.interfaces.workers import share
from wildpaper.progress import Progress

SHORTEST_PIECE_CHARACTERS = 64
"""A text is not cut into pieces shorter than this."""


@dataclass
class _Tally:
    """What became of the texts; `failed` says of each that has no answer where it stands."""

    n_answered: int = 0
    n_split: int = 0
    n_pieces: int = 0
    n_tokens: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    failed: dict[bytes, str] = field(default_factory=dict)


def ask_moderation(
    messages: list[Path],
    report: Path,
    answers: str,
    endpoint: str,
    model: str,
    request_texts: int,
    request_tokens: int,
    concurrency: int,
    requests_per_minute: int,
    timeout_s: float,
    attempts: int,
    usd_per_million_tokens: float,
    most_texts: int,
    most_usd: float,
    tokens_per_minute: int = 0,
) -> None:
    """Have an answer to each distinct text of some shards in the store of answers.

    Parameters
    ----------
    messages : list of Path
        Shards of canonical messages.
    report : Path
        JSON to write: counts of texts, requests and tokens, seconds, model. No text, no key.
    answers : str
        Folder of the store. All its files ``moderation-*.jsonl`` are read; what is asked for
        is appended to ``moderation-asked.jsonl``, safely on the disk as soon as it arrives.
    endpoint : str
        Address of the interface; the key is read from ``OPENAI_API_KEY``, which only an
        interface on this machine can do without.
    model : str
        Model to ask for; an answer is stored for a model and a text.
    request_texts, request_tokens : int
        Texts and tokens (about: four bytes each) in a request, at most. A longer text is a
        request of its own.
    concurrency : int
        Requests under way at a time.
    requests_per_minute, tokens_per_minute : int
        Rate limits of the account; of tokens 0: none.
    timeout_s : float
        Seconds to wait for an answer.
    attempts : int
        Times that a request is sent before its texts are asked for apart, or given up.
    usd_per_million_tokens, most_usd : float
        Price, and the hard limit of the estimated cost.
    most_texts : int
        Hard limit of texts to ask for.

    Raises
    ------
    WildpaperError
        Before anything is asked: beyond a limit, without a key, with an unusable address,
        or while another run writes to the store. Later: where there is no access, or where
        texts have no answer in the end; all others are then stored, and the next run asks
        for the rest only.

    Notes
    -----
    A request that the interface does not take, or cannot answer, is asked for in halves,
    down to single texts; such a text is cut in half at a character, again and again, as in
    the authors' code: flagged is what is flagged in a piece, scores are the highest.
    Answers to pieces are stored as well. Estimate and progress go to the log.
    """
    started = time.monotonic()
    limits = Limits(
        request_texts, request_tokens, requests_per_minute, tokens_per_minute,
        usd_per_million_tokens, most_texts, most_usd,
    )  # fmt: skip
    with Store(Path(answers)) as store:
        n_messages, needed = distinct_texts(messages)
        missing = store.missing(needed, model)
        wanted = estimate(messages, missing, limits)
        refuse_excess(wanted, limits)
        tally = _Tally()
        if missing:
            place = open_moderation(endpoint)
            asking = _Asking(messages, missing, store, limits, tally)
            options = {"concurrency": concurrency, "timeout_s": timeout_s, "attempts": attempts}
            asyncio.run(asking.run(place, model, options))
            _refuse_failed(tally, len(missing), place)
    found = {"model": model, "messages": n_messages, "texts": len(needed)}
    found |= {"in_store": len(needed) - len(missing), **_counted(tally)}
    seconds = round(time.monotonic() - started, 1)
    write_json(report, found | {"seconds": seconds, "estimate": asdict(wanted)})


def _counted(tally: _Tally) -> dict[str, Any]:
    return {
        "asked": tally.n_answered + tally.n_split,
        "split": tally.n_split,
        "pieces": tally.n_pieces,
        "failed": len(tally.failed),
        "requests": dict(sorted(tally.requests.items())),
        "tokens": tally.n_tokens,
    }


def _refuse_failed(tally: _Tally, n_missing: int, place: Endpoint) -> None:
    if tally.failed:
        raise WildpaperError(
            f"{len(tally.failed):,} of {n_missing:,} texts have no moderation answer, the first: "
            f"{next(iter(tally.failed.values()))}",
            where=place.url,
            hint="All others are stored. Run again: only these are asked for. Of texts that fail "
            "each time, docs/moderation.md says what can be done.",
        )


class _Asking:
    """One run: asks for texts that are missing, then for pieces of those that failed alone."""

    def __init__(
        self, messages: list[Path], missing: set[bytes], store: Store, limits: Limits, tally: _Tally
    ) -> None:
        self._messages, self._missing, self._store = messages, missing, store
        self._limits, self._tally = limits, tally
        self._alone: set[bytes] = set()
        self._stored: dict[bytes, Answer] = {}
        self._pieces: dict[bytes, asyncio.Future[Answer | None]] = {}
        self._progress = Progress("moderation: texts asked for", len(missing), "texts")

    async def run(self, place: Endpoint, model: str, options: dict[str, Any]) -> None:
        limits, n_workers = self._limits, options["concurrency"]
        pace = Pace(limits.requests_per_minute, limits.tokens_per_minute)
        async with Client(place, model, pace, **options) as self._client:
            texts = texts_of(self._messages, self._missing)
            await share(in_requests(texts, limits), self._ask, n_workers)
            if self._alone:
                self._stored = self._store.read(self._potential_pieces(), model)
                await share(texts_of(self._messages, self._alone), self._split, n_workers)
            self._tally.requests = dict(self._client.counts)

    async def _ask(self, texts: list[Text]) -> None:
        try:
            found = await self._client.ask([text.text for text in texts])
        except UnansweredError as error:
            middle = len(texts) // 2
            if error.apart and middle:
                await self._ask(texts[:middle])
                await self._ask(texts[middle:])
            elif error.apart:
                self._alone.add(texts[0].digest)
            else:
                self._tally.failed |= {text.digest: text.message for text in texts}
            return
        self._store.add((text.digest, answer) for text, answer in zip(texts, found, strict=True))
        self._tally.n_answered += len(texts)
        self._tally.n_tokens += sum(about_tokens(text.text) for text in texts)
        self._progress.advance(len(texts))

    def _potential_pieces(self) -> set[bytes]:
        """Return digests of all pieces that may be asked for: some may have been answered."""
        texts = texts_of(self._messages, self._alone)
        return {text_digest(piece) for text in texts for piece in _all_pieces(text.text)}

    async def _split(self, text: Text) -> None:
        if await self._once(text.digest, lambda: self._from_halves(text.text, text.digest)) is None:
            self._tally.failed[text.digest] = text.message
        else:
            self._tally.n_split += 1
        self._progress.advance(1)

    async def _from_halves(self, text: str, digest: bytes) -> Answer | None:
        """Return the answer to a text from those to its halves; None where one has none."""
        parts: list[Answer] = []
        for half in _halves(text):
            part = await self._piece(half)
            if part is None:
                return None
            parts.append(part)
        if not parts:
            return None
        answer = combine(parts)
        self._store.add([(digest, answer)])
        return answer

    async def _piece(self, text: str) -> Answer | None:
        digest = text_digest(text)
        return self._stored.get(digest) or await self._once(
            digest, lambda: self._ask_piece(text, digest)
        )

    async def _ask_piece(self, text: str, digest: bytes) -> Answer | None:
        try:
            answer = (await self._client.ask([text]))[0]
        except UnansweredError as error:
            return await self._from_halves(text, digest) if error.apart else None
        self._store.add([(digest, answer)])
        self._tally.n_pieces += 1
        self._tally.n_tokens += about_tokens(text)
        return answer

    async def _once(
        self, digest: bytes, work: Callable[[], Awaitable[Answer | None]]
    ) -> Answer | None:
        """Do the work for a digest once, however many wait for it."""
        if digest not in self._pieces:
            self._pieces[digest] = asyncio.ensure_future(work())
        return await self._pieces[digest]


def _halves(text: str) -> list[str]:
    """Return both halves of a text, none where they would be too short."""
    middle = len(text) // 2
    return [text[:middle], text[middle:]] if middle >= SHORTEST_PIECE_CHARACTERS else []


def _all_pieces(text: str) -> Iterator[str]:
    for half in _halves(text):
        yield half
        yield from _all_pieces(half)
