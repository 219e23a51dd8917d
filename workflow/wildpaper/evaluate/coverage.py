"""The loss of each coverage model on held-out prompts of every data set (Figure 3)."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.token_scores import load_scorer, score_rows
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.model import quieten
from wildpaper.train.recipe import load_recipe

SCORES = pa.schema(
    [
        pa.field("trained_on", pa.string(), nullable=False),
        pa.field("evaluated_on", pa.string(), nullable=False),
        pa.field("conversation_id", pa.int64(), nullable=False),
        pa.field("first_prompt", pa.uint64(), nullable=False),
        pa.field("n_tokens", pa.int64(), nullable=False),
        pa.field("n_end_tokens", pa.int64(), nullable=False),
        pa.field("n_characters", pa.int64(), nullable=False),
        pa.field("n_head_tokens", pa.int64(), nullable=False),
        pa.field("nll_nats", pa.float64(), nullable=False),
        pa.field("nll_end_nats", pa.float64(), nullable=False),
        pa.field("head_nats", pa.float64(), nullable=False),
        pa.field("n_vocabulary", pa.int64(), nullable=False),
    ]
)
"""Per model and prompt: tokens of the text and end tokens with the negative log-likelihood of
either; the first so many tokens of the text with theirs, 0 where the text has fewer. Equal
prompts have equal numbers, see `wildpaper.train.examples.prompt_digest`."""


def score_coverage(
    models: list[Path],
    prompts: list[Path],
    recipe: Path,
    scores: list[Path],
    trained_on: list[str],
    datasets: list[str],
    device: str = "cpu",
) -> None:
    """Score the held-out prompts of every data set under each of some models.

    Parameters
    ----------
    models : list of Path
        ``model.safetensors`` of each, with ``config.json`` beside it.
    prompts : list of Path
        Held-out prompts, one file a data set.
    recipe : Path
        Says how many tokens are looked at where lengths are matched.
    scores : list of Path
        To write, one a model, see `SCORES`; no text.
    trained_on, datasets : list of str
        Of the models and of the prompts, in their order.
    device : {"cpu", "cuda"}

    Raises
    ------
    WildpaperError
        If a model cannot be loaded, does not know a token, or ends texts with another token.
    """
    quieten()
    torch.set_num_threads(1)
    coverage = load_recipe(recipe).coverage
    assert coverage is not None  # noqa: S101 - the rule exists for such recipes only
    sets = [read_examples(path) for path in prompts]
    total = len(models) * sum(int(one.starts[-1]) for one in sets)
    progress = Progress("losses on held-out prompts", total, "tokens")
    for path, name, out in zip(models, trained_on, scores, strict=True):
        model = load_scorer(str(path.parent.resolve()), device)
        for data, prompt_file in zip(sets, prompts, strict=True):
            _check_ends(data, coverage.max_length, model.config.eos_token_id, prompt_file)
        tables = [
            _score(model, data, name, dataset, coverage.head_tokens, progress)
            for data, dataset in zip(sets, datasets, strict=True)
        ]
        with atomic_path(out) as temporary:
            pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")


def _check_ends(data: Examples, max_length: int, end: Any, path: Path) -> None:
    """Check that prompts which are not cut off end as the model ends texts."""
    whole = data.lengths < max_length
    if not np.isin(data.input_ids[data.starts[1:][whole] - 1], end).all():
        raise WildpaperError(
            "Prompts do not end with the end token of the model",
            where=str(path),
            hint="The template of the recipe (data.template) must be that of its base.",
        )


def _score(
    model: Any, data: Examples, name: str, dataset: str, n_head: int, progress: Progress
) -> pa.Table:
    sums = np.zeros((len(data), 6))
    for i, nats in score_rows(model, data, progress):
        ids, supervised = data.one(i)
        wanted = ids[supervised]
        is_end = np.zeros(len(wanted), np.bool_)
        # the end token stands last, and only there: texts never hold it
        is_end[-1:] = np.isin(wanted[-1:], model.config.eos_token_id)
        text = nats[~is_end]
        n_kept = n_head if len(text) >= n_head else 0
        sums[i] = (
            len(text),
            is_end.sum(),
            text.sum(),
            nats[is_end].sum(),
            n_kept,
            text[:n_kept].sum(),
        )
    columns = {
        "trained_on": pa.array([name] * len(data), pa.string()),
        "evaluated_on": pa.array([dataset] * len(data), pa.string()),
        "conversation_id": data.conversation_ids,
        "first_prompt": data.first_prompts,
        "n_tokens": sums[:, 0].astype(np.int64),
        "n_end_tokens": sums[:, 1].astype(np.int64),
        "n_characters": data.n_reply_characters,
        "n_head_tokens": sums[:, 4].astype(np.int64),
        "nll_nats": sums[:, 2],
        "nll_end_nats": sums[:, 3],
        "head_nats": sums[:, 5],
        "n_vocabulary": np.full(len(data), model.config.vocab_size),
    }
    return pa.table(columns, schema=SCORES)
