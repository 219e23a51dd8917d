"""Toxicity of each message, scored by Detoxify (section 4 of the paper).

Detoxify's own `predict` scores texts as they come. Here each distinct text is scored
once, beside texts of its length, in batches of so many tokens; the scores are those
that `predict` gives for a text alone, up to the rounding of 32-bit sums.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from wildpaper.annotate.detoxify.checkpoint import annotator_name, load_detoxify, token_limit
from wildpaper.annotate.message_batches import count_messages, key_table, message_batches
from wildpaper.progress import Progress
from wildpaper.schema import DETOXIFY_HEADS, write_labels

_BATCH_MESSAGES = 2_048
_TEXTS_AT_ONCE = 256
_NEAR = 1e-4

Scores = NDArray[np.float32]


def score_detoxify(
    messages: Path,
    checkpoint: Path,
    labels: Path,
    dataset: str,
    batch_tokens: int = 16_384,
    threshold: float = 0.1,
    device: str = "cpu",
    route: str = "computed",
) -> None:
    """Score one shard of messages.

    Parameters
    ----------
    messages : Path
        Shard of canonical messages.
    checkpoint : Path
        In Detoxify's format; `wildpaper.annotate.detoxify.checkpoint.load_detoxify`
        says what stands beside it.
    labels : Path
        Shard of labels to write: a score for each head, and `truncated` where Detoxify
        has read the beginning of the text only.
    dataset : str
        Named in the progress lines.
    batch_tokens : int
        Tokens in a batch, padding included; a longer text is a batch of its own.
    threshold : float
        See `score_texts`.
    device : str
        Where to compute: ``cpu``, ``cuda``.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file cannot be used, or a text is null.

    Notes
    -----
    Blank texts are scored like any other, as the authors' labelling does; that an empty
    text counts as not toxic is a matter of the measure. Of a text that was scored, 16
    bytes of digest, the scores and the flag are remembered, so memory grows with the
    number of distinct texts and not with their length.
    """
    classifier = load_detoxify(checkpoint, device)
    torch.set_num_threads(1)
    progress = Progress(f"{dataset}: toxicity", count_messages(messages), "messages")
    seen: dict[bytes, int] = {}
    keys: list[pa.RecordBatch] = []
    rows: list[NDArray[np.int64]] = []
    parts: list[tuple[Scores, NDArray[np.bool_]]] = []
    for batch in message_batches(messages, ("text",), _BATCH_MESSAGES):
        texts = batch.column("text").to_pylist()
        new: list[str] = []
        rows.append(np.fromiter((_row_of(seen, text, new) for text in texts), np.int64, len(texts)))
        progress.advance(len(texts) - len(new))
        parts.append(score_texts(classifier, new, batch_tokens, threshold, progress.advance))
        keys.append(batch.select([0, 1]))
    table = key_table(keys)
    if rows:
        order = np.concatenate(rows)
        scores = np.concatenate([part[0] for part in parts])[order]
        truncated = np.concatenate([part[1] for part in parts])[order]
    else:
        scores, truncated = np.zeros((0, len(DETOXIFY_HEADS)), np.float32), np.zeros(0, np.bool_)
    for i, head in enumerate(DETOXIFY_HEADS):
        table = table.append_column(head, pa.array(scores[:, i]))
    table = table.append_column("truncated", pa.array(truncated))
    write_labels(labels, "detoxify", table, annotator_name(checkpoint), route)


def score_texts(
    classifier: Any,
    texts: list[str],
    batch_tokens: int = 16_384,
    threshold: float = 0.1,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[Scores, NDArray[np.bool_]]:
    """Score texts in batches of similar length.

    Parameters
    ----------
    classifier : detoxify.Detoxify
        As `wildpaper.annotate.detoxify.checkpoint.load_detoxify` returns it.
    texts : list of str, length n
        In any order.
    batch_tokens : int
        Tokens in a batch, padding included.
    threshold : float
        A text whose toxicity is within 0.0001 of it is scored once more, alone: on
        which side it is must not depend on what it was batched with.
    advance : callable
        Told the number of texts after each batch.

    Returns
    -------
    scores : ndarray of float32, shape (n, 7)
        In the order of `wildpaper.schema.DETOXIFY_HEADS`.
    truncated : ndarray of bool, shape (n,)
        Whether the text has more tokens than the model reads.
    """
    scores = np.zeros((len(texts), len(DETOXIFY_HEADS)), np.float32)
    ids, truncated = _tokenise(classifier, texts)
    for batch in _batches([len(tokens) for tokens in ids], batch_tokens):
        scores[batch] = _predict(classifier, [ids[row] for row in batch])
        advance(len(batch))
    for row in np.flatnonzero(np.abs(scores[:, 0] - threshold) < _NEAR):
        scores[row] = _predict(classifier, [ids[row]])
    return scores, truncated


def _row_of(seen: dict[bytes, int], text: str, new: list[str]) -> int:
    """Return the number of a text among the distinct ones; append it to `new` if it is new."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    if digest not in seen:
        seen[digest] = len(seen)
        new.append(text)
    return seen[digest]


def _tokenise(classifier: Any, texts: list[str]) -> tuple[list[list[int]], NDArray[np.bool_]]:
    """Return the tokens of each text, cut by Detoxify's own tokenizer, and where it cut."""
    limit = token_limit(classifier)
    ids: list[list[int]] = []
    truncated = np.zeros(len(texts), np.bool_)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        part = texts[start : start + _TEXTS_AT_ONCE]
        ids += classifier.tokenizer(part, verbose=False)["input_ids"]
        for row in range(start, start + len(part)):
            if len(ids[row]) > limit:
                truncated[row] = True
                ids[row] = classifier.tokenizer(texts[row], truncation=True)["input_ids"]
    return ids, truncated


def _batches(lengths: list[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yield the rows of each batch, the shortest texts first."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and (len(batch) + 1) * lengths[row] > batch_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@torch.no_grad()
def _predict(classifier: Any, ids: list[list[int]]) -> Scores:
    inputs = classifier.tokenizer.pad({"input_ids": ids}, return_tensors="pt")
    logits = classifier.model(**inputs.to(classifier.model.device))[0]
    columns = [classifier.class_names.index(head) for head in DETOXIFY_HEADS]
    found: Scores = torch.sigmoid(logits)[:, columns].float().cpu().numpy()
    return found
