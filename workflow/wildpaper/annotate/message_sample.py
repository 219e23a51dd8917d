"""A sample of a data set's messages that neither shards nor their order sway."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wildpaper.annotate.message_batches import KEY, message_batches

_ROLES = ("user", "assistant")
_BATCH_MESSAGES = 10_000

Marks = npt.NDArray[np.bool_]


def sample_messages(messages: list[Path], sizes: Sequence[int], seed: int) -> list[list[Marks]]:
    """Return for each size and shard which messages are in a sample of that size.

    The sample is uniform over the messages of users and chatbots: those of the lowest
    `message_ranks`. A smaller sample is a part of a larger one.

    Parameters
    ----------
    messages : list of Path
        All shards of ingest of a data set.
    sizes : sequence of int
        Messages to sample, at most.
    seed : int
        Seed of the run.

    Returns
    -------
    list of lists of ndarray of bool
        By size and shard, one mark a message.
    """
    found: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in (*KEY, "shard", "row")}
    n_rows = [0] * len(messages)
    for shard, path in enumerate(messages if any(sizes) else []):
        for batch in message_batches(path, ("role",), _BATCH_MESSAGES):
            role = batch.column("role").cast(pa.string())
            kept = np.flatnonzero(pc.is_in(role, pa.array(_ROLES)).to_numpy(zero_copy_only=False))
            for name in KEY:
                found[name].append(batch.column(name).to_numpy()[kept])
            found["shard"].append(np.full(len(kept), shard))
            found["row"].append(n_rows[shard] + kept)
            n_rows[shard] += batch.num_rows
    marks = [[np.zeros(n, np.bool_) for n in n_rows] for _ in sizes]
    if found["row"]:
        number, position, shards, rows = map(np.concatenate, found.values())
        order = np.lexsort((position, number, message_ranks(seed, number, position)))
        for n, own in zip(sizes, marks, strict=True):
            for shard, of_shard in enumerate(own):
                first = order[:n]
                of_shard[rows[first[shards[first] == shard]]] = True
    return marks


def message_ranks(
    seed: int, conversation_ids: npt.NDArray[np.int64], positions: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint64]:
    """Return a hash of (seed, conversation, position): SplitMix64 (Steele et al., 2014), thrice.

    Parameters
    ----------
    seed : int
    conversation_ids, positions : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    mixed = _mix(np.array([seed % (1 << 64)], np.uint64))
    mixed = _mix(mixed ^ conversation_ids.astype(np.int64).view(np.uint64))
    return _mix(mixed ^ positions.astype(np.int64).view(np.uint64))


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
