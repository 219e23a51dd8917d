"""A model's forward passes over batches, on a CPU or a GPU, and what they do without memory."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wildpaper.annotate.detoxify.sequences import padded

_NO_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


class OutOfMemory(Exception):  # noqa: N818 - what happened, and no fault of the user
    """Memory ran out for a batch of `n_sequences` with `n_tokens` tokens, padding included."""

    def __init__(self, n_sequences: int, n_tokens: int) -> None:
        super().__init__(n_sequences, n_tokens)
        self.n_sequences, self.n_tokens = n_sequences, n_tokens


def in_bf16(model: Any) -> Any:
    """Return a copy of a model that computes in bf16.

    The classifier on top of the encoder (`model.classifier`) keeps 32 bits: it is next to
    no work, and in bf16 alone would round a logit of 2 to multiples of 1/64.
    """
    fast = copy.deepcopy(model).to(torch.bfloat16)
    top = getattr(fast, "classifier", None)
    if isinstance(top, torch.nn.Module):
        top.float().register_forward_pre_hook(lambda _, inputs: (inputs[0].float(), *inputs[1:]))
    return fast


def forward(
    model: Any, ids: list[list[int]], batches: list[list[int]], pad_id: int
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Yield each batch with its logits, in order.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    ids : list of list of int
        Tokens of all sequences.
    batches : list of list of int
        Rows of each batch.
    pad_id : int

    Yields
    ------
    batch : list of int
    logits : ndarray of float32, shape (n_rows, n_outputs)

    Raises
    ------
    OutOfMemory
        If a batch does not fit; those before it have been yielded.

    Notes
    -----
    On a GPU a batch is put together, sent and started while the one before it computes.
    """
    waiting: tuple[list[int], torch.Tensor, Any] | None = None
    for batch in batches:
        tokens, mask = padded([ids[row] for row in batch], pad_id)
        started = _start(model, tokens, mask)
        if waiting is not None:
            yield waiting[0], _finish(*waiting[1:])
        if started is None:
            # Not within the `except` of the failure, whose traceback holds on to memory.
            _empty_caches(model)
            raise OutOfMemory(len(batch), tokens.size)
        waiting = batch, *started
    if waiting is not None:
        yield waiting[0], _finish(*waiting[1:])


@torch.inference_mode()
def _start(
    model: Any, tokens: NDArray[np.int64], mask: NDArray[np.int64]
) -> tuple[torch.Tensor, Any] | None:
    """Start a forward pass; return its logits and the event of their arrival; None: no memory."""
    on_gpu = model.device.type == "cuda"
    try:
        inputs = [torch.from_numpy(tokens), torch.from_numpy(mask)]
        if on_gpu:
            inputs = [one.pin_memory().to(model.device, non_blocking=True) for one in inputs]
        logits = model(input_ids=inputs[0], attention_mask=inputs[1])[0].float()
        if not on_gpu:
            return logits, None
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        host = logits.to("cpu", non_blocking=True)
        arrived.record()
        return host, arrived
    except (torch.OutOfMemoryError, MemoryError):
        return None
    except RuntimeError as error:
        if not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        return None


def _finish(logits: torch.Tensor, arrived: Any) -> NDArray[np.float32]:
    if arrived is not None:
        arrived.synchronize()
    found: NDArray[np.float32] = logits.numpy()
    return found


def _empty_caches(model: Any) -> None:
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
