"""The loss of single tokens, and batches to take it on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import cross_entropy, linear_cross_entropy

from wildpaper.train.examples import Examples

IGNORED = -100
"""Label of a token that no loss is taken on."""

_PLAIN_HEADS = ("llama",)
"""Kinds of model whose logits are the output embeddings times the last hidden state."""

_CHUNK = 64
_CHUNKS = LinearCrossEntropyOptions(batch_chunk_size=_CHUNK, acc_policy="accurate")

Batch = dict[str, torch.Tensor]


def collate(pairs: Sequence[tuple[Any, Any]], pad_id: int = 0) -> Batch:
    """Return (tokens, supervised) pairs as one batch, padded on the right.

    Parameters
    ----------
    pairs : sequence of (ndarray of int, ndarray of bool)
    pad_id : int
        Fills up; attention leaves it out and no loss is taken on it.

    Returns
    -------
    dict of Tensor
        ``input_ids``, ``attention_mask`` and ``labels``, shape (n_pairs, longest).
    """
    longest = max(len(ids) for ids, _ in pairs)
    shape = (len(pairs), longest)
    input_ids = np.full(shape, pad_id, np.int64)
    attention = np.zeros(shape, np.int64)
    labels = np.full(shape, IGNORED, np.int64)
    for row, (ids, supervised) in enumerate(pairs):
        input_ids[row, : len(ids)] = ids
        attention[row, : len(ids)] = 1
        labels[row, : len(ids)] = np.where(supervised, ids, IGNORED)
    arrays = {"input_ids": input_ids, "attention_mask": attention, "labels": labels}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def summed_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Return the summed negative log-likelihood (nats) of all supervised tokens, to train on.

    Notes
    -----
    Logits over 32,000 pieces are by far the largest tensor of a small model. Where the
    kind of model allows it they are computed for the positions before supervised tokens
    only; on a CPU in chunks, which is 2.5 times as fast as all at once.
    """
    if not _has_plain_head(model):
        return cross_entropy(*_logits(model, batch), reduction="sum")
    hidden, wanted = _hidden(model, batch)
    options = _CHUNKS if hidden.device.type == "cpu" else None
    weights = model.get_output_embeddings().weight
    return linear_cross_entropy(hidden, weights, wanted, reduction="sum", options=options)


def token_losses(model: Any, batch: Batch) -> torch.Tensor:
    """Return the negative log-likelihood (nats) of each supervised token, row after row."""
    with torch.no_grad():
        if not _has_plain_head(model):
            return cross_entropy(*_logits(model, batch), reduction="none")
        hidden, wanted = _hidden(model, batch)
        weights = model.get_output_embeddings().weight
        parts = [
            cross_entropy((some @ weights.T).float(), those, reduction="none")
            for some, those in zip(
                torch.split(hidden, _CHUNK), torch.split(wanted, _CHUNK), strict=True
            )
        ]
        return torch.cat(parts)


def _has_plain_head(model: Any) -> bool:
    return bool(model.config.model_type in _PLAIN_HEADS)


def _hidden(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last hidden states before the supervised tokens, and those tokens."""
    wanted = batch["labels"][:, 1:]
    chosen = wanted != IGNORED
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    hidden = model.base_model(**given, use_cache=False).last_hidden_state
    return hidden[:, :-1][chosen], wanted[chosen]


def _logits(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of the supervised tokens, and those tokens."""
    wanted = batch["labels"][:, 1:]
    chosen = wanted != IGNORED
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    return model(**given, use_cache=False).logits[:, :-1][chosen].float(), wanted[chosen]


def mean_loss(model: Any, examples: Examples, rows: Sequence[int], batch_size: int) -> float:
    """Return the mean negative log-likelihood (nats) of all supervised tokens of some rows."""
    was_training = model.training
    model.eval()
    total, n_tokens = 0.0, 0
    for start in range(0, len(rows), batch_size):
        pairs = [examples.one(i) for i in rows[start : start + batch_size]]
        batch = {name: part.to(model.device) for name, part in collate(pairs).items()}
        losses = token_losses(model, batch)
        total += float(losses.double().sum())
        n_tokens += losses.numel()
    model.train(was_training)
    return total / n_tokens
