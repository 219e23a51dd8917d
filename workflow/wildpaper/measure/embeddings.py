"""Embedded first prompts of all data sets, as arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

WILDCHAT = "wildchat"
"""The data set that all others are compared with."""

_COLUMNS = ("conversation_id", "vector")
_NEARLY_ONE = 1e-3


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedded prompts of a data set, sorted by conversation.

    Attributes
    ----------
    dataset, title : str
        Name of the data set, title of its release.
    simulated : bool
        Whether the release is.
    conversation_ids : ndarray of int64, shape (n,)
        Rising.
    vectors : ndarray of float32, shape (n, width)
        Of length 1.
    """

    dataset: str
    title: str
    simulated: bool
    conversation_ids: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]


def read_embeddings(reports: list[Path], embeddings: list[Path]) -> list[Embedded]:
    """Read the label `embedding` of all data sets of a run.

    Parameters
    ----------
    reports : list of Path
        Ingest reports, one a data set.
    embeddings : list of Path
        Shards of the label; a data set's shards follow one another in the order of
        `reports`, equally many for each.

    Raises
    ------
    WildpaperError
        If a file is not such a label, differs from the others in its width or encoder,
        has a vector that is not of length 1, or a conversation that was there before.
    """
    n_shards = len(embeddings) // max(len(reports), 1)
    found: list[Embedded] = []
    encoders: dict[tuple[bytes, int], Path] = {}
    for i, path in enumerate(reports):
        ingested = read_json(path)
        parts = []
        for shard in embeddings[i * n_shards : (i + 1) * n_shards]:
            ids, vectors, encoder = _read_shard(shard)
            encoders.setdefault((encoder, vectors.shape[1]), shard)
            parts.append((ids, vectors))
        _refuse_mixture(encoders)
        ids, vectors = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.argsort(ids, kind="stable")
        ids, vectors = ids[order], vectors[order]
        if (ids[1:] == ids[:-1]).any():
            raise _unusable(embeddings[i * n_shards], "a conversation has two vectors")
        release = ingested["release"]
        found.append(
            Embedded(ingested["dataset"], release["title"], release["simulated"], ids, vectors)
        )
    return found


def _read_shard(path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], bytes]:
    """Return conversations, vectors and the name of the encoder."""
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in _COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise _unusable(path, f"it lacks the columns {missing}")
            table = file.read(columns=list(_COLUMNS))
    except (OSError, pa.ArrowInvalid) as error:
        raise _unusable(path, str(error)) from error
    kind = table.schema.field("vector").type
    if not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.float32():
        raise _unusable(path, f"its vectors are {kind}")
    column = table["vector"]
    if column.null_count or table["conversation_id"].null_count:
        raise _unusable(path, "it holds nulls")
    flat = np.concatenate(
        [np.zeros(0, np.float32), *(chunk.flatten().to_numpy(False) for chunk in column.chunks)]
    )
    vectors = flat.astype(np.float32).reshape(table.num_rows, kind.list_size)
    if not (np.abs(np.linalg.norm(vectors, axis=1) - 1) < _NEARLY_ONE).all():
        raise _unusable(path, "it holds vectors that are not of length 1")
    ids = table["conversation_id"].to_numpy().astype(np.int64)
    return ids, vectors, (table.schema.metadata or {}).get(b"annotator", b"")


def _refuse_mixture(encoders: dict[tuple[bytes, int], Path]) -> None:
    if len(encoders) > 1:
        named = sorted(f"{name.decode()} ({width} numbers)" for name, width in encoders)
        raise WildpaperError(
            f"Embeddings of one run come from different encoders: {', '.join(named)}",
            where=", ".join(str(path) for path in encoders.values()),
            hint="Delete these files and run again; the workflow writes them anew.",
        )


def _unusable(path: Path, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot use the embeddings: {problem}",
        where=str(path),
        hint="Delete the file; the workflow writes it anew.",
    )
