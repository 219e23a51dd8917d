"""User messages that are almost the same as another: MinHash, then exact comparison."""

import hashlib
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wildpaper.annotate.message_batches import (
    KEY,
    count_messages,
    key_table,
    message_batches,
)
from wildpaper.annotate.near_duplicates.candidates import Signatures
from wildpaper.annotate.near_duplicates.shingles import hash_shingles, in_pieces, normalise
from wildpaper.annotate.near_duplicates.similarity import ShingleSets
from wildpaper.errors import WildpaperError
from wildpaper.files import scratch_folder
from wildpaper.progress import Progress
from wildpaper.schema import write_labels

Ints = npt.NDArray[np.int64]

_BATCH_MESSAGES = 2_000


@dataclass(frozen=True, slots=True)
class _Prompts:
    """User messages of a data set, in the order in which the shards are read.

    Attributes
    ----------
    texts : ndarray of int64, shape (n_prompts,)
        Number of the normalised text, from 0 in the order of first occurrence by
        (conversation_id, position); -1 if it is blank.
    first : ndarray of bool, shape (n_prompts,)
        Whether the message is that first occurrence.
    n_texts : int
    """

    texts: Ints
    first: npt.NDArray[np.bool_]
    n_texts: int


def find_near_duplicates(
    messages: list[Path],
    labels: list[Path],
    dataset: str,
    threshold: float,
    shingle_characters: int,
    n_permutations: int,
    seed: int,
    route: str = "computed",
) -> None:
    """Label the user messages of a data set that are near-duplicates of others of it.

    Two messages are linked if the Jaccard similarity of the sets of their shingles (runs of
    characters of the text in lower case with single spaces) reaches the threshold, or if
    these texts are equal; what links connect is a cluster. MinHash finds the pairs that are
    compared: of those at the threshold it misses less than 1 in 100, and the clusters are
    cut only where all links between two parts are missed.

    Parameters
    ----------
    messages, labels : list of Path
        All shards of one data set; shards of labels to write, as many. `cluster` is null for
        what is not a user's, blank, or like no other message.
    dataset : str
        Named in the progress lines.
    threshold : float
        Jaccard similarity, over 0 and up to 1.
    shingle_characters : int
        Length of a shingle. A shorter text is like texts that are equal only.
    n_permutations : int
        Length of a signature.
    seed : int
        Of the signatures.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a shard cannot be used, or there are not as many labels as messages.

    Notes
    -----
    Clusters are numbered from 0 in the order of their first members by (conversation_id,
    position), so nothing depends on shards or on the order of rows. Texts are read three
    times and never held. Memory: some 200 bytes a user message; scratch on disk beside the
    labels: 700 bytes a distinct text (at the default), and 4 bytes a character of those
    that may be near-duplicates.
    """
    if len(messages) != len(labels):
        raise WildpaperError(
            f"{len(messages)} shards of messages, but {len(labels)} of labels",
            where=f"labels near_duplicate of {dataset}",
        )
    prompts = _read_prompts(messages, dataset)
    if labels:
        with scratch_folder(labels[0].parent, f"near_duplicate-{dataset}") as folder:
            signatures = Signatures(folder, prompts.n_texts, threshold, n_permutations, seed)
            each = np.where(prompts.first, prompts.texts, -1)
            for part in _shingled(messages, each, shingle_characters, f"{dataset}: signatures"):
                signatures.add(*part)
            pairs = signatures.candidates(dataset)
            with ShingleSets(folder / "shingles", prompts.n_texts) as sets:
                each[~np.isin(each, pairs)] = -1
                for part in _shingled(messages, each, shingle_characters, f"{dataset}: shingles"):
                    sets.add(*part)
                pairs = pairs[sets.alike(pairs, threshold, dataset)]
        clusters = _clusters(prompts, pairs)
        annotator = (
            f"rensa-{importlib.metadata.version('rensa')}-jaccard-{threshold:g}"
            f"-shingle-{shingle_characters}-permutations-{n_permutations}"
        )
        _write(messages, labels, clusters, annotator, route)


