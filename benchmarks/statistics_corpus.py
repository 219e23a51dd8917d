"""Corpora for `statistics.py`: drawn from the simulator's distributions, texts a filler.

Users, countries, models, languages, turns and lengths are drawn as the simulator of the
project draws them, but nothing is composed: a text is a piece of one filler, one character
a token, a quarter of what real texts take. The same conversations are written twice: as
the canonical shards of ingest and annotate, and nested, in the layout of WildChat's release
with the token counts beside each message.
"""

import hashlib
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from wildpaper.acquire.simulation.dialogue import (  # noqa: E402
    SHARE_EMPTY,
    SHARE_OTHER_LANGUAGE,
    SHARE_REPLY_OTHER_LANGUAGE,
    WORDS_PER_TOKEN,
    Speech,
    TurnCounts,
)
from wildpaper.acquire.simulation.places import PLACES  # noqa: E402
from wildpaper.acquire.simulation.population import Population, draw_blocks  # noqa: E402
from wildpaper.acquire.simulation.schedule import MINUTE, START  # noqa: E402
from wildpaper.acquire.simulation.streams import Choice  # noqa: E402
from wildpaper.acquire.simulation.targets import read_targets  # noqa: E402
from wildpaper.annotate.names import NO_LANGUAGE  # noqa: E402
from wildpaper.files import write_json  # noqa: E402
from wildpaper.ingest.writer import ShardWriter  # noqa: E402
from wildpaper.progress import Progress  # noqa: E402
from wildpaper.release.published_schema import PUBLISHED  # noqa: E402
from wildpaper.schema import CONVERSATIONS, LABELS, write_labels  # noqa: E402

SHARE_SECOND_ADDRESS = 0.15
DUPLICATE_OF = 100
"""One conversation of so many is marked as a duplicate."""
BATCH = 2_000
FILLER_WORDS = 20_000
KINDS = ("conversations", "messages", "tokens", "languages")

_UTC = pa.timestamp("us", tz="UTC")
_MESSAGE = pa.schema(
    [*PUBLISHED.field("conversation").type.value_type, pa.field("n_tokens", pa.int32())]
)
NESTED = pa.schema(
    [
        pa.field(f.name, pa.list_(pa.struct(list(_MESSAGE)))) if f.name == "conversation" else f
        for f in PUBLISHED
        if f.name not in ("openai_moderation", "detoxify_moderation")
    ]
)
"""Of the published columns all but the scores of classifiers."""


@dataclass(slots=True)
class Chat:
    """One conversation; `said` holds role, Llama-2 tokens and language of each message."""

    number: int
    user: str
    header: dict[str, str]
    country: str | None
    state: str | None
    model: str
    language: str
    time: int
    said: list[tuple[str, int, str]]

    @property
    def n_turns(self) -> int:
        """User messages."""
        return len(self.said) // 2


class Author:
    """Draws conversations."""

    def __init__(self, n: int, seed: int) -> None:
        targets = read_targets(ROOT / "data" / "published.yaml")
        self._rng = random.Random(seed)  # noqa: S311
        self._population = Population(targets, seed, "benchmark")
        self._speech, self._turns = Speech(targets, 1.0), TurnCounts(targets)
        self._models = Choice(targets.models.items())
        counts = [c for block in draw_blocks(n, targets, seed) for c in block.n_conversations]
        self._users = [self._population.user(i, c) for i, c in enumerate(counts)]
        self._headers = [json.loads(f"{{{user.devices[0].headers}}}") for user in self._users]
        owners = np.repeat(np.arange(len(counts)), counts)
        self._owners = np.random.default_rng(seed).permutation(owners).tolist()

    def chats(self) -> Iterator[Chat]:
        """Yield all conversations."""
        rng = self._rng
        for number, owner in enumerate(self._owners):
            user = self._users[owner]
            place = PLACES[user.place]
            second = len(user.addresses) > 1 and rng.random() < SHARE_SECOND_ADDRESS
            address = user.addresses[second]
            language = self._population.conversation_language(rng, user)
            said = list(self._said(language, self._population.languages[user.place]))
            yield Chat(
                number, hashlib.sha256(address.encode()).hexdigest(), self._headers[owner],
                place.name or None, place.states[0][1] if place.states else None,
                self._models.draw(rng), language, START + number * MINUTE, said,
            )  # fmt: skip

    def _said(self, spoken: str, others: Choice) -> Iterator[tuple[str, int, str]]:
        rng = self._rng
        for turn in range(self._turns.draw(rng)):
            language = spoken
            if turn and rng.random() < SHARE_OTHER_LANGUAGE:
                language = others.draw(rng)
            empty = rng.random() < SHARE_EMPTY
            yield "user", 0 if empty else self._length("user"), NO_LANGUAGE if empty else language
            english = rng.random() < SHARE_REPLY_OTHER_LANGUAGE
            yield "assistant", self._length("chatbot"), "English" if english else language

    def _length(self, role: str) -> int:
        return round(self._speech.length(self._rng, role) / WORDS_PER_TOKEN)


