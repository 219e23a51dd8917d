"""Rows of tokens that a model goes on with together, and what it remembers of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


@dataclass(slots=True)
class Rows:
    """Rows of one width, filled up on the left.

    Attributes
    ----------
    ids, mask : Tensor, shape (n_rows, width)
        Tokens; 1 where there is one, 0 where a row is filled up.
    memory : Cache or None
        Keys and values of all tokens but the last; None: they are computed anew.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    memory: Any

    def take(self, rows: Sequence[int], ids: torch.Tensor, memory: Any) -> "Rows":
        """Return some of the rows, longer by now.

        Parameters
        ----------
        rows : sequence of int
        ids : Tensor, shape (n_rows, new width)
            Of all rows, those that are not taken as well.
        memory : Cache
            Of all rows; changed.
        """
        kept = torch.tensor(rows, device=ids.device)
        new = torch.ones_like(ids[:, self.ids.shape[1] :])
        mask = torch.cat([self.mask, new], dim=1)[kept]
        if not _is_plain(memory):
            return Rows(ids[kept], mask, None)
        memory.batch_select_indices(kept)
        return Rows(ids[kept], mask, memory)


def read_rows(model: Any, prompts: Sequence[Sequence[int]], filler: int) -> Rows:
    """Return prompts as rows that a model has read, each by itself: filling costs nothing there.

    Parameters
    ----------
    model : Any
        A causal language model of transformers.
    prompts : sequence of list of int
    filler : int
        Any token.
    """
    width, device = max(map(len, prompts)), model.device
    ids = torch.full((len(prompts), width), filler, device=device)
    mask = torch.zeros_like(ids)
    for i, prompt in enumerate(prompts):
        ids[i, width - len(prompt) :] = torch.tensor(prompt, device=device)
        mask[i, width - len(prompt) :] = 1
    return Rows(ids, mask, _read(model, prompts, width))


def _read(model: Any, prompts: Sequence[Sequence[int]], width: int) -> Any:
    """Return keys and values of all tokens but the last; None for models that keep others."""
    if min(map(len, prompts)) < 2:
        return None
    found: list[list[tuple[torch.Tensor, torch.Tensor]]] = []
    for prompt in prompts:
        ids = torch.tensor([prompt[:-1]], device=model.device)
        memory = model.base_model(input_ids=ids, use_cache=True).past_key_values
        if not _is_plain(memory):
            return None
        left = (0, 0, width - len(prompt), 0)
        found.append([(pad(one.keys, left), pad(one.values, left)) for one in memory.layers])
    layers = zip(*found, strict=True)
    return DynamicCache(
        [tuple(torch.cat(parts) for parts in zip(*layer, strict=True)) for layer in layers]
    )


def _is_plain(memory: Any) -> bool:
    """Whether a memory holds keys and values of all tokens, in each layer."""
    layers = getattr(memory, "layers", [])
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)
