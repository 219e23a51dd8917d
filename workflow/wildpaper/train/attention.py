"""Attention over examples that stand end to end: each sees itself alone."""

from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

PACKED = "wildpaper_packed"
"""Name under which transformers knows it (`attn_implementation`)."""


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    borders: list[int] | None = None,
    **given: Any,
) -> tuple[torch.Tensor, None]:
    """Return causal attention within each example.

    Parameters
    ----------
    module : torch.nn.Module
        The layer; not used.
    query, key, value : Tensor, shape (1, n_heads, n_tokens, head size)
        Keys and values may have fewer heads.
    borders : list of int
        See `wildpaper.train.packing.pack`; one example if not given.

    Notes
    -----
    One call of torch's own kernel an example, without any mask: nothing is computed between
    examples, so that what stands beside an example cannot touch its numbers.
    """
    ends = borders or [0, query.shape[2]]
    parts = [
        scaled_dot_product_attention(
            query[:, :, start:end], key[:, :, start:end], value[:, :, start:end],
            dropout_p=dropout, is_causal=True, scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        for start, end in pairwise(ends)
    ]  # fmt: skip
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def use_packed_attention(model: Any) -> None:
    """Let a model of transformers take packed micro-batches.

    For a name that has no way to make masks registered, transformers makes none.
    """
    AttentionInterface.register(PACKED, packed_attention)
    model.set_attn_implementation(PACKED)
