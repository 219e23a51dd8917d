"""Embeddings of first prompts (Figure 4): vectors of sampled first user messages.

The paper embeds up to 10,000 first user turns of each data set with text-embedding-ada-002,
which is served over a paid interface only; here it is a sentence encoder.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from wildpaper.annotate.embeddings.encoder import PACKAGE, Encoder, Vectors
from wildpaper.annotate.embeddings.sample import Prompt, sample_prompts
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.schema import embedding_schema, write_labels

_PART_TEXTS = 500
_BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}
_NEARLY_ONE = 1e-3


def embed_prompts(
    messages: list[Path],
    labels: list[Path],
    datasets: list[str],
    per_dataset: int,
    seed: int,
    model: str = PACKAGE,
    revision: str | None = None,
    device: str = "cpu",
) -> None:
    """Embed the first prompts of a sample of each data set's conversations.

    Parameters
    ----------
    messages, labels : list of Path
        Shards of messages, and shards of labels to write; data set by data set, equally
        many each. Shards without a sampled message get an empty table.
    datasets : list of str
        Names of the data sets, in that order.
    per_dataset : int
        Conversations sampled from each, at most.
    seed : int
        Of the sample.
    model, revision, device
        See `wildpaper.annotate.embeddings.model.load_encoder`.

    Raises
    ------
    WildpaperError
        If a file cannot be read, the encoder cannot be loaded, or it gives no usable vectors.

    Notes
    -----
    Each distinct text is encoded once, in batches of similar lengths. Vectors of every 500
    texts are kept in a hidden folder beside the labels until all is written: a job that is
    killed and started again goes on from there.
    """
    n_shards = len(messages) // max(len(datasets), 1)
    parts = [slice(i * n_shards, (i + 1) * n_shards) for i in range(len(datasets))]
    samples = [
        sample_prompts(messages[part], name, per_dataset, seed)
        for name, part in zip(datasets, parts, strict=True)
    ]
    encoder = _load(model, revision, device)
    if not labels:
        return
    kept = labels[0].parent / ".embedding-parts"
    distinct = dict.fromkeys(prompt.text for sample in samples for prompt in sample)
    rows, vectors = encode_texts(encoder, list(distinct), kept, device)
    for sample, part in zip(samples, parts, strict=True):
        for shard, path in enumerate(labels[part]):
            own = [prompt for prompt in sample if prompt.shard == shard]
            table = _table(own, vectors[[rows[prompt.text] for prompt in own]])
            schema = embedding_schema(encoder.width)
            write_labels(path, "embedding", table, encoder.name, "computed", schema=schema)
    shutil.rmtree(kept, ignore_errors=True)


def _load(model: str, revision: str | None, device: str) -> Encoder:
    from wildpaper.annotate.embeddings.model import load_encoder  # takes seconds

    return load_encoder(model, revision, device)


def encode_texts(
    encoder: Encoder, texts: list[str], kept: Path, device: str = "cpu"
) -> tuple[dict[str, int], Vectors]:
    """Encode distinct texts; vectors of earlier, interrupted calls are taken from a folder.

    Parameters
    ----------
    encoder : Encoder
    texts : list of str, length n
        Distinct; their order does not matter.
    kept : Path
        Folder in which vectors are kept.
    device : str
        Where the encoder computes.

    Returns
    -------
    rows : dict
        {text: its row}.
    vectors : ndarray of float32, shape (n, width)
    """
    lengths = encoder.lengths(texts) if texts else []
    ordered = sorted(zip(lengths, texts, strict=True))
    lengths, texts = [n for n, _ in ordered], [text for _, text in ordered]
    vectors = np.zeros((len(texts), encoder.width), np.float32)
    parts = [slice(i, i + _PART_TEXTS) for i in range(0, len(texts), _PART_TEXTS)]
    files = [kept / f"{_part_key(encoder, device, texts[part])}.npy" for part in parts]
    todo = [
        (part, path)
        for part, path in zip(parts, files, strict=True)
        if not _recall(path, vectors[part])
    ]
    progress = Progress("embeddings", sum(lengths), "tokens")
    progress.resume_from(sum(lengths) - sum(sum(lengths[part]) for part, _ in todo))
    for part, path in todo:
        for batch in _batches(lengths[part], _BATCH_TOKENS["cpu" if device == "cpu" else "cuda"]):
            chosen = slice(part.start + batch.start, part.start + batch.stop)
            vectors[chosen] = encoder.encode(texts[chosen])
            progress.advance(sum(lengths[chosen]))
        _check(vectors[part], encoder.name)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, vectors[part], allow_pickle=False)
    return {text: row for row, text in enumerate(texts)}, vectors


def _batches(lengths: list[int], batch_tokens: int) -> Iterator[slice]:
    """Yield batches of so many tokens, padding included; `lengths` rise."""
    start = 0
    for row, length in enumerate(lengths):
        if row > start and (row + 1 - start) * length > batch_tokens:
            yield slice(start, row)
            start = row
    if start < len(lengths):
        yield slice(start, len(lengths))


def _part_key(encoder: Encoder, device: str, texts: list[str]) -> str:
    """Return what names the vectors of some texts by one encoder."""
    digest = hashlib.sha256(f"{encoder.name}\0{encoder.width}\0{device}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:32]


def _recall(path: Path, vectors: Vectors) -> bool:
    """Fill in vectors that an earlier call has kept; say whether there are any."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    if found.shape != vectors.shape or found.dtype != vectors.dtype:
        return False
    vectors[:] = found
    return True


def _check(vectors: Vectors, name: str) -> None:
    """Refuse vectors that are not of length 1: of nothing, infinite or not a number."""
    wrong = ~(np.abs(np.linalg.norm(vectors, axis=1) - 1) < _NEARLY_ONE)
    if wrong.any():
        raise WildpaperError(
            f"The sentence encoder gives no direction for {int(wrong.sum())} texts",
            where=name,
            hint="Choose another one (config key annotate.embedding.model).",
        )


def _table(prompts: list[Prompt], vectors: Vectors) -> pa.Table:
    flat = pa.array(np.ascontiguousarray(vectors).ravel())
    return pa.table(
        {
            "conversation_id": pa.array([p.conversation_id for p in prompts], pa.int64()),
            "position": pa.array([p.position for p in prompts], pa.int32()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        }
    )
