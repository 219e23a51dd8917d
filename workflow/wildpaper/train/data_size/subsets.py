"""Which training examples the subsets of a comparison of sizes hold."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from wildpaper.train.examples import Examples
from wildpaper.train.settings import DataSizeSettings, QualityRule

STRETCH = 64
"""Tokens of a reply among which distinct ones are counted."""

SHORT, REPETITIVE, REPEATED = "short-reply", "repetitive", "repeated-prompt"
"""Why an example does not pass a rule, in the order in which it is asked."""

_BLOCK = 2000

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Passed:
    """Examples that pass a rule.

    Attributes
    ----------
    rows : ndarray of int64
        Their numbers, ascending.
    left_out : dict
        How many do not pass, by the first reason that holds.
    """

    rows: Rows
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class Subset:
    """One subset of the training examples.

    Attributes
    ----------
    selection : {"random", "rule"}
    size : str
        Percent of all tokens as a slug (``12-5``), or ``all``: whatever passes the rule.
    share : float
        Tokens that it was to have, as a share of all; of ``all``, those that it has.
    rows : ndarray of int64
        Numbers of its examples, ascending.
    """

    selection: str
    size: str
    share: float
    rows: Rows

    @property
    def name(self) -> str:
        """Its name in files and tables."""
        return f"{self.selection}-{self.size}"


def random_subset(examples: Examples, n_tokens: int, seed: int, among: Rows | None = None) -> Rows:
    """Draw whole conversations until they have so many tokens, or there are no more.

    Parameters
    ----------
    examples : Examples
    n_tokens : int
        Tokens, prompts included, that the subset has at least.
    seed : int
        Decides an order of conversations, by their numbers alone: with the same seed a
        larger subset holds each smaller one, and a conversation keeps its place where
        others are left out.
    among : ndarray of int64, optional
        Examples to draw from; all if not given.

    Returns
    -------
    ndarray of int64
        Numbers of the examples drawn, ascending.
    """
    rows = np.arange(len(examples)) if among is None else among
    numbers, groups = np.unique(examples.conversation_ids[rows], return_inverse=True)
    draws = np.array([_draw(seed, int(number)) for number in numbers], np.uint64)
    order = np.argsort(draws, kind="stable")
    n_of = np.zeros(len(numbers), np.int64)
    np.add.at(n_of, groups, examples.lengths[rows])
    n_enough = int(np.searchsorted(np.cumsum(n_of[order]), n_tokens)) + 1
    drawn = np.zeros(len(numbers), np.bool_)
    drawn[order[:n_enough]] = True
    return rows[drawn[groups]]


def _draw(seed: int, conversation_id: int) -> int:
    digest = hashlib.sha256(f"data-size {seed} {conversation_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def by_rule(examples: Examples, rule: QualityRule) -> Passed:
    """Return the examples that pass a rule.

    Parameters
    ----------
    examples : Examples
        By conversation.
    rule : QualityRule
        Where it asks for distinct prompts, the first conversation that passes otherwise
        stays, with all its examples that do.

    Notes
    -----
    Distinct tokens are counted in stretches of `STRETCH` tokens. In a whole reply their
    share falls with its length, however good it is.
    """
    n_reply = _sums(examples.supervised, examples)
    short = n_reply < rule.min_reply_tokens
    repetitive = ~short & (distinct_shares(examples) < rule.min_distinct_share)
    passes = ~short & ~repetitive
    repeated = np.zeros(len(examples), np.bool_)
    if rule.distinct_prompts:
        rows = np.flatnonzero(passes)
        _, first, groups = np.unique(
            examples.first_prompts[rows], return_index=True, return_inverse=True
        )
        kept = examples.conversation_ids[rows[first]][groups]
        repeated[rows] = examples.conversation_ids[rows] != kept
    left_out = {SHORT: short, REPETITIVE: repetitive, REPEATED: repeated}
    return Passed(
        np.flatnonzero(passes & ~repeated),
        {reason: int(where.sum()) for reason, where in left_out.items()},
    )


def distinct_shares(examples: Examples) -> npt.NDArray[np.float64]:
    """Return the mean share of distinct tokens in the stretches of each example's reply.

    A stretch at the end that is not whole does not count, unless it is the only one; an
    example without a reply has the share 1.

    Returns
    -------
    ndarray of float64, shape (n_examples,)
    """
    edges = [*range(0, len(examples), _BLOCK), len(examples)]
    parts = [_distinct_shares(examples, first, last) for first, last in pairwise(edges)]
    return np.concatenate([np.empty(0), *parts])


def _distinct_shares(examples: Examples, first: int, last: int) -> npt.NDArray[np.float64]:
    """Return the shares of the examples from `first` to before `last`."""
    part = slice(int(examples.starts[first]), int(examples.starts[last]))
    chosen = examples.supervised[part]
    rows = np.repeat(np.arange(last - first), examples.lengths[first:last])[chosen]
    tokens = examples.input_ids[part][chosen].astype(np.int64)
    n_reply = np.bincount(rows, minlength=last - first)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(n_reply) - n_reply, n_reply)
    counts = place < np.maximum(n_reply // STRETCH, 1)[rows] * STRETCH
    stretches = rows * (int(place.max(initial=0)) // STRETCH + 1) + place // STRETCH
    n_pieces = int(tokens.max(initial=0)) + 1
    _, distinct = np.unique(stretches[counts] * n_pieces + tokens[counts], return_index=True)
    n_distinct = np.bincount(rows[counts][distinct], minlength=last - first)
    n_counted = np.bincount(rows[counts], minlength=last - first)
    return np.where(n_counted, n_distinct / np.maximum(n_counted, 1), 1.0)


def plan_subsets(
    examples: Examples, settings: DataSizeSettings, seed: int
) -> tuple[list[Subset], Passed]:
    """Return the subsets to compare, and what passes the rule.

    For each share there is a random subset, and one of as many tokens by the rule. Where
    what passes does not reach the largest share, all of it is one more subset.
    """
    passed = by_rule(examples, settings.rule)
    n_passed = int(examples.lengths[passed.rows].sum())
    n_all = int(examples.lengths.sum())
    n_all = min(n_all, settings.max_tokens or n_all)
    shares = sorted(set(settings.shares))
    random, ruled = [], []
    for share in shares:
        n_tokens = round(share * n_all)
        size = f"{100 * share:g}".replace(".", "-")
        random.append(Subset("random", size, share, random_subset(examples, n_tokens, seed)))
        if n_tokens <= n_passed:
            rows = random_subset(examples, n_tokens, seed, passed.rows)
            ruled.append(Subset("rule", size, share, rows))
    n_reached = len(ruled[-1].rows) if ruled else 0
    if len(ruled) < len(shares) and len(passed.rows) > n_reached:
        ruled.append(Subset("rule", "all", n_passed / n_all, passed.rows))
    return random + ruled, passed


def _sums(values: npt.NDArray[np.bool_], examples: Examples) -> Rows:
    """Return the sum over each example; none is empty."""
    if not len(examples):
        return np.zeros(0, np.int64)
    return np.add.reduceat(values, examples.starts[:-1], dtype=np.int64)
