"""The seeded order of conversations, of which samples are the first so many."""

import hashlib

import numpy as np
import numpy.typing as npt


def sample_ranks(
    seed: int, dataset: str, conversation_ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Return a number for each conversation that looks random and depends on nothing else.

    A sample of n is the n conversations of the lowest numbers, so smaller samples are parts
    of larger ones.

    Parameters
    ----------
    seed : int
        Seed of the run.
    dataset : str
        Name of the data set.
    conversation_ids : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    seeded = hashlib.blake2b(f"{seed}/{dataset}/".encode(), digest_size=8)
    ranks = np.empty(len(conversation_ids), np.uint64)
    for i, conversation_id in enumerate(conversation_ids.tolist()):
        digest = seeded.copy()
        digest.update(str(conversation_id).encode())
        ranks[i] = int.from_bytes(digest.digest(), "big")
    return ranks