def _read_prompts(messages: list[Path], dataset: str) -> _Prompts:
    """Read all user messages once, and tell which texts are the same."""
    keys: list[Ints] = [np.zeros((2, 0), np.int64)]
    digests: list[bytes] = []
    for batch in _user_batches(messages, f"{dataset}: texts"):
        keys.append(np.stack([batch.column(name).to_numpy().astype(np.int64) for name in KEY]))
        digests.append(b"".join(map(_digest, batch.column("text").to_pylist())))
    conversations, positions = np.concatenate(keys, axis=1)
    halves = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)
    order = np.lexsort((positions, conversations, halves[:, 1], halves[:, 0]))
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (halves[order[1:]] != halves[order[:-1]]).any(axis=1)
    starts_at = order[starts]
    blank = ~halves[starts_at].any(axis=1)
    by_first = np.lexsort((positions[starts_at], conversations[starts_at], blank))
    numbers = np.empty(len(starts_at), np.int64)
    numbers[by_first] = np.arange(len(starts_at))
    numbers[blank] = -1
    texts = np.empty(len(order), np.int64)
    texts[order] = numbers[np.cumsum(starts) - 1]
    first = np.zeros(len(order), np.bool_)
    first[starts_at] = True
    return _Prompts(texts, first & (texts >= 0), int(np.sum(~blank)))


def _digest(text: str) -> bytes:
    """Return 16 bytes that tell normalised texts apart; zeros for a blank one."""
    normal = normalise(text)
    return hashlib.blake2b(normal.encode(), digest_size=16).digest() if normal else bytes(16)


def _user_batches(messages: list[Path], what: str) -> Iterator[pa.RecordBatch]:
    """Yield keys and texts of the user messages, always in the same order."""
    progress = Progress(what, sum(map(count_messages, messages)), "messages")
    for path in messages:
        for batch in message_batches(path, ("role", "text"), _BATCH_MESSAGES):
            yield batch.filter(_from_user(batch))
            progress.advance(batch.num_rows)


def _from_user(batch: pa.RecordBatch) -> pa.BooleanArray:
    return pc.equal(batch.column("role").cast(pa.string()), "user")


def _shingled(
    messages: list[Path], texts: Ints, n_characters: int, what: str
) -> Iterator[tuple[Ints, npt.NDArray[np.uint64], npt.NDArray[np.uint64]]]:
    """Yield numbers and hashed shingles of the texts wanted, some at a time.

    `texts` has the number of each user message's text, or -1 where it is not wanted.
    """
    if not (texts >= 0).any():
        return
    row = 0
    for batch in _user_batches(messages, what):
        numbers = texts[row : row + batch.num_rows]
        row += batch.num_rows
        wanted = np.flatnonzero(numbers >= 0)
        chosen = [normalise(text) for text in batch.column("text").take(wanted).to_pylist()]
        for part in in_pieces(chosen):
            yield numbers[wanted[part]], *hash_shingles(chosen[part], n_characters)


def _clusters(prompts: _Prompts, pairs: Ints) -> Ints:
    """Return the cluster of each user message, -1 where it has none."""
    n = prompts.n_texts
    links = coo_array((np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    component = connected_components(links, directed=False)[1] if n else np.zeros(0, np.int64)
    there = prompts.texts >= 0
    of_prompt = component[prompts.texts[there]]
    several = np.bincount(of_prompt, minlength=n) > 1
    _, firsts = np.unique(component, return_index=True)
    numbers = np.full(n, -1, np.int64)
    ranked = component[np.sort(firsts)]
    ranked = ranked[several[ranked]]
    numbers[ranked] = np.arange(len(ranked))
    clusters = np.full(len(prompts.texts), -1, np.int64)
    clusters[there] = numbers[of_prompt]
    return clusters


def _write(
    messages: list[Path], labels: list[Path], clusters: Ints, annotator: str, route: str
) -> None:
    """Write one file of labels a shard of messages."""
    row = 0
    for source, target in zip(messages, labels, strict=True):
        keys: list[pa.RecordBatch] = []
        column: list[Ints] = [np.zeros(0, np.int64)]
        for batch in message_batches(source, ("role",), _BATCH_MESSAGES):
            is_user = _from_user(batch).to_numpy(zero_copy_only=False)
            found = np.full(batch.num_rows, -1, np.int64)
            found[is_user] = clusters[row : row + int(is_user.sum())]
            row += int(is_user.sum())
            keys.append(batch.select(list(KEY)))
            column.append(found)
        found = np.concatenate(column)
        table = key_table(keys).append_column("cluster", pa.array(found, mask=found < 0))
        write_labels(target, "near_duplicate", table, annotator, route)
