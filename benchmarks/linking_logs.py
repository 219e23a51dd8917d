"""Raw logs of a large chat service for `linking.py`, written about as fast as the disk takes them.

The published numbers of turns and lengths of messages, 4 bytes of UTF-8 a token. Each call
repeats its conversation so far. Texts are cut out of a pool that the simulator composes in
the published languages; each begins with a number of its own, but for some openings that
many have in common. Calls fail, are lost or logged twice; replies are generated anew,
messages edited; users come back, change their address or model.
"""

import gzip
import heapq
import json
import random
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import IO, cast

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from wildpaper.acquire.simulation.addresses import DATABASE, address, write_database  # noqa: E402
from wildpaper.acquire.simulation.browsers import accept_language, user_agent  # noqa: E402
from wildpaper.acquire.simulation.compose import Traits, compose  # noqa: E402
from wildpaper.acquire.simulation.dialogue import (  # noqa: E402
    LONGEST_WORDS,
    WORDS_PER_TOKEN,
    Speech,
    TurnCounts,
)
from wildpaper.acquire.simulation.places import PLACES  # noqa: E402
from wildpaper.acquire.simulation.schedule import DAY, SECOND, START, WINDOWS, iso  # noqa: E402
from wildpaper.acquire.simulation.streams import Choice  # noqa: E402
from wildpaper.acquire.simulation.targets import Targets  # noqa: E402
from wildpaper.files import write_json  # noqa: E402
from wildpaper.progress import Progress  # noqa: E402

BYTES_PER_TOKEN = 4
POOL_BYTES = 3_000_000
PIECE_WORDS = 1_000
BETWEEN_STARTS = 32 * SECOND
PAUSE, LONG_PAUSE = 120 * SECOND, DAY
PACKED_OF = 3
"""One file of so many is compressed."""

FAILED, LOST, TWICE, ANEW, EDITED = 0.01, 0.004, 0.001, 0.006, 0.005
"""Shares of calls that get no answer and are sent again, whose line is lost or there twice,
after which the reply is generated once more, or the message written anew."""
NEW_ADDRESS, NEW_MODEL, NO_PAUSE, LONG = 0.006, 0.002, 0.003, 0.02
COMMON = 0.01
"""Share of conversations whose opening and its reply others have, too."""
COMMON_OPENINGS, COMMON_REPLIES = 20, 4

_encode = json.encoder.encode_basestring
_Chunk = tuple[bytes, ...]
_LOST, _TWICE, _ANEW, _EDITED = islice(accumulate((FAILED, LOST, TWICE, ANEW, EDITED)), 1, None)


class Texts:
    """Texts as JSON, without quotes: pieces of one pool, cut between characters."""

    def __init__(self, targets: Targets, rng: random.Random) -> None:
        self._rng = rng
        languages = Choice(targets.languages.items())
        longest = int(LONGEST_WORDS / WORDS_PER_TOKEN * BYTES_PER_TOKEN)
        pieces: list[str] = []
        n_bytes = 0
        while n_bytes < POOL_BYTES + longest:
            piece = compose(rng, Traits(languages.draw(rng), "assistant", PIECE_WORDS))
            pieces.append(piece)
            n_bytes += len(piece.encode())
        characters = [_encode(character)[1:-1].encode() for character in "\n".join(pieces)]
        self._cuts = list(accumulate(map(len, characters), initial=0))
        self._pool = b"".join(characters)
        self._last = bisect_left(self._cuts, self._cuts[-1] - longest)
        self._n = 0

    def cut(self, n_bytes: int) -> bytes:
        """Return a text of about so many bytes, which others may have, too."""
        first = self._cuts[int(self._rng.random() * self._last)]
        return self._pool[first : self._cuts[bisect_left(self._cuts, first + n_bytes)]]

    def new(self, n_words: int) -> bytes:
        """Return a text of so many words that no other text equals."""
        self._n += 1
        return b"%d %b" % (self._n, self.cut(int(n_words / WORDS_PER_TOKEN * BYTES_PER_TOKEN)))


