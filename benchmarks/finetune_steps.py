"""Batches and steps of the contenders of `finetune.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from finetune_model import DTYPES, Trainee

from wildpaper.train.attention import PACKED
from wildpaper.train.lora import causal_model
from wildpaper.train.loss import on_device, summed_loss
from wildpaper.train.packing import IGNORED, Batch, micro_batches, pack

OURS, MAXIMUM, LONGEST = "ours", "padded to the maximum", "padded to the longest"
Pair = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]
_PAD, _FIRST = 0, 3
_MAX_GRAD_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """A step of one contender.

    Attributes
    ----------
    attention : str
        How transformers knows the attention that it takes.
    batches : list of Batch
        Micro-batches.
    positions : list of int
        Positions of each example in them, with its padding.
    loss : callable
        (trainee, micro-batch, supervised tokens of the step) -> its share of the mean loss.
    """

    attention: str
    batches: list[Batch]
    positions: list[int]
    loss: Callable[[Trainee, Batch, int], torch.Tensor]


def draw_pairs(sizes: Sequence[tuple[int, int]], n_vocabulary: int, seed: int) -> list[Pair]:
    """Return examples of random tokens with those lengths, the last tokens supervised, shuffled."""
    rng = np.random.default_rng(seed)
    pairs = []
    for i in rng.permutation(len(sizes)):
        n, n_supervised = sizes[i]
        ids = rng.integers(_FIRST, n_vocabulary, n)
        pairs.append((ids, np.arange(n) >= n - n_supervised))
    return pairs


def works(pairs: list[Pair], max_length: int, max_tokens: int) -> dict[str, Work]:
    """Return the same step as each contender takes it.

    Parameters
    ----------
    pairs : list of (tokens, supervised)
        The examples of a step.
    max_length : int
        Tokens of an example at most.
    max_tokens : int
        Tokens of a micro-batch at most, padding included.
    """
    lengths = np.array([len(ids) for ids, _ in pairs])
    groups = micro_batches(lengths, range(len(pairs)), len(pairs), max_tokens, 1)[0]
    packed = [pack([pairs[i] for i in group]) for group in groups]
    per_micro = max_tokens // max_length
    rows = [pairs[i : i + per_micro] for i in range(0, len(pairs), per_micro)]
    widths = [max(len(ids) for ids, _ in group) for group in rows]
    full = [max_length] * len(rows)
    return {
        OURS: Work(PACKED, packed, lengths.tolist(), _packed_loss),
        MAXIMUM: _padded(rows, full),
        LONGEST: _padded(rows, widths),
    }


def _padded(rows: list[list[Pair]], widths: list[int]) -> Work:
    batches = [pad(group, width) for group, width in zip(rows, widths, strict=True)]
    positions = [width for group, width in zip(rows, widths, strict=True) for _ in group]
    return Work("sdpa", batches, positions, _padded_loss)


def pad(pairs: Sequence[Pair], width: int) -> Batch:
    """Return examples under each other, filled up on the right to `width` tokens."""
    shape = (len(pairs), width)
    ids, labels = np.full(shape, _PAD, np.int64), np.full(shape, IGNORED, np.int64)
    mask = np.zeros(shape, np.int64)
    for row, (tokens, supervised) in enumerate(pairs):
        ids[row, : len(tokens)] = tokens
        labels[row, : len(tokens)] = np.where(supervised, tokens, IGNORED)
        mask[row, : len(tokens)] = 1
    arrays = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _packed_loss(trainee: Trainee, batch: Batch, n_supervised: int) -> torch.Tensor:
    return summed_loss(causal_model(trainee.net), batch) / n_supervised


def _padded_loss(trainee: Trainee, batch: Batch, n_supervised: int) -> torch.Tensor:
    given = {"use_cache": False, "num_items_in_batch": n_supervised}
    loss: torch.Tensor = causal_model(trainee.net)(**batch, **given).loss
    return loss


def mean_loss(trainee: Trainee, work: Work, learn: bool) -> float:
    """Return the mean loss of the supervised tokens of a step; take the step if `learn`."""
    setup, n_supervised = trainee.setup, _n_supervised(work)
    model = causal_model(trainee.net)
    if model.config._attn_implementation != work.attention:
        model.set_attn_implementation(work.attention)
    total = torch.zeros((), device=trainee.device)
    mixed = setup.products != setup.weights or (setup.lora and setup.products != "float32")
    for batch in work.batches:
        with (
            torch.set_grad_enabled(learn),
            torch.autocast(trainee.device, DTYPES["bf16"], enabled=mixed),
        ):
            loss = work.loss(trainee, on_device(batch, trainee.device), n_supervised)
        if learn:
            loss.backward()
        total += loss.detach().float()
    if learn:
        torch.nn.utils.clip_grad_norm_(trainee.weights, _MAX_GRAD_NORM)
        trainee.optimiser.step()
        trainee.optimiser.zero_grad()
    return float(total)


def _n_supervised(work: Work) -> int:
    return sum(int((batch["labels"][:, 1:] != IGNORED).sum()) for batch in work.batches)
