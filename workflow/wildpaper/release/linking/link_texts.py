"""The texts of linked conversations, read again from the logs, by several processes."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from wildpaper.config_release import LinkingConfig
from wildpaper.errors import WildpaperError
from wildpaper.ingest.normalise import remove_surrogates
from wildpaper.ingest.records import Message
from wildpaper.ingest.wildchat import conversation_hash
from wildpaper.processes import worker_pool
from wildpaper.release.linking.call_lines import SecondLook
from wildpaper.release.linking.calls import hash_messages, parse_call

ROLES = ("user", "assistant")
_BLOCK_BYTES = 8_000_000
_BLOCK_CONVERSATIONS = 500


class Turn(NamedTuple):
    """A call of a conversation; its line can be read again at `place` in `file`."""

    conversation: int
    turn: int
    file: int
    place: int
    size: int
    current: str
    time_us: int
    address: bytes
    model: bytes
    user_agent: bytes | None
    accept_language: bytes | None


class Texts(NamedTuple):
    """What was said in a conversation, user and assistant in turn; and its hash."""

    texts: list[str]
    source_id: str
    n_surrogates: int


class _Wanted(NamedTuple):
    file: int
    place: int
    size: int
    current: str
    n_turns: int


class TextReader:
    """Reads the texts of conversations, which all stand in their last calls.

    Parameters
    ----------
    paths : list of Path
        The logs; of a compressed one its copy.
    settings : LinkingConfig
        How calls are read.
    """

    def __init__(self, paths: list[Path], settings: LinkingConfig) -> None:
        self._look, self._settings = SecondLook(paths), settings

    def read(self, wanted: _Wanted) -> Texts:
        """Return the texts of the turns of a conversation, lone surrogates removed.

        Raises
        ------
        WildpaperError
            If something else stands there now than in the first reading.
        """
        line = self._look.line(wanted.file, wanted.place, wanted.size)
        parsed = parse_call(line, self._settings)
        current, _ = hash_messages(parsed.payload)
        if parsed.refused is not None or current.hex() != wanted.current.replace("-", ""):
            raise WildpaperError(
                "A raw log changed while it was read",
                where=str(self._look.paths[wanted.file]),
                hint="Run again when nothing writes to it.",
            )
        said = [remove_surrogates(text) for _, text in parsed.messages[-2 * wanted.n_turns :]]
        texts = [text for text, _ in said]
        listed = [Message(ROLES[i % 2], text) for i, text in enumerate(texts)]
        return Texts(texts, conversation_hash(listed), sum(n for _, n in said))

    def close(self) -> None:
        """Close all files."""
        self._look.close()


_READER: list[TextReader] = []


def _begin(paths: list[Path], settings: LinkingConfig) -> None:
    _READER[:] = [TextReader(paths, settings)]


def _read(wanted: list[_Wanted]) -> list[Texts]:
    return [_READER[0].read(one) for one in wanted]


def read_texts(
    chains: Iterable[list[Turn]], paths: list[Path], settings: LinkingConfig, n_workers: int
) -> Generator[tuple[list[Turn], Texts], None, None]:
    """Yield conversations with their texts, in the order in which they come.

    This process is one of the `n_workers`. Of conversations a bounded number is under way.
    """
    if n_workers <= 1:
        reader = TextReader(paths, settings)
        try:
            for chain in chains:
                yield chain, reader.read(_wanted(chain))
        finally:
            reader.close()
        return
    under_way: deque[tuple[list[list[Turn]], Future[list[Texts]]]] = deque()
    with worker_pool(n_workers - 1, _begin, (paths, settings)) as submit:
        for block in _blocks(chains):
            under_way.append((block, submit(_read, list(map(_wanted, block)))))
            if len(under_way) > n_workers:
                yield from _finished(*under_way.popleft())
        while under_way:
            yield from _finished(*under_way.popleft())


def _finished(
    block: list[list[Turn]], found: Future[list[Texts]]
) -> Iterator[tuple[list[Turn], Texts]]:
    return zip(block, found.result(), strict=True)


def _wanted(chain: list[Turn]) -> _Wanted:
    last = chain[-1]
    return _Wanted(last.file, last.place, last.size, last.current, len(chain))


def _blocks(chains: Iterable[list[Turn]]) -> Iterator[list[list[Turn]]]:
    block: list[list[Turn]] = []
    n_bytes = 0
    for chain in chains:
        block.append(chain)
        n_bytes += chain[-1].size
        if n_bytes >= _BLOCK_BYTES or len(block) >= _BLOCK_CONVERSATIONS:
            yield block
            block, n_bytes = [], 0
    if block:
        yield block
