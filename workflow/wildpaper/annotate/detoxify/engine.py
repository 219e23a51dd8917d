"""The numeric heart of scoring: a classifier's scores of many texts, fast, and as if alone.

Needs no more than torch, numpy and a classifier with the attributes of `detoxify.Detoxify`
(`model`, `tokenizer`, `class_names`), so it runs wherever such a model does.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from wildpaper.annotate.detoxify.forward import OutOfMemory, forward, in_bf16
from wildpaper.annotate.detoxify.sequences import Sequences, plan_batches, tokenise
from wildpaper.errors import WildpaperError

Scores = NDArray[np.float32]
Precision = Literal["fp32", "bf16"]
LongTexts = Literal["truncate", "windows"]

DECISIVE_HEAD = "toxicity"
"""The head that is compared with the threshold."""

CPU_BATCH_TOKENS = 512
"""Tokens in a batch on a CPU, at most: the activations of larger ones leave the caches."""

_NEAR = 1e-4
_LEAST_MARGIN = 0.25
_MARGIN_FACTOR = 4.0
_SAMPLE = 64
_SAMPLE_SHARE = 32
_LEAST_SAMPLE = 8

_LOG = logging.getLogger("wildpaper")


class Engine:
    """Scores texts with one classifier; remembers across calls what it learnt of the machine.

    Parameters
    ----------
    classifier : detoxify.Detoxify
        Or anything with its `model`, `tokenizer` and `class_names`; computes where the
        model is.
    heads : sequence of str
        The columns of the scores; NaN where the classifier has no such head.
    batch_tokens : int
        Tokens in a batch, padding included, at most; on a CPU not more than
        `CPU_BATCH_TOKENS`. A longer sequence is a batch of its own. Halved when memory
        runs out.
    threshold : float
        Of the head `toxicity`: on which side of it a text is must not depend on
        precision or on what the text was batched with.
    precision : {"fp32", "bf16"}
        ``bf16`` computes with 16 bits (but the classifier on top of the encoder, which
        keeps 32), then scores again in fp32 what could be on the wrong side of the
        threshold; see Notes.
    long_texts : {"truncate", "windows"}
        What becomes of texts longer than the model reads: the beginning is scored, as
        Detoxify does, or windows of that length, each beginning half a window after the
        one before, of whose scores the maximum counts, head by head.
    where : str
        The file or the data set, for messages.

    Attributes
    ----------
    n_texts, n_long : int
        Texts so far, and those longer than the model reads at a time.
    n_rescored : int
        Sequences so far that were scored in both precisions.
    largest_error : float
        Largest difference of a toxicity logit between the precisions so far.

    Raises
    ------
    WildpaperError
        If the classifier has no head `toxicity`.

    Notes
    -----
    What bf16 does to a logit is measured, not assumed. A sample spread over all lengths is
    scored in both precisions, and then every sequence whose logit is within a margin of
    the threshold's: four times the largest difference seen so far, at least 0.25. While
    what is scored again shows a larger difference, the margin grows and takes in more.
    Scores further away keep the error of bf16, which on the scale of logits is a small
    part of that margin: counts at the threshold are those of fp32, a sweep over other
    thresholds may differ by single texts.
    """

    def __init__(
        self,
        classifier: Any,
        heads: Sequence[str],
        batch_tokens: int = 16_384,
        threshold: float = 0.1,
        precision: Precision = "fp32",
        long_texts: LongTexts = "truncate",
        where: str = "",
    ) -> None:
        names = list(classifier.class_names)
        if DECISIVE_HEAD not in names:
            raise WildpaperError(
                f"The classifier has no head {DECISIVE_HEAD!r}",
                where=where,
                hint="Use a checkpoint of Detoxify.",
            )
        self.tokenizer = classifier.tokenizer
        self.windows = long_texts == "windows"
        self.where = where
        self.n_texts = self.n_long = self.n_rescored = 0
        self.largest_error = 0.0
        self._heads = [names.index(head) if head in names else None for head in heads]
        self._decisive = names.index(DECISIVE_HEAD)
        self._n_outputs = classifier.model.config.num_labels
        self._threshold = threshold
        self._model = classifier.model.eval()
        self._fast = in_bf16(self._model) if precision == "bf16" else None
        on_cpu = self._model.device.type == "cpu"
        self.batch_tokens = min(batch_tokens, CPU_BATCH_TOKENS) if on_cpu else batch_tokens
        self._warned = False

    def score(
        self, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None
    ) -> tuple[Scores, NDArray[np.bool_]]:
        """Score texts in batches of similar length.

        Parameters
        ----------
        texts : sequence of str, length n
            In any order.
        advance : callable
            Told the number of texts after each batch.

        Returns
        -------
        scores : ndarray of float32, shape (n, n_heads)
            Between 0 and 1, in the order of `heads`.
        truncated : ndarray of bool, shape (n,)
            Whether the model has not read the whole text; never so with windows.

        Raises
        ------
        WildpaperError
            If a text alone does not fit into memory, or the model returns no number.
        """
        sequences = tokenise(self.tokenizer, texts, self.windows)
        self.n_texts += len(texts)
        self.n_long += int(sequences.long.sum())
        every = list(range(len(sequences.ids)))
        first = np.diff(sequences.owners, prepend=-1) > 0

        def count(rows: list[int]) -> None:
            advance(int(first[rows].sum()))

        logits = self._logits(self._fast or self._model, sequences, every, count)
        if self._fast is not None and every:
            self._rescore(sequences, logits)
        columns = self._probabilities(sequences, logits)
        scores = np.full((len(texts), len(self._heads)), np.nan, np.float32)
        for i, column in enumerate(self._heads):
            if column is not None:
                scores[:, i] = -np.inf
                np.maximum.at(scores[:, i], sequences.owners, columns[:, column])
        truncated = np.zeros_like(sequences.long) if self.windows else sequences.long
        return scores, truncated

    def summary(self) -> str:
        """Return, in a sentence, how many texts were too long and what became of them."""
        share = 100 * self.n_long / self.n_texts if self.n_texts else 0.0
        limit = self.tokenizer.model_max_length
        how = "scored in windows" if self.windows else "their beginning was scored"
        told = f"{self.n_texts:,} texts scored, {share:.1f} % of them longer than {limit} tokens"
        told += f" ({how})" if self.n_long else ""
        if self._fast is not None:
            told += f"; {self.n_rescored:,} sequences in fp32 too"
        return told

    def _logits(
        self,
        model: Any,
        sequences: Sequences,
        rows: Sequence[int],
        count: Callable[[list[int]], None] = lambda _: None,
    ) -> Scores:
        """Return the logits of the rows, shape (n_rows, n_outputs)."""
        ids, pad_id = sequences.ids, self.tokenizer.pad_token_id
        found = np.full((len(ids), self._n_outputs), np.nan, np.float32)
        todo = list(rows)
        while todo:
            done: list[int] = []
            try:
                for batch, logits in forward(
                    model, ids, plan_batches(ids, todo, self.batch_tokens), pad_id
                ):
                    found[batch] = logits
                    done += batch
                    count(batch)
            except OutOfMemory as error:
                self._make_room(error.n_sequences, error.n_tokens)
            finished = set(done)
            todo = [row for row in todo if row not in finished]
        if not np.isfinite(found[rows]).all():
            raise WildpaperError(
                "The model returns something that is no number",
                where=self.where,
                hint="The checkpoint is damaged, or its weights are too large for the precision.",
            )
        return found[rows]

    def _make_room(self, n_sequences: int, n_tokens: int) -> None:
        """Halve the batches, after one of `n_tokens` tokens, padding included, did not fit."""
        if n_sequences == 1:
            raise WildpaperError(
                f"Memory ran out for a single text of {n_tokens:,} tokens",
                where=self.where,
                hint="Free memory on the device, or use another one (annotate.detoxify.device).",
            )
        self.batch_tokens = max(min(n_tokens, self.batch_tokens) // 2, 1)
        if not self._warned:
            _LOG.warning(
                "%s: memory ran out for a batch of %s tokens; going on with smaller ones, of %s",
                self.where or "Scoring",
                f"{n_tokens:,}",
                f"{self.batch_tokens:,}",
            )
            self._warned = True

    def _rescore(self, sequences: Sequences, logits: Scores) -> None:
        """Put the logits of fp32 wherever the decision could be another (in place)."""
        cut = float(np.log(self._threshold / (1 - self._threshold)))
        distance = np.abs(logits[:, self._decisive] - cut)
        exact = np.zeros(len(logits), np.bool_)
        n = min(_SAMPLE - self.n_rescored, len(logits) // _SAMPLE_SHARE)
        rows = _spread([len(ids) for ids in sequences.ids], max(n, _LEAST_SAMPLE))
        while len(rows):
            found = self._logits(self._model, sequences, rows.tolist())
            error = np.abs(found - logits[rows])[:, self._decisive].max()
            self.largest_error = max(self.largest_error, float(error))
            logits[rows], exact[rows] = found, True
            self.n_rescored += len(rows)
            margin = max(_LEAST_MARGIN, _MARGIN_FACTOR * self.largest_error)
            rows = np.flatnonzero(~exact & (distance <= margin))

    def _probabilities(self, sequences: Sequences, logits: Scores) -> Scores:
        """Return the scores of all outputs; near the threshold, those of the text alone."""
        scores: Scores = torch.sigmoid(torch.from_numpy(logits)).numpy()
        for row in np.flatnonzero(np.abs(scores[:, self._decisive] - self._threshold) < _NEAR):
            alone = self._logits(self._model, sequences, [int(row)])
            scores[row] = torch.sigmoid(torch.from_numpy(alone)).numpy()[0]
        return scores


def _spread(lengths: list[int], n: int) -> NDArray[np.int64]:
    """Return `n` rows, or all where there are fewer, evenly spread over the lengths."""
    order = np.argsort(lengths, kind="stable")
    ranks = np.linspace(0, len(lengths) - 1, min(n, len(lengths)))
    return order[ranks.round().astype(np.int64)]
