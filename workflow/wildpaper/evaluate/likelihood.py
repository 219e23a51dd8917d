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
from wildpaper.evaluate.token_scores import load_scorer, score_rows
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.model import quieten
from wildpaper.train.recipe import SCRATCH, load_recipe
from wildpaper.train.template import load_template

BASE = "base"
"""Name of the pretrained base among the models."""


def judge_likelihood(
    models: list[Path],
    examples: list[Path],
    recipe: Path,
    tokenizer: Path,
    scores: Path,
    verdicts: Path,
    names: list[str],
    device: str = "cpu",
    margin_nats: float = 0.05,
) -> None:
    """Score the replies of held-out conversations under each model, and compare the models.

    Parameters
    ----------
    models : list of Path
        ``model.safetensors`` of each, with ``config.json`` beside it.
    examples : list of Path
        Held-out examples, the same for all.
    recipe, tokenizer : Path
        What models and examples were made with. Where the recipe has a pretrained base, it
        is compared, too, under the name `BASE`.
    scores, verdicts : Path
        To write: a row a model and conversation; a row a pair of models and conversation.
        No text.
    names : list of str
        Of the models, in their order.
    device : {"cpu", "cuda"}
    margin_nats : float
        See `judge_pair`.

    Raises
    ------
    WildpaperError
        If there is nothing to score, a model cannot be loaded, or it does not know a token.
    """
    quieten()
    torch.set_num_threads(1)
    settings = load_recipe(recipe)
    end_id = load_template(settings.data, tokenizer).end_id
    data = read_examples(examples)
    if not len(data):
        raise WildpaperError(
            "There is no held-out conversation to judge models on",
            where=str(examples[0].parent),
            hint="Raise data.held_out_percent in the recipe, or take more conversations.",
        )
    places = {name: str(p.parent.resolve()) for name, p in zip(names, models, strict=True)}
    if settings.base != SCRATCH:
        folder = settings.base_folder
        places[BASE] = str(Path(folder).resolve()) if folder else settings.base
    tables = [
        _score(load_scorer(place, device, settings.base_revision if name == BASE else None),
               name, data, end_id)
        for name, place in places.items()
    ]  # fmt: skip
    with atomic_path(scores) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")
    pairs = [judge_pair(*pair, margin_nats) for pair in combinations(tables, 2)]
    with atomic_path(verdicts) as temporary:
        table = pa.concat_tables([VERDICTS.empty_table(), *pairs])
        pq.write_table(table, temporary, compression="zstd")


def _score(model: Any, name: str, data: Examples, end_id: int) -> pa.Table:
    """Return the scores of one model."""
    sums = np.zeros((len(data), 4))  # text tokens, end tokens, nats of either
    n_tokens = int(data.starts[-1])
    progress = Progress(f"{name}: likelihood of held-out replies", n_tokens, "tokens")
    for i, nats in score_rows(model, data, progress):
        ids, supervised = data.one(i)
        is_end = ids[supervised] == end_id
        sums[i] = (~is_end).sum(), is_end.sum(), nats[~is_end].sum(), nats[is_end].sum()
    return _by_conversation(name, data, sums)


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
