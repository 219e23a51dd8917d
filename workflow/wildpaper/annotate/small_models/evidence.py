"""Which pieces of text speak for a label, learnt from whole texts that bear it.

A text bears a label if any of its pieces brings it about, each by itself ("noisy or"):
with the evidence e >= 0 of its distinct pieces, a text bears it with probability
1 - exp(-sum e). A piece that is in unlabelled texts can have little evidence, and a
penalty on the sum over all pieces leaves it to the few that explain most: the words
that recur, and not what happens to stand beside them once.
"""

import numpy as np
import torch
from torch.nn.functional import embedding_bag, softplus

_STEPS = 250
_STEP_SIZE = 0.1
_START = -4.0
_PENALTY = 0.1
_NOISE = 1e-3


def learn_evidence(ids: list[list[int]], bears: torch.Tensor, n_pieces: int) -> torch.Tensor:
    """Return the evidence of each piece.

    Parameters
    ----------
    ids : list of list of int, length n
        Pieces of each text; how often one occurs does not matter.
    bears : torch.Tensor of bool, shape (n,)
        Whether a text bears the label.
    n_pieces : int
        Size of the vocabulary.

    Returns
    -------
    torch.Tensor of float, shape (n_pieces,)
        Not negative; next to nothing for a piece that is in no text.

    Notes
    -----
    Minimises minus the log likelihood plus 0.1 times the sum of the evidence, with Adam
    over all texts at once: no draws, so the same texts give the same result.
    """
    bags = [sorted(set(pieces)) for pieces in ids]
    pieces = torch.tensor([piece for bag in bags for piece in bag])
    starts = torch.tensor(np.cumsum([0, *(len(bag) for bag in bags[:-1])]))
    raw = torch.full((n_pieces, 1), _START, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=_STEP_SIZE)
    for _ in range(_STEPS):
        evidence = softplus(raw)
        total = embedding_bag(pieces, evidence, starts, mode="sum")[:, 0] + _NOISE
        loss = torch.where(bears, -torch.log1p(-torch.exp(-total)), total).sum()
        loss = loss + _PENALTY * evidence.sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return softplus(raw.detach())[:, 0]
