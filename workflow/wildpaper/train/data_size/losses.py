"""What the model of a subset gives to held-out replies."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.evaluate.token_scores import score_rows
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.train.data_size.subsets import Subset
from wildpaper.train.examples import Examples

LOSSES = pa.schema(
    [
        pa.field("selection", pa.string(), nullable=False),
        pa.field("size", pa.string(), nullable=False),
        pa.field("share", pa.float64(), nullable=False),
        pa.field("n_tokens", pa.int64(), nullable=False),
        pa.field("conversation_id", pa.int64(), nullable=False),
        pa.field("n_supervised", pa.int64(), nullable=False),
        pa.field("nll_nats", pa.float64(), nullable=False),
    ]
)
"""Per subset (see `wildpaper.train.data_size.subsets.Subset`; the tokens that it has) and
held-out conversation: supervised tokens, and the sum of their negative log-likelihood under the
model that was trained on the subset."""


def write_losses(path: Path, subset: Subset, n_tokens: int, model: Any, held_out: Examples) -> None:
    """Write the losses of one subset: `LOSSES`, by conversation.

    Parameters
    ----------
    path : Path
    subset : Subset
    n_tokens : int
        Tokens of the subset.
    model : torch.nn.Module
        See `wildpaper.evaluate.token_scores.ready_to_score`.
    held_out : Examples
        By conversation.
    """
    nats = np.zeros(len(held_out))
    progress = Progress(f"{subset.name}: held-out loss", int(held_out.starts[-1]), "tokens")
    for i, found in score_rows(model, held_out, progress):
        nats[i] = found.sum()
    supervised = np.add.reduceat(held_out.supervised, held_out.starts[:-1], dtype=np.int64)
    numbers, first = np.unique(held_out.conversation_ids, return_index=True)
    n = len(numbers)
    columns = {
        "selection": pa.array([subset.selection] * n),
        "size": pa.array([subset.size] * n),
        "share": pa.array([subset.share] * n),
        "n_tokens": pa.array([n_tokens] * n),
        "conversation_id": numbers,
        "n_supervised": np.add.reduceat(supervised, first),
        "nll_nats": np.add.reduceat(nats, first),
    }
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns, schema=LOSSES), temporary, compression="zstd")
