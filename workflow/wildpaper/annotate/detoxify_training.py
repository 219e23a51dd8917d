"""A small Detoxify checkpoint, trained on simulated labels, for runs without the real one.

It has the architecture of Detoxify's multilingual model (XLM-RoBERTa with a classifier
of seven heads) at a fraction of the size, and knows nothing but the invented words that
the simulator plants.
"""

import logging
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

from wildpaper.annotate.detoxify_checkpoint import (
    HEADS_OF_DETOXIFY,
    MAX_TOKENS,
    write_checkpoint,
)
from wildpaper.annotate.detoxify_tokenizer import FILES, SPACE, train_tokenizer, write_tokenizer
from wildpaper.annotate.labelled import LabelledMessage, read_labelled
from wildpaper.annotate.piece_evidence import learn_evidence
from wildpaper.errors import WildpaperError
from wildpaper.files import write_text
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")

_PIECES = 3_000
_WIDTH = 64
_WIDTH_EVIDENCE = 8
_MOST_EVIDENCE = 4.0
_BATCH_TOKENS = 1_024
_LEARNING_RATE = 2e-3
_WARMUP = 0.1
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
    What each piece of text speaks for is learnt first (`wildpaper.annotate.piece_evidence`)
    and becomes its word embedding; then the attention and the classifier learn to find
    such pieces in a text. A few thousand messages are too few to learn both at once.
    Positions are left out of the model (their embeddings are zero and stay so): a word
    counts the same wherever it stands, also beyond `train_tokens`. Messages with an
    insult are repeated until they make up a third of an epoch.
    """
    folder = _common_folder(checkpoint, [model_config, tokenizer, tokenizer_config])
    messages = read_labelled(labelled)
    started = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    pieces = train_tokenizer([message.text for message in messages], _PIECES)
    examples = _examples(messages, pieces, train_tokens, labelled)
    model = _new_model(len(pieces), _evidence(examples, pieces))
    _fit(model, examples, n_batches, random.Random(seed), pieces.pad_token_id)  # noqa: S311
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


def _evidence(examples: _Examples, pieces: Any) -> torch.Tensor:
    """Return the evidence of each piece; the same at and not at the beginning of a word."""
    names = [
        name.lstrip(SPACE) or name for name in pieces.convert_ids_to_tokens(range(len(pieces)))
    ]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    same = [first[name] for name in names]
    ids = [[same[piece] for piece in row] for row in examples.ids]
    return learn_evidence(ids, examples.targets[:, 0] > 0, len(pieces))[same]


def _new_model(n_pieces: int, evidence: torch.Tensor) -> Any:
    """Return a model whose word embeddings are the evidence, beside a constant pattern."""
    config = XLMRobertaConfig(
        vocab_size=n_pieces,
        num_labels=len(HEADS_OF_DETOXIFY),
        hidden_size=_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=2 * _WIDTH,
        max_position_embeddings=MAX_TOKENS + 2,
        type_vocab_size=1,
        initializer_range=0.05,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = XLMRobertaForSequenceClassification(config)
    embeddings = model.roberta.embeddings
    with torch.no_grad():
        embeddings.position_embeddings.weight.zero_()
        words = embeddings.word_embeddings.weight
        words[:] = torch.tensor([(-1.0) ** i for i in range(_WIDTH)])
        words[:, :_WIDTH_EVIDENCE] = evidence.clamp(max=_MOST_EVIDENCE)[:, None]
    embeddings.position_embeddings.weight.requires_grad_(False)
    words.requires_grad_(False)
    return model


def _fit(
    model: Any, examples: _Examples, n_batches: int, order: random.Random, pad_id: int
) -> None:
    batches: list[list[int]] = []
    while len(batches) < n_batches:
        batches += _epoch(examples, order)
    del batches[n_batches:]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _LEARNING_RATE * _slope((step + 1) / (len(batches) + 1))
    )
    progress = Progress("Detoxify checkpoint: training", len(batches), "batches")
    model.train()
    for rows in batches:
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(examples.ids[row]) for row in rows],
            batch_first=True,
            padding_value=pad_id,
        )
        logits = model(input_ids=ids, attention_mask=(ids != pad_id).long()).logits
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, examples.targets[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.advance(1)
    model.eval()


def _slope(done: float) -> float:
    """Return the learning rate's factor: a short rise, then a cosine down to zero."""
    return min(done / _WARMUP, 0.5 * (1 + math.cos(math.pi * done)))


def _epoch(examples: _Examples, order: random.Random) -> Iterator[list[int]]:
    """Yield the rows of each batch of one epoch: of similar length, in random order."""
    n, n_positive = len(examples.ids), len(examples.positive)
    wanted = int(_POSITIVE_SHARE / (1 - _POSITIVE_SHARE) * (n - n_positive))
    extra = [order.choice(examples.positive) for _ in range(max(wanted - n_positive, 0))]
    rows = [*range(n), *extra]
    order.shuffle(rows)
    rows.sort(key=lambda row: len(examples.ids[row]) // 8)
    batches: list[list[int]] = [[]]
    for row in rows:
        if (len(batches[-1]) + 1) * len(examples.ids[row]) > _BATCH_TOKENS:
            batches.append([])
        batches[-1].append(row)
    order.shuffle(batches)
    yield from batches
