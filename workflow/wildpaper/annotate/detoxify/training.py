"""A small Detoxify checkpoint, trained on simulated labels, for runs without the real one.

It has the architecture of Detoxify's multilingual model (XLM-RoBERTa with a classifier
of seven heads) at a fraction of the size, and knows nothing but the invented words that
the simulator plants.
"""

import logging
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from wildpaper.annotate.detoxify.checkpoint import HEADS_OF_DETOXIFY, write_checkpoint
from wildpaper.annotate.detoxify.checks import MAX_TOKENS
from wildpaper.annotate.labelled import LabelledMessage, read_labelled
from wildpaper.annotate.small_models.classifier import draw_batches, fit, new_model, piece_evidence
from wildpaper.annotate.small_models.tokenizer import FILES, train_tokenizer, write_tokenizer
from wildpaper.errors import WildpaperError
from wildpaper.files import write_text
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")

_PIECES = 3_000
_WIDTH_EVIDENCE = 8
_POSITIVE_SHARE = 1 / 3


class _Examples(NamedTuple):
    """Token ids and targets of each message; `positive` holds the rows with an insult."""

    ids: list[list[int]]
    targets: torch.Tensor
    positive: list[int]


def head_targets(insult: bool) -> list[float]:
    """Return what the heads of the small checkpoint are trained to say of a message.

    `toxicity` and `insult` are 1 where an insult is planted; the other five are 0
    throughout, since nothing else that Detoxify would see is planted.
    """
    return [float(insult and head in ("toxicity", "insult")) for head in HEADS_OF_DETOXIFY]


def train_detoxify(
    labelled: Path,
    checkpoint: Path,
    model_config: Path,
    tokenizer: Path,
    tokenizer_config: Path,
    seed: int,
    n_batches: int = 500,
    train_tokens: int = 192,
) -> None:
    """Train the small checkpoint; the same input and seed give the same bytes.

    Parameters
    ----------
    labelled : Path
        JSON lines of messages with their traits (`wildpaper.annotate.labelled`).
    checkpoint : Path
        To write, in Detoxify's format.
    model_config, tokenizer, tokenizer_config : Path
        To write; named ``config.json``, ``tokenizer.json`` and
        ``tokenizer_config.json``, in one folder at or below the checkpoint's.
    seed : int
        Of the initial weights and of the order of the messages.
    n_batches : int
        Batches of about a thousand tokens, of as many passes as that takes.
    train_tokens : int
        Tokens of a message that training looks at.

    Raises
    ------
    WildpaperError
        If the labelled messages cannot be used, or the outputs stand apart.

    Notes
    -----
    How it is done: `wildpaper.annotate.small_models.classifier`. A word counts the same wherever
    it stands, also beyond `train_tokens`. Messages with an insult are repeated until they
    make up a third of an epoch.
    """
    folder = _common_folder(checkpoint, [model_config, tokenizer, tokenizer_config])
    messages = read_labelled(labelled)
    started = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    pieces = train_tokenizer([message.text for message in messages], _PIECES, MAX_TOKENS)
    examples = _examples(messages, pieces, train_tokens, labelled)
    evidence = piece_evidence(examples.ids, examples.targets[:, 0] > 0, pieces)
    columns = evidence[:, None].expand(-1, _WIDTH_EVIDENCE)
    model = new_model(columns, MAX_TOKENS, num_labels=len(HEADS_OF_DETOXIFY))
    order = random.Random(seed)  # noqa: S311
    batches = draw_batches(lambda order: _rows(examples, order), examples.ids, n_batches, order)
    progress = Progress("Detoxify checkpoint: training", len(batches), "batches")
    fit(model, examples.ids, lambda logits, rows: _loss(logits, examples, rows), batches, progress)
    write_text(model_config, model.config.to_json_string())
    write_tokenizer(pieces, [tokenizer, tokenizer_config])
    kind = type(model).__name__
    write_checkpoint(checkpoint, model.state_dict(), folder, kind, type(pieces).__name__)
    _LOG.info(
        "Trained the Detoxify checkpoint on %s messages in %.0f s",
        f"{len(messages):,}",
        time.monotonic() - started,
    )


def _common_folder(checkpoint: Path, files: list[Path]) -> Path:
    folder = files[0].parent
    names = ["config.json", *FILES]
    below = folder.resolve().is_relative_to(checkpoint.parent.resolve())
    if [file.name for file in files] != names or {f.parent for f in files} != {folder} or not below:
        raise WildpaperError(
            f"The files of the model must be {', '.join(names)}, in one folder at or below "
            "that of the checkpoint",
            where=str(folder),
            hint="Detoxify finds them by these names; mend the outputs of the rule.",
        )
    return folder


def _examples(
    messages: list[LabelledMessage], pieces: Any, train_tokens: int, labelled: Path
) -> _Examples:
    positive = [row for row, message in enumerate(messages) if message.insult]
    if not positive or len(positive) == len(messages):
        raise WildpaperError(
            "Nothing to learn: all of the labelled messages have an insult, or none",
            where=str(labelled),
            hint="Raise simulate.labelled, the number of labelled messages.",
        )
    texts = [message.text for message in messages]
    ids = pieces(texts, truncation=True, max_length=train_tokens)["input_ids"]
    targets = [head_targets(message.insult) for message in messages]
    return _Examples(ids, torch.tensor(targets), positive)


def _loss(logits: torch.Tensor, examples: _Examples, rows: list[int]) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, examples.targets[rows])


def _rows(examples: _Examples, order: random.Random) -> list[int]:
    """Return the rows of one epoch."""
    n, n_positive = len(examples.ids), len(examples.positive)
    wanted = int(_POSITIVE_SHARE / (1 - _POSITIVE_SHARE) * (n - n_positive))
    extra = [order.choice(examples.positive) for _ in range(max(wanted - n_positive, 0))]
    return [*range(n), *extra]
