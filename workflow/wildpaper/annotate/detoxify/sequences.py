"""Texts as sequences of tokens, and sequences in batches of similar length."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_TEXTS_AT_ONCE = 256


class Sequences(NamedTuple):
    """Tokens as a model reads them: one sequence a text, or one a window.

    Attributes
    ----------
    ids : list of list of int, length n_sequences
        Tokens, those at the two ends included; the windows of a text follow each other.
    owners : ndarray of int64, shape (n_sequences,)
        The text that a sequence is of, in ascending order.
    long : ndarray of bool, shape (n_texts,)
        Whether a text has more tokens than the model reads at a time.
    """

    ids: list[list[int]]
    owners: NDArray[np.int64]
    long: NDArray[np.bool_]


def tokenise(tokenizer: Any, texts: Sequence[str], windows: bool) -> Sequences:
    """Return the tokens of each text, cut by the model's own tokenizer.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
        Says in `model_max_length` how many tokens the model reads.
    texts : sequence of str, length n_texts
    windows : bool
        Whether a longer text becomes several sequences, each of which begins half a
        sequence after the one before; else its beginning is the only one.
    """
    content = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    ids: list[list[int]] = []
    owners: list[int] = []
    long = np.zeros(len(texts), np.bool_)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        found = tokenizer(
            list(texts[start : start + _TEXTS_AT_ONCE]),
            truncation=True,
            stride=content // 2 if windows else 0,
            return_overflowing_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        before = -1
        for tokens, row in zip(
            found["input_ids"], found["overflow_to_sample_mapping"], strict=True
        ):
            if row == before:
                long[start + row] = True
            if windows or row != before:
                ids.append(tokens)
                owners.append(start + row)
            before = row
    return Sequences(ids, np.array(owners, np.int64), long)


def plan_batches(ids: list[list[int]], rows: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Return the rows of each batch, the longest sequences first.

    Parameters
    ----------
    ids : list of list of int
        Tokens of all sequences.
    rows : sequence of int
        Those to put into batches.
    batch_tokens : int
        Tokens in a batch, padding included; a longer sequence is a batch of its own.
    """
    batches: list[list[int]] = []
    room = 0
    for row in sorted(rows, key=lambda row: -len(ids[row])):
        if not room:
            batches.append([])
            room = max(batch_tokens // max(len(ids[row]), 1), 1)
        batches[-1].append(row)
        room -= 1
    return batches


def padded(ids: list[list[int]], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return sequences side by side, and the mask of what is not padding.

    Padding is on the right, so a token has the place that it has in the text alone. The mask
    comes from the lengths: a text can spell out the token of the padding.
    """
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    tokens = np.full(mask.shape, pad_id, np.int64)
    tokens[mask] = np.concatenate([np.asarray(row, np.int64) for row in ids])
    return tokens, mask.astype(np.int64)