class Filler:
    """Texts: pieces of one long text of invented words."""

    def __init__(self, longest: int, seed: int) -> None:
        self._rng = rng = random.Random(seed)  # noqa: S311
        syllables = ("ka", "lo", "mi", "ren", "sto", "ua", "ve", "thi", "pra", "dun")
        words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(FILLER_WORDS)]
        self._text = " ".join(words) * (2 + longest // (4 * FILLER_WORDS))
        self._last = len(self._text) - longest

    def text(self, n: int) -> str:
        """Return a text of so many characters."""
        first = int(self._rng.random() * self._last)
        return self._text[first : first + n]


class Writer:
    """Writes conversations batch by batch in both forms."""

    def __init__(self, folder: Path, n: int, n_shards: int, canonical: ShardWriter) -> None:
        self._filler = Filler(50_000, n)
        self._canonical = canonical
        self._n_shards = n_shards
        self._labels: list[list[list[object]]] = [[[], [], [], []] for _ in range(n_shards)]
        self._per_file = -(-n // n_shards)
        self._folder = folder
        self._nested: pq.ParquetWriter | None = None
        self._n_in_file = self._file = 0

    def write(self, chats: list[Chat]) -> int:
        """Write conversations; return the number of their messages."""
        texts = [[self._filler.text(n) for _, n, _ in chat.said] for chat in chats]
        for chat, own in zip(chats, texts, strict=True):
            self._canonical.add(_conversation(chat), _messages(chat, own))
            columns = self._labels[chat.number % self._n_shards]
            for position, (_, n_tokens, language) in enumerate(chat.said):
                for column, value in zip(
                    columns, (chat.number, position, n_tokens, language), strict=True
                ):
                    column.append(value)
        self._write_nested(chats, texts)
        return sum(len(own) for own in texts)

    def _write_nested(self, chats: list[Chat], texts: list[list[str]]) -> None:
        if self._nested is None or self._n_in_file + len(chats) > self._per_file:
            self.close()
            name = f"train-{self._file:05d}-of-{self._n_shards:05d}.parquet"
            self._nested = pq.ParquetWriter(self._folder / "release" / name, NESTED)
            self._n_in_file, self._file = 0, self._file + 1
        self._nested.write_table(_nested(chats, texts))
        self._n_in_file += len(chats)

    def close(self) -> None:
        """Finish the nested file."""
        if self._nested is not None:
            self._nested.close()

    def write_labels(self, paths: dict[str, list[Path]]) -> None:
        """Write the labels of all shards."""
        for shard, (numbers, positions, n_tokens, languages) in enumerate(self._labels):
            keys = {"conversation_id": numbers, "position": positions}
            table = pa.table(keys | {"n_tokens": n_tokens}, LABELS["tokens"])
            write_labels(paths["tokens"][shard], "tokens", table, "drawn", "computed")
            language = {"language": languages, "confidence": [1.0] * len(languages)}
            table = pa.table(keys | language, LABELS["language"])
            write_labels(paths["languages"][shard], "language", table, "drawn", "recorded")


def canonical_files(folder: Path, n_shards: int) -> dict[str, list[Path]]:
    """Return the canonical files of a corpus by kind."""
    return {
        kind: [folder / "canonical" / f"{kind}-{k}.parquet" for k in range(n_shards)]
        for kind in KINDS
    }


def write_corpus(folder: Path, n: int, n_shards: int, seed: int) -> int:
    """Write a corpus of `n` conversations in both forms; return the number of its messages."""
    for name in ("canonical", "release"):
        (folder / name).mkdir(parents=True)
    paths = canonical_files(folder, n_shards)
    progress = Progress(f"corpus of {n:,}", n, "conversations")
    n_messages, batch = 0, []
    with ShardWriter(paths["conversations"], paths["messages"]) as canonical:
        writer = Writer(folder, n, n_shards, canonical)
        for chat in Author(n, seed).chats():
            batch.append(chat)
            if len(batch) == min(BATCH, n // n_shards) or chat.number == n - 1:
                n_messages += writer.write(batch)
                progress.advance(len(batch))
                batch = []
        writer.close()
    writer.write_labels(paths)
    release = {"title": "Drawn corpus", "simulated": True}
    write_json(folder / "canonical" / "report.json", {"dataset": "wildchat", "release": release})
    return n_messages


def _conversation(chat: Chat) -> dict[str, object]:
    return dict.fromkeys(CONVERSATIONS.names) | {
        "dataset": "wildchat", "conversation_id": chat.number, "source_id": f"{chat.number:032x}",
        "model": chat.model, "language": chat.language, "country": chat.country,
        "state": chat.state, "user": chat.user, "timestamp": chat.time, "n_turns": chat.n_turns,
        "n_messages": len(chat.said), "toxic": False, "redacted": False,
        "duplicate": chat.number % DUPLICATE_OF == DUPLICATE_OF - 1,
    }  # fmt: skip


def _messages(chat: Chat, texts: list[str]) -> list[dict[str, object]]:
    return [
        {
            "conversation_id": chat.number, "position": position, "turn": position // 2,
            "role": role, "text": text, "timestamp": chat.time if role == "assistant" else None,
        }
        for position, ((role, _, _), text) in enumerate(zip(chat.said, texts, strict=True))
    ]  # fmt: skip


def _nested(chats: list[Chat], texts: list[list[str]]) -> pa.Table:
    each = [
        (chat, chat if role == "user" else None, role, n_tokens, language)
        for chat in chats
        for role, n_tokens, language in chat.said
    ]
    columns = {
        "content": [text for own in texts for text in own],
        "country": [user and user.country for _, user, *_ in each],
        "hashed_ip": [user and user.user for _, user, *_ in each],
        "header": [user and user.header for _, user, *_ in each],
        "language": [language for *_, language in each],
        "redacted": [False] * len(each),
        "role": [role for _, _, role, *_ in each],
        "state": [user and user.state for _, user, *_ in each],
        "timestamp": [None if user else chat.time for chat, user, *_ in each],
        "toxic": [False] * len(each),
        "turn_identifier": [chat.number for chat, *_ in each],
        "n_tokens": [n_tokens for *_, n_tokens, _ in each],
    }
    arrays = [pa.array(columns[f.name], f.type) for f in _MESSAGE]
    offsets = np.cumsum([0, *(len(chat.said) for chat in chats)], dtype=np.int32)
    kind = NESTED.field("conversation").type
    conversation = pa.ListArray.from_arrays(
        pa.array(offsets), pa.StructArray.from_arrays(arrays, fields=list(_MESSAGE)), type=kind
    )
    plain = {
        "conversation_hash": [f"{chat.number:032x}" for chat in chats],
        "model": [chat.model for chat in chats],
        "timestamp": [chat.time for chat in chats],
        "turn": [chat.n_turns for chat in chats],
        "language": [chat.language for chat in chats],
        "toxic": [False] * len(chats),
        "redacted": [False] * len(chats),
        "state": [chat.state for chat in chats],
        "country": [chat.country for chat in chats],
        "hashed_ip": [chat.user for chat in chats],
        "header": [chat.header for chat in chats],
    }
    return pa.Table.from_arrays(
        [
            conversation if f.name == "conversation" else pa.array(plain[f.name], f.type)
            for f in NESTED
        ],
        schema=NESTED,
    )
