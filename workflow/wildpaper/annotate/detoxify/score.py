"""Toxicity of each message, scored by Detoxify (section 4 of the paper).

Detoxify's own `predict` scores texts as they come. Here each distinct text is scored
once, beside texts of its length, in batches of so many tokens; the scores are those
that `predict` gives for a text alone, up to the rounding of 32-bit sums.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from wildpaper.annotate.detoxify.checkpoint import annotator_name, load_detoxify
from wildpaper.annotate.detoxify.distinct import DistinctTexts
from wildpaper.annotate.detoxify.engine import Engine, LongTexts, Precision, Scores
from wildpaper.annotate.message_batches import count_messages, key_table, message_batches
from wildpaper.errors import WildpaperError
from wildpaper.progress import Progress
from wildpaper.schema import DETOXIFY_HEADS, OPTIONAL_HEADS, write_labels

_BATCH_MESSAGES = 2_048

_LOG = logging.getLogger("wildpaper")


def score_detoxify(
    messages: list[Path],
    checkpoint: Path,
    labels: list[Path],
    datasets: list[str],
    batch_tokens: int = 16_384,
    threshold: float = 0.1,
    device: str = "cpu",
    precision: Precision = "fp32",
    long_texts: LongTexts = "truncate",
    route: str = "computed",
) -> None:
    """Score a shard of each of some data sets; the checkpoint is loaded once.

    Parameters
    ----------
    messages : list of Path
        Shards of canonical messages.
    checkpoint : Path
        In a form that `wildpaper.annotate.detoxify.checkpoint.load_detoxify` reads.
    labels : list of Path
        Shards of labels to write: a score for each head, null where the model has none,
        and `truncated` where Detoxify has read the beginning of the text only.
    datasets : list of str
        Named in the progress lines.
    batch_tokens, threshold, precision, long_texts
        See `wildpaper.annotate.detoxify.engine.Engine`.
    device : {"cpu", "cuda"}
        Where to compute.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file cannot be used, a text is null, there is no such device, or a text does
        not fit into its memory.

    Notes
    -----
    Blank texts are scored like any other, as the authors' labelling does; that an empty
    text counts as not toxic is a matter of the measure. Of a text that was scored, 16
    bytes of digest, the scores and the flag are remembered, so memory grows with the
    number of distinct texts and not with their length.
    """
    check_device(device)
    classifier = load_detoxify(checkpoint, device)
    torch.set_num_threads(1)
    name = scorer_name(checkpoint, precision, long_texts)
    for shard, path, dataset in zip(messages, labels, datasets, strict=True):
        engine = Engine(
            classifier, DETOXIFY_HEADS, batch_tokens, threshold, precision, long_texts, str(shard)
        )
        _score_shard(engine, shard, path, dataset, name, route)


def _score_shard(
    engine: Engine, messages: Path, labels: Path, dataset: str, name: str, route: str
) -> None:
    progress = Progress(f"{dataset}: toxicity", count_messages(messages), "messages")
    keys, scores, truncated = _score_distinct(engine, messages, progress)
    table = with_scores(key_table(keys), scores, truncated)
    write_labels(labels, "detoxify", table, name, route)
    _LOG.info("%s: toxicity: %s", dataset, engine.summary())


def score_texts(
    classifier: Any,
    texts: list[str],
    batch_tokens: int = 16_384,
    threshold: float = 0.1,
    advance: Callable[[int], None] = lambda _: None,
    *,
    precision: Precision = "fp32",
    long_texts: LongTexts = "truncate",
) -> tuple[Scores, NDArray[np.bool_]]:
    """Score texts, each as often as it is there.

    Parameters
    ----------
    classifier : detoxify.Detoxify
        As `wildpaper.annotate.detoxify.checkpoint.load_detoxify` returns it.
    texts : list of str, length n
        In any order.
    batch_tokens, threshold, precision, long_texts
        See `wildpaper.annotate.detoxify.engine.Engine`.
    advance : callable
        Told the number of texts after each batch.

    Returns
    -------
    scores : ndarray of float32, shape (n, 7)
        In the order of `wildpaper.schema.DETOXIFY_HEADS`; NaN where the classifier has no
        such head.
    truncated : ndarray of bool, shape (n,)
        Whether the model has not read the whole text.

    Raises
    ------
    WildpaperError
        If a text does not fit into memory, or the classifier has no head `toxicity`.
    """
    engine = Engine(classifier, DETOXIFY_HEADS, batch_tokens, threshold, precision, long_texts)
    return engine.score(texts, advance)


def with_scores(keys: pa.Table, scores: Scores, truncated: NDArray[np.bool_]) -> pa.Table:
    """Return keys with a column a head, and `truncated`.

    Scores of a head that the model lacks are not a number, and nulls in the table.
    """
    table = keys
    for i, head in enumerate(DETOXIFY_HEADS):
        column = pa.array(scores[:, i], from_pandas=head in OPTIONAL_HEADS)
        table = table.append_column(head, column)
    return table.append_column("truncated", pa.array(truncated))


def scorer_name(checkpoint: Path, precision: Precision, long_texts: LongTexts) -> str:
    """Return the versioned name of the annotator: the model, and how it was used."""
    name = annotator_name(checkpoint)
    name += "" if precision == "fp32" else f"-{precision}"
    return name + ("" if long_texts == "truncate" else f"-{long_texts}")


def check_device(device: str) -> None:
    """Raise WildpaperError if torch cannot compute there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise WildpaperError(
            "This machine has no GPU that torch can use",
            where="annotate.detoxify.device: cuda",
            hint="Set it to cpu, or install a build of torch for the GPU.",
        )


def _score_distinct(
    engine: Engine, messages: Path, progress: Progress
) -> tuple[list[pa.RecordBatch], Scores, NDArray[np.bool_]]:
    """Return the keys of all messages, their scores, and whether they were cut."""
    known = DistinctTexts(engine, progress)
    keys: list[pa.RecordBatch] = []
    places: list[int] = []
    for batch in message_batches(messages, ("text",), _BATCH_MESSAGES):
        places += map(known.place_of, batch.column("text").to_pylist())
        known.score_waiting()
        keys.append(batch.select([0, 1]))
    order = np.array(places, np.int64)
    scores, truncated = known.scored()
    return keys, scores[order], truncated[order]
