"""Which first prompts of a data set are embedded: those that a hash of their numbers picks."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wildpaper.annotate.message_batches import KEY, message_batches
from wildpaper.annotate.sample_order import sample_ranks
from wildpaper.errors import WildpaperError

_BATCH_MESSAGES = 4_096


@dataclass(frozen=True, slots=True)
class Prompt:
    """The first user message of a conversation.

    Attributes
    ----------
    rank : int
        Place of the conversation in the seeded order; see `wildpaper.annotate.sample_order`.
    conversation_id, position : int
        Key of the message.
    shard : int
        Number of the file that holds it.
    text : str
        Not blank.
    """

    rank: int
    conversation_id: int
    position: int
    shard: int
    text: str


def sample_prompts(shards: list[Path], dataset: str, n_prompts: int, seed: int) -> list[Prompt]:
    """Sample conversations and return the first user message of each.

    Conversations whose first user message is blank, or that have none, are left out. Equal
    texts are not merged: it is conversations that are sampled, as in the paper.

    Parameters
    ----------
    shards : list of Path
        Messages of a data set.
    dataset : str
        Its name.
    n_prompts : int
        At most.
    seed : int
        Seed of the run.

    Returns
    -------
    list of Prompt
        Sorted by conversation; neither shards nor the order of conversations matter.

    Raises
    ------
    WildpaperError
        If a file cannot be read or is not sorted by its key, or a conversation stands in
        two files.
    """
    kept: list[Prompt] = []
    highest = np.uint64(np.iinfo(np.uint64).max)
    for shard, path in enumerate(shards):
        for ids, positions, texts in _first_messages(path):
            ranks = sample_ranks(seed, dataset, ids)
            for row in np.flatnonzero(ranks <= highest):
                text = texts[int(row)].as_py()
                if text.strip():
                    key = int(ids[row]), int(positions[row])
                    kept.append(Prompt(int(ranks[row]), *key, shard, text))
            if len(kept) > 2 * n_prompts:
                kept = _lowest(kept, n_prompts)
                highest = np.uint64(kept[-1].rank)
    kept = sorted(_lowest(kept, n_prompts), key=lambda prompt: prompt.conversation_id)
    for before, after in itertools.pairwise(kept):
        if before.conversation_id == after.conversation_id:
            raise _unsorted(shards[after.shard], "holds a conversation of another shard")
    return kept


def _lowest(prompts: list[Prompt], n: int) -> list[Prompt]:
    return sorted(prompts, key=lambda prompt: (prompt.rank, prompt.conversation_id))[:n]


def _first_messages(
    path: Path,
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], pa.Array]]:
    """Yield keys and texts of the first user message of each conversation, some at a time."""
    last_key, last_user = (-1, -1), -1
    for batch in message_batches(path, ("role", "text"), _BATCH_MESSAGES):
        ids, positions = (batch.column(name).to_numpy().astype(np.int64) for name in KEY)
        last_key = _check_order(path, ids, positions, last_key)
        rows = np.flatnonzero(pc.equal(batch.column("role").cast(pa.string()), "user"))
        users, first = np.unique(ids[rows], return_index=True)
        rows = rows[first[users != last_user]]
        if len(users):
            last_user = int(users[-1])
        if len(rows):
            yield ids[rows], positions[rows], batch.column("text").take(pa.array(rows))


def _check_order(
    path: Path,
    ids: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    last: tuple[int, int],
) -> tuple[int, int]:
    """Refuse messages that are not sorted by their key; return the last key."""
    if not len(ids):
        return last
    ids, positions = np.append(last[0], ids), np.append(last[1], positions)
    rising = (ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (positions[1:] > positions[:-1]))
    if not rising.all():
        raise _unsorted(path, "is not sorted by conversation and position")
    return int(ids[-1]), int(positions[-1])


def _unsorted(path: Path, what: str) -> WildpaperError:
    return WildpaperError(
        f"A shard of messages {what}",
        where=str(path),
        hint="Delete the file; the workflow writes it anew.",
    )
