"""The likelihood stand-in judge: which model finds held-out replies less surprising.

It is no MT-bench and no language model that grades answers. It needs no network and no
key, and asks only how well a model predicts the replies of real conversations that it was
not trained on.
"""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.scores import SCORES, VERDICTS, judge_pair
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.train.attention import use_packed_attention
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.loss import in_groups, token_losses
from wildpaper.train.model import load_model, quieten
from wildpaper.train.packing import pack

_END_ID = 2
_BATCH_TOKENS = 4096


def judge_likelihood(
    models: list[Path],
    examples: Path,
    scores: Path,
    verdicts: Path,
    names: list[str],
    margin_nats: float = 0.05,
) -> None:
    """Score the replies of held-out conversations under each model, and compare the models.

    Parameters
    ----------
    models : list of Path
        ``model.safetensors`` of each, with ``config.json`` beside it.
    examples : Path
        Held-out examples, the same for all.
    scores, verdicts : Path
        To write: a row a model and conversation; a row a pair of models and conversation.
        No text.
    names : list of str
        Of the models, in their order.
    margin_nats : float
        See `judge_pair`.

    Raises
    ------
    WildpaperError
        If there is nothing to score, a model cannot be loaded, or it does not know a token.
    """
    quieten()
    torch.set_num_threads(1)
    data = read_examples(examples)
    if not len(data):
        raise WildpaperError(
            "There is no held-out conversation to judge models on",
            where=str(examples),
            hint="Raise data.held_out_percent in the recipe, or take more conversations.",
        )
    tables = [_score(path, name, data) for path, name in zip(models, names, strict=True)]
    with atomic_path(scores) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")
    pairs = [judge_pair(*pair, margin_nats) for pair in combinations(tables, 2)]
    with atomic_path(verdicts) as temporary:
        table = pa.concat_tables([VERDICTS.empty_table(), *pairs])
        pq.write_table(table, temporary, compression="zstd")


def _score(path: Path, name: str, data: Examples) -> pa.Table:
    """Return the scores of one model."""
    model = load_model(str(path.parent.resolve()))
    n_known = model.config.vocab_size
    if data.input_ids.max() >= n_known:
        raise WildpaperError(
            f"The model {name} knows {n_known} tokens, the examples hold others",
            where=str(path),
            hint="Model and examples must come from the same tokenizer.",
        )
    use_packed_attention(model)
    model.eval()
    sums = np.zeros((len(data), 4))  # text tokens, end tokens, nats of either
    progress = Progress(f"{name}: likelihood of held-out replies", len(data), "examples")
    for rows in in_groups(data, range(len(data)), _BATCH_TOKENS):
        pairs = [data.one(i) for i in rows]
        losses = token_losses(model, pack(pairs)).double().numpy()
        for i, nats in zip(rows, _cut(losses, pairs), strict=True):
            ids, supervised = data.one(i)
            is_end = ids[supervised] == _END_ID
            sums[i] = (~is_end).sum(), is_end.sum(), nats[~is_end].sum(), nats[is_end].sum()
        progress.advance(len(rows))
    return _by_conversation(name, data, sums)


def _cut(losses: npt.NDArray[np.float64], pairs: list[Any]) -> list[npt.NDArray[np.float64]]:
    """Return the losses of each example of a batch."""
    borders = np.cumsum([int(supervised.sum()) for _, supervised in pairs])
    return np.split(losses, borders[:-1])


def _by_conversation(name: str, data: Examples, sums: npt.NDArray[np.float64]) -> pa.Table:
    numbers, groups = np.unique(data.conversation_ids, return_inverse=True)
    totals = np.zeros((len(numbers), 5))
    np.add.at(totals, groups, np.column_stack([sums, data.n_reply_characters]))
    columns = {
        "model": pa.array([name] * len(numbers)),
        "conversation_id": numbers,
        "n_tokens": totals[:, 0].astype(np.int64),
        "n_end_tokens": totals[:, 1].astype(np.int64),
        "n_characters": totals[:, 4].astype(np.int64),
        "nll_nats": totals[:, 2],
        "nll_end_nats": totals[:, 3],
    }
    return pa.table(columns, schema=SCORES)
