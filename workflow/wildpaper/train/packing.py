"""Micro-batches without padding: examples end to end, attention kept inside each of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

IGNORED = -100
"""Label of a token that no loss is taken on."""

Batch = dict[str, Any]


def pack(pairs: Sequence[tuple[Any, Any]]) -> Batch:
    """Return (tokens, supervised) pairs end to end.

    Parameters
    ----------
    pairs : sequence of (ndarray of int, ndarray of bool)
        The first token of each is never supervised: nothing precedes it.

    Returns
    -------
    dict
        ``input_ids``, ``position_ids`` and ``labels``: tensors of shape (1, n_tokens);
        ``borders``: list of n_pairs + 1 ints, example i is ``[borders[i], borders[i + 1])``.

    Notes
    -----
    ``position_ids`` begin anew with each example, and `wildpaper.train.attention` lets no
    token see another example's.
    """
    lengths = [len(ids) for ids, _ in pairs]
    ids = np.concatenate([np.asarray(ids, np.int64) for ids, _ in pairs])
    supervised = np.concatenate([np.asarray(mask, np.bool_) for _, mask in pairs])
    borders = np.concatenate([[0], np.cumsum(lengths)])
    supervised[borders[:-1]] = False
    arrays = {
        "input_ids": ids,
        "position_ids": np.arange(len(ids)) - np.repeat(borders[:-1], lengths),
        "labels": np.where(supervised, ids, IGNORED),
    }
    tensors: Batch = {name: torch.from_numpy(array)[None] for name, array in arrays.items()}
    return tensors | {"borders": borders.tolist()}


def micro_batches(
    lengths: npt.NDArray[np.int64], order: Sequence[int], batch: int, max_tokens: int, multiple: int
) -> list[list[list[int]]]:
    """Spread the examples of each step evenly over micro-batches.

    Parameters
    ----------
    lengths : ndarray of int, shape (n,)
        Tokens of each example.
    order : sequence of int
        Example numbers, step after step.
    batch : int
        Examples in a step.
    max_tokens : int
        Tokens of a micro-batch at most; no example is longer.
    multiple : int
        The number of micro-batches is a multiple of this (devices).

    Returns
    -------
    list of list of list of int
        For each step its micro-batches, in all steps the same number; examples in them in
        the order of the step. Some may be empty in a last step that is not whole.
    """
    steps = [list(order[i : i + batch]) for i in range(0, len(order), batch)]
    totals = [int(lengths[step].sum()) for step in steps]
    least = max(-(-total // max_tokens) for total in totals)
    n = -(-max(least, 1) // multiple) * multiple
    while True:
        spread = [_spread(lengths, step, n) for step in steps]
        fullest = max(int(lengths[group].sum()) for step in spread for group in step if group)
        if fullest <= max_tokens or n >= batch:
            return spread
        n += multiple


def _spread(lengths: npt.NDArray[np.int64], step: list[int], n: int) -> list[list[int]]:
    """Give each example, longest first, to the group with the fewest tokens."""
    groups: list[list[int]] = [[] for _ in range(n)]
    loads = [0] * n
    for place in sorted(range(len(step)), key=lambda place: -int(lengths[step[place]])):
        least = loads.index(min(loads))
        groups[least].append(place)
        loads[least] += int(lengths[step[place]])
    return [[step[place] for place in sorted(group)] for group in groups]
