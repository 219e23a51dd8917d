"""A small classifier of prompts, trained on simulated categories, for runs without the real one.

It is written as Hugging Face's libraries write a model: a folder with the weights as
safetensors, ``config.json`` with the names of the categories, and the tokenizer.
"""

import logging
import random
import time
from pathlib import Path

import torch
from safetensors.torch import save

from wildpaper.annotate.categories.tokenizer import MAX_TOKENS, train_tokenizer
from wildpaper.annotate.labelled import read_prompts
from wildpaper.annotate.small_models.classifier import draw_batches, fit, new_model, piece_evidence
from wildpaper.annotate.small_models.tokenizer import FILES, write_tokenizer
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, write_text
from wildpaper.progress import Progress

MODEL_FILES = ("config.json", "model.safetensors", *FILES)
"""Under the names by which transformers finds them."""

_LOG = logging.getLogger("wildpaper")
_COLUMNS = 54
"""Of a word embedding, for the evidence of all categories."""


def train_category(
    labelled: Path,
    model_config: Path,
    weights: Path,
    tokenizer: Path,
    tokenizer_config: Path,
    seed: int,
    n_batches: int = 300,
) -> None:
    """Train the small classifier; the same input and seed give the same bytes.

    Parameters
    ----------
    labelled : Path
        JSON lines of prompts with their categories (`wildpaper.annotate.labelled`).
    model_config, weights, tokenizer, tokenizer_config : Path
        To write, in one folder; named ``config.json``, ``model.safetensors``,
        ``tokenizer.json`` and ``tokenizer_config.json``.
    seed : int
        Of the initial weights and of the order of the prompts.
    n_batches : int
        Batches of about a thousand tokens, of as many passes as that takes.

    Raises
    ------
    WildpaperError
        If the labelled prompts cannot be used, or the outputs stand apart.

    Notes
    -----
    How it is done: `wildpaper.annotate.small_models.classifier`, with the evidence for each
    category by itself. Words beyond the first 62 are not read: a prompt says at its
    beginning what it wants.
    """
    _check_folder([model_config, weights, tokenizer, tokenizer_config])
    prompts = read_prompts(labelled)
    names = sorted({prompt.category for prompt in prompts})
    if len(names) < 2:
        raise WildpaperError(
            "Nothing to learn: all labelled prompts are of one category",
            where=str(labelled),
            hint="Raise simulate.labelled, the number of labelled messages.",
        )
    started = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    texts = [prompt.text for prompt in prompts]
    words = train_tokenizer(texts)
    ids = words(texts, truncation=True)["input_ids"]
    targets = torch.tensor([names.index(prompt.category) for prompt in prompts])
    evidence = [piece_evidence(ids, targets == i, words) for i in range(len(names))]
    columns = torch.stack(evidence, 1).repeat_interleave(_COLUMNS // len(names), 1)
    ids_of = {name: i for i, name in enumerate(names)}
    model = new_model(columns, MAX_TOKENS, id2label=dict(enumerate(names)), label2id=ids_of)
    model.config.architectures = [type(model).__name__]
    order = random.Random(seed)  # noqa: S311
    batches = draw_batches(lambda _: list(range(len(ids))), ids, n_batches, order)
    progress = Progress("classifier of prompts: training", len(batches), "batches")
    cross_entropy = torch.nn.functional.cross_entropy
    fit(model, ids, lambda logits, rows: cross_entropy(logits, targets[rows]), batches, progress)
    write_text(model_config, model.config.to_json_string())
    write_tokenizer(words, [tokenizer, tokenizer_config])
    with atomic_path(weights) as temporary:
        temporary.write_bytes(save(model.state_dict(), metadata={"format": "pt"}))
    _LOG.info(
        "Trained the classifier of prompts on %s prompts in %.0f s",
        f"{len(prompts):,}",
        time.monotonic() - started,
    )


def _check_folder(files: list[Path]) -> None:
    folders = {file.parent for file in files}
    if tuple(file.name for file in files) != MODEL_FILES or len(folders) != 1:
        raise WildpaperError(
            f"The files of the model must be {', '.join(MODEL_FILES)}, in one folder",
            where=str(files[0].parent),
            hint="transformers finds them by these names; mend the outputs of the rule.",
        )
