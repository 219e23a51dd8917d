"""The loss of single tokens of packed micro-batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import cross_entropy, linear_cross_entropy

from wildpaper.train.examples import Examples
from wildpaper.train.packing import IGNORED, Batch, pack

_PLAIN_HEADS = ("llama",)
"""Kinds of model whose logits are the output embeddings times the last hidden state."""

_GIVEN = ("input_ids", "position_ids", "borders")

_CHUNK = 64
_CHUNKS = LinearCrossEntropyOptions(batch_chunk_size=_CHUNK, acc_policy="accurate")


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
    return _within_head(model, *_hidden(model, batch), _sum)


def token_losses(model: Any, batch: Batch) -> torch.Tensor:
    """Return the negative log-likelihood (nats) of each supervised token, row after row."""
    with torch.no_grad():
        if not _has_plain_head(model):
            return cross_entropy(*_logits(model, batch), reduction="none")
        return _within_head(model, *_hidden(model, batch), _single)


def _sum(hidden: torch.Tensor, weights: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the summed loss of tokens: hidden states before them times output embeddings."""
    if not len(wanted):  # a loss of nought, which still has a gradient for each weight
        return hidden.sum() * 0.0 + weights.sum() * 0.0
    device = hidden.device.type
    options = _CHUNKS if device == "cpu" else None
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    if dtype != torch.float32:  # a sum in 16 bits would be rounded
        logits = hidden.to(dtype) @ weights.to(dtype).T
        return cross_entropy(logits.float(), wanted, reduction="sum")
    return linear_cross_entropy(hidden, weights, wanted, reduction="sum", options=options)


def _single(hidden: torch.Tensor, weights: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the loss of each token; in place, which is 1.6 times as fast as `cross_entropy`."""
    pairs = zip(torch.split(hidden, _CHUNK), torch.split(wanted, _CHUNK), strict=True)
    return torch.cat([_log_sum(a @ weights.T, b) for a, b in pairs])


def _log_sum(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    logits = logits.float()
    of_wanted = logits.gather(1, wanted[:, None])
    highest = logits.amax(1, keepdim=True)
    rest = logits.sub_(highest).exp_().sum(1, keepdim=True).log()
    return (rest + highest - of_wanted).squeeze(1)


def _within_head(
    model: Any,
    hidden: torch.Tensor,
    wanted: torch.Tensor,
    take: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Take a loss in place of the forward pass of the output layer.

    Where devices hold a part each of the weights, they are whole within that pass alone.
    """
    head = model.get_output_embeddings()
    head.forward = lambda states: take(states, head.weight, wanted)
    try:
        loss: torch.Tensor = head(hidden)
    finally:
        del head.forward
    return loss


def _has_plain_head(model: Any) -> bool:
    # an adapter makes another layer of it
    head = model.get_output_embeddings()
    return model.config.model_type in _PLAIN_HEADS and isinstance(head, torch.nn.Linear)


def _hidden(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last hidden states before the supervised tokens, and those tokens."""
    wanted = batch["labels"][:, 1:]
    chosen = wanted != IGNORED
    given = {name: batch[name] for name in _GIVEN}
    hidden = model.base_model(**given, use_cache=False).last_hidden_state
    return hidden[:, :-1][chosen], wanted[chosen]


def _logits(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of the supervised tokens, and those tokens."""
    wanted = batch["labels"][:, 1:]
    chosen = wanted != IGNORED
    given = {name: batch[name] for name in _GIVEN}
    return type(model).forward(model, **given, use_cache=False).logits[:, :-1][
        chosen
    ].float(), wanted[chosen]


def return_losses(model: Any) -> None:
    """Let a model's forward pass take a packed micro-batch and return its summed loss.

    What wraps a model for several devices sees the forward pass alone: the loss must be
    taken within it. With ``per_token`` it returns `token_losses`.
    """

    def forward(per_token: bool = False, **batch: Any) -> torch.Tensor:
        wanted = {name: batch[name] for name in (*_GIVEN, "labels")}
        return token_losses(model, wanted) if per_token else summed_loss(model, wanted)

    model.forward = forward


def return_logits(model: Any) -> None:
    """Give a model its own forward pass back."""
    vars(model).pop("forward", None)


def on_device(batch: Batch, device: Any) -> Batch:
    """Return a micro-batch with its tensors on a device."""
    return {
        name: part.to(device, non_blocking=True) if isinstance(part, torch.Tensor) else part
        for name, part in batch.items()
    }


def mean_loss(model: Any, examples: Examples, rows: Sequence[int], max_tokens: int) -> float:
    """Return the mean negative log-likelihood (nats) of all supervised tokens of some rows.

    Parameters
    ----------
    model : torch.nn.Module
        Prepared by `wildpaper.train.attention.use_packed_attention` and `return_losses`.
    examples : Examples
    rows : sequence of int
    max_tokens : int
        Tokens at a time, unless a single example has more.
    """
    was_training = model.training
    device = next(model.parameters()).device
    model.eval()
    total, n_tokens = 0.0, 0
    for group in in_groups(examples, rows, max_tokens):
        batch = on_device(pack([examples.one(i) for i in group]), device)
        with torch.no_grad():
            losses = model(per_token=True, **batch)
        total += float(losses.double().sum())
        n_tokens += losses.numel()
    model.train(was_training)
    return total / n_tokens


def in_groups(examples: Examples, rows: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Yield rows in their order, as many at a time as hold `max_tokens`, at least one."""
    group: list[int] = []
    n_tokens = 0
    for i in rows:
        length = int(examples.starts[i + 1] - examples.starts[i])
        if group and n_tokens + length > max_tokens:
            yield group
            group, n_tokens = [], 0
        group.append(i)
        n_tokens += length
    if group:
        yield group
