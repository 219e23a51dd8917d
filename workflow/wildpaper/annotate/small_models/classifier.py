"""Small text classifiers, trained on simulated labels, for runs without the real ones.

They have the architecture of XLM-RoBERTa at a fraction of the size. What each piece of text
speaks for is learnt first (`wildpaper.annotate.small_models.evidence`) and becomes its word
embedding; then the attention and the classifier learn to find such pieces in a text: a few
thousand texts are too few to learn both at once. Positions are left out of the model (their
embeddings are zero and stay so): a word counts the same wherever it stands.
"""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

from wildpaper.annotate.small_models.evidence import learn_evidence
from wildpaper.annotate.small_models.tokenizer import SPACE
from wildpaper.progress import Progress

_WIDTH = 64
_MOST_EVIDENCE = 4.0
_BATCH_TOKENS = 1_024
_LEARNING_RATE = 2e-3
_WARMUP = 0.1


def piece_evidence(ids: list[list[int]], bears: torch.Tensor, tokenizer: Any) -> torch.Tensor:
    """Return the evidence of each piece; the same at and not at the beginning of a word.

    Parameters
    ----------
    ids : list of list of int, length n
        Pieces of each text.
    bears : torch.Tensor of bool, shape (n,)
        Whether a text bears the label.
    tokenizer : transformers.PreTrainedTokenizerBase
        Whose pieces they are.

    Returns
    -------
    torch.Tensor of float, shape (n_pieces,)
        See `wildpaper.annotate.small_models.evidence`.
    """
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    names = [name.lstrip(SPACE) or name for name in pieces]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    same = [first[name] for name in names]
    rows = [[same[piece] for piece in row] for row in ids]
    return learn_evidence(rows, bears, len(tokenizer))[same]


def new_model(evidence: torch.Tensor, max_tokens: int, **config: Any) -> Any:
    """Return a model whose word embeddings are the evidence, beside a constant pattern.

    Parameters
    ----------
    evidence : torch.Tensor of float, shape (n_pieces, n_columns)
        Not more than 64 columns.
    max_tokens : int
        Tokens of a text, with the two at the ends, that the model reads.
    **config
        For `transformers.XLMRobertaConfig`: the labels.
    """
    model = XLMRobertaForSequenceClassification(
        XLMRobertaConfig(
            vocab_size=len(evidence),
            hidden_size=_WIDTH,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=2 * _WIDTH,
            max_position_embeddings=max_tokens + 2,
            type_vocab_size=1,
            initializer_range=0.05,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            **config,
        )
    )
    embeddings = model.roberta.embeddings
    with torch.no_grad():
        embeddings.position_embeddings.weight.zero_()
        words = embeddings.word_embeddings.weight
        words[:] = torch.tensor([(-1.0) ** i for i in range(_WIDTH)])
        words[:, : evidence.shape[1]] = evidence.clamp(max=_MOST_EVIDENCE)
    embeddings.position_embeddings.weight.requires_grad_(False)
    words.requires_grad_(False)
    return model


def fit(
    model: Any,
    ids: list[list[int]],
    loss_of: Callable[[torch.Tensor, list[int]], torch.Tensor],
    batches: list[list[int]],
    progress: Progress,
) -> None:
    """Train a model on batches of texts.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        As `new_model` returns it.
    ids : list of list of int
        Tokens of each text.
    loss_of : callable
        From the logits of a batch, shape (n_rows, n_labels), and its rows to the loss.
    batches : list of list of int
        Rows of each batch.
    progress : Progress
        Told of each batch.
    """
    pad_id = model.config.pad_token_id
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _LEARNING_RATE * _slope((step + 1) / (len(batches) + 1))
    )
    model.train()
    for rows in batches:
        padded = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(ids[row]) for row in rows], batch_first=True, padding_value=pad_id
        )
        logits = model(input_ids=padded, attention_mask=(padded != pad_id).long()).logits
        loss = loss_of(logits, rows)
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


def draw_batches(
    epoch_rows: Callable[[random.Random], list[int]],
    ids: list[list[int]],
    n_batches: int,
    order: random.Random,
) -> list[list[int]]:
    """Return the rows of `n_batches` batches, of as many passes as that takes.

    Parameters
    ----------
    epoch_rows : callable
        Gives the rows of one pass; may draw from the order that it is given.
    ids : list of list of int
        Tokens of each text; a batch has about a thousand, of texts of similar length.
    n_batches : int
    order : random.Random
        Source of the random order.
    """
    batches: list[list[int]] = []
    while len(batches) < n_batches:
        batches += _epoch(epoch_rows(order), ids, order)
    return batches[:n_batches]


def _epoch(rows: list[int], ids: list[list[int]], order: random.Random) -> Iterator[list[int]]:
    """Yield the rows of each batch of one epoch: of similar length, in random order."""
    order.shuffle(rows)
    rows.sort(key=lambda row: len(ids[row]) // 8)
    batches: list[list[int]] = [[]]
    for row in rows:
        if (len(batches[-1]) + 1) * len(ids[row]) > _BATCH_TOKENS:
            batches.append([])
        batches[-1].append(row)
    order.shuffle(batches)
    yield from batches