@dataclass(slots=True)
class Chat:
    """A conversation that goes on; `message` is what its user says next, as JSON."""

    user: int
    model: str
    n_left: int
    message: bytes
    reply: bytes | None = None
    history: bytes = b""
    n_addresses: int = 1


class Service:
    """A chat service: conversations that run beside each other, and the lines that it logs."""

    def __init__(self, targets: Targets, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._texts = Texts(targets, self._rng)
        self._speech, self._turns = Speech(targets, 1.0), TurnCounts(targets)
        self._models = Choice(targets.models.items())
        self._languages = Choice(targets.languages.items())
        self._share_new_user = 1 / targets.conversations_per_user
        self._devices: list[str] = []
        cut = self._texts.cut
        self._openings = [b"%d. %b" % (n, cut(40)) for n in range(COMMON_OPENINGS)]
        self._replies = [b"%d. %b" % (n, cut(80)) for n in range(COMMON_REPLIES)]
        self.consents: list[str] = []

    def lines(self) -> Iterator[_Chunk]:
        """Yield the lines of calls in the order of time, in pieces, without end.

        `consents` grows on the way, by each user's lines at the user's first call.
        """
        time, beyond = START, 0
        chats: list[tuple[int, int, Chat | None]] = [(time, 0, None)]
        while True:
            time, _, chat = heapq.heappop(chats)
            if chat is None:
                chat = self._begin(time)
                beyond += 1
                heapq.heappush(chats, (time + self._pause(BETWEEN_STARTS), beyond, None))
            yield from self._call(time, chat)
            if chat.n_left:
                beyond += 1
                heapq.heappush(chats, (self._next(time), beyond, chat))

    def _pause(self, mean: int) -> int:
        return int(self._rng.expovariate(1 / mean))

    def _next(self, time: int) -> int:
        at = self._rng.random()
        if at < NO_PAUSE:
            return time
        return time + self._pause(LONG_PAUSE if at > 1 - LONG else PAUSE)

    def _begin(self, time: int) -> Chat:
        rng = self._rng
        user = int(rng.random() * len(self._devices))
        if not self._devices or rng.random() < self._share_new_user:
            user = len(self._devices)
            language = accept_language(rng, self._languages.draw(rng), "")
            agent = user_agent(rng)
            self._devices.append(f'"user-agent": "{agent}", "accept-language": "{language}"')
            for seconds, step in ((90, "agree"), (60, "publish")):
                self.consents.append(
                    f'{{"time": "{iso(time - seconds * SECOND)}", "session": "{user:032x}", '
                    f'"headers": {self._headers(user, 0)}, "step": "{step}"}}\n'
                )
        chat = Chat(user, self._models.draw(rng), self._turns.draw(rng), self._said("user"))
        if rng.random() < COMMON:
            chat.message = self._openings[int(COMMON_OPENINGS * rng.random() ** 3)]
            chat.reply = self._replies[int(COMMON_REPLIES * rng.random() ** 3)]
        return chat

    def _said(self, role: str) -> bytes:
        return self._texts.new(self._speech.length(self._rng, role))

    def _headers(self, user: int, n: int) -> str:
        place = address(user % len(PLACES), user, n)
        return f'{{{self._devices[user]}, "x-forwarded-for": "{place}, 10.0.0.7"}}'

    def _call(self, time: int, chat: Chat) -> Iterator[_Chunk]:
        """Yield the lines of a call; the chat goes on, or will say the same again."""
        rng = self._rng
        if chat.history and rng.random() < NEW_ADDRESS:
            chat.n_addresses = min(chat.n_addresses + 1, 4)
        if chat.history and rng.random() < NEW_MODEL:
            chat.model = self._models.draw(rng)
        reply, chat.reply = chat.reply or self._said("chatbot"), None
        at = rng.random()
        if at < FAILED:
            yield self._line(time, chat, None)
            return
        line = self._line(time, chat, reply)
        if at >= _LOST:
            yield line
        if _LOST <= at < _TWICE:
            yield line
        if _TWICE <= at < _ANEW:
            return
        if _ANEW <= at < _EDITED:
            chat.message = self._said("user")
            return
        chat.history += b'%b, {"role": "assistant", "content": "%b"}, ' % (_asked(chat), reply)
        chat.n_left -= 1
        chat.message = self._said("user")

    def _line(self, time: int, chat: Chat, reply: bytes | None) -> _Chunk:
        head = (
            f'{{"time": "{iso(time)}", "service": "{WINDOWS[chat.model].service}", '
            f'"session": "{chat.user:032x}", "headers": '
            f"{self._headers(chat.user, chat.n_addresses - 1)}, "
            f'"request": {{"model": "{chat.model}", "messages": ['
        )
        sent = (
            head.encode(),
            chat.history,
            _asked(chat),
            b'], "temperature": 1.0, "top_p": 1.0}, ',
        )
        if reply is None:
            return (*sent, b'"response": null}\n')
        begin = (
            f'"response": {{"id": "chatcmpl-{self._rng.getrandbits(116):029x}", '
            f'"created": {time // SECOND}, "message": {{"role": "assistant", "content": "'
        )
        return (*sent, begin.encode(), reply, b'"}, "usage": {"total_tokens": 1}}}\n')


def _asked(chat: Chat) -> bytes:
    return b'{"role": "user", "content": "%b"}' % chat.message


@dataclass(frozen=True, slots=True)
class Log:
    """The beginning of a log: `n_bytes` are those of its lines, not compressed."""

    n_calls: int
    acquired: Path
    n_bytes: int
    files: tuple[Path, ...]


def write_log(
    folder: Path, sizes: list[int], per_file: int, targets: Targets, seed: int
) -> Iterator[Log]:
    """Write one log, and yield its beginning of each size as soon as it is there.

    Parameters
    ----------
    folder : Path
        Gets the files and an ``acquired-<size>.json`` for each size in ``rawlogs/``.
    sizes : list of int
        Lines of calls.
    per_file : int
        Most lines of calls in a file.
    """
    raw = folder / "rawlogs"
    raw.mkdir(parents=True)
    write_json(folder / "personal.json", {"salt": f"{seed:064x}"})
    write_database(raw / DATABASE)
    cuts = sorted({0, *sizes, *range(0, max(sizes), per_file)})
    service = Service(targets, seed)
    lines = service.lines()
    files, n_bytes = [raw / DATABASE], 0
    for number, (first, last) in enumerate(pairwise(cuts)):
        if first in (0, *sizes):  # the time between two sizes is others'
            wanted = min(size for size in sizes if size > first) - first
            progress = Progress(f"log from call {first:,} on", wanted, "calls", every_s=20.0)
        suffix = ".jsonl.gz" if number % PACKED_OF == 1 else ".jsonl"
        calls, consents = (raw / f"{kind}-{number:05d}{suffix}" for kind in ("calls", "consents"))
        with _opened(calls) as target:
            for line in islice(lines, last - first):
                n_bytes += sum(map(len, line))
                target.writelines(line)
                progress.advance(1)
        with _opened(consents) as target:
            target.writelines(line.encode() for line in service.consents)
        service.consents.clear()
        files += [calls, consents]
        if last in sizes:
            yield Log(last, _listed(raw, last, files), n_bytes, tuple(files))


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "wb", compresslevel=1))
    return path.open("wb", buffering=1 << 20)


def _listed(raw: Path, size: int, files: list[Path]) -> Path:
    release = {
        "name": "simulated", "title": "Simulated raw logs", "comparable": False,
        "why_not": "a benchmark", "simulated": True, "licence": "CC0-1.0", "gated": False,
        "citation": "zhao2024wildchat", "revision": None,
    }  # fmt: skip
    path = raw / f"acquired-{size}.json"
    source = {"dataset": "rawlogs", "source": "simulate", "version": "benchmark"}
    listed = [{"name": file.name} for file in files]
    write_json(path, {**source, "release": release, "files": listed})
    return path
