"""Computed scores of sampled messages, to check recorded ones with."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from wildpaper.annotate.detoxify.checkpoint import load_detoxify
from wildpaper.annotate.detoxify.engine import Precision, Scores
from wildpaper.annotate.detoxify.score import check_device, score_texts, scorer_name, with_scores
from wildpaper.annotate.message_batches import KEY, key_table, message_batches
from wildpaper.annotate.message_sample import Marks, sample_messages
from wildpaper.progress import Progress
from wildpaper.schema import DETOXIFY_HEADS, write_labels

_BATCH_MESSAGES = 2_048


def check_detoxify(
    messages: list[Path],
    labels: list[Path],
    checkpoint: Path,
    dataset: str,
    n_messages: int = 2_000,
    seed: int = 0,
    device: str = "cpu",
    precision: Precision = "fp32",
    batch_tokens: int = 16_384,
    threshold: float = 0.1,
) -> None:
    """Write the label `detoxify_check` of messages sampled from a data set.

    Parameters
    ----------
    messages, labels : list of Path
        All shards of ingest of a data set; as many to write, with rows for the sampled
        messages only.
    checkpoint, device, precision, batch_tokens, threshold
        See `wildpaper.annotate.detoxify.score.score_detoxify`.
    dataset : str
        Named in the progress lines.
    n_messages : int
        Messages to sample, at most, as `wildpaper.annotate.message_sample` does; 0 writes
        files without rows.
    seed : int
        Seed of the run.

    Raises
    ------
    WildpaperError
        If a file cannot be used, or a text is null.

    Notes
    -----
    Long texts are cut as the model cuts them, for recorded scores were made so. All
    sampled texts, each once and in an order of their own, go to the model together: not even
    the last digit of a score depends on shards.
    """
    if len(messages) != len(labels):
        raise ValueError("as many label files as shards")
    (marks,) = sample_messages(messages, (n_messages,), seed)
    shards = [_sampled(path, own) for path, own in zip(messages, marks, strict=True)]
    distinct = sorted({text for _, texts in shards for text in texts})
    settings = (device, precision, batch_tokens, threshold)
    scores, truncated = _score(distinct, checkpoint, dataset, *settings)
    annotator = scorer_name(checkpoint, precision, "truncate")
    place = {text: i for i, text in enumerate(distinct)}
    for path, (keys, texts) in zip(labels, shards, strict=True):
        rows = np.fromiter((place[text] for text in texts), np.int64, len(texts))
        table = with_scores(keys, scores[rows], truncated[rows])
        write_labels(path, "detoxify_check", table, annotator, "computed")


def _sampled(path: Path, marks: Marks) -> tuple[pa.Table, list[str]]:
    """Return keys and texts of the sampled messages of a shard."""
    parts = list(_marked(path, marks)) if marks.any() else []
    texts = [text for part in parts for text in part.column("text").to_pylist()]
    return key_table(parts), texts


def _marked(path: Path, marks: Marks) -> Iterator[pa.RecordBatch]:
    row = 0
    for batch in message_batches(path, ("text",), _BATCH_MESSAGES):
        here = slice(row, row + batch.num_rows)
        row = here.stop
        if marks[here].any():
            yield batch.select([*KEY, "text"]).filter(pa.array(marks[here]))


def _score(
    texts: list[str],
    checkpoint: Path,
    dataset: str,
    device: str,
    precision: Precision,
    batch_tokens: int,
    threshold: float,
) -> tuple[Scores, npt.NDArray[np.bool_]]:
    """Return scores and truncation of distinct texts; see `score_texts`."""
    if not texts:
        return np.zeros((0, len(DETOXIFY_HEADS)), np.float32), np.zeros(0, np.bool_)
    check_device(device)
    classifier = load_detoxify(checkpoint, device)
    torch.set_num_threads(1)
    progress = Progress(f"{dataset}: toxicity to check", len(texts), "texts")
    return score_texts(
        classifier, texts, batch_tokens, threshold, progress.advance, precision=precision
    )
