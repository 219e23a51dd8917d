"""What the likelihood stand-in judge writes down, and its verdict on two models."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SCORES = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("conversation_id", pa.int64(), nullable=False),
        pa.field("n_tokens", pa.int64(), nullable=False),
        pa.field("n_end_tokens", pa.int64(), nullable=False),
        pa.field("n_characters", pa.int64(), nullable=False),
        pa.field("nll_nats", pa.float64(), nullable=False),
        pa.field("nll_end_nats", pa.float64(), nullable=False),
    ]
)
"""Per model and conversation, sums over its replies: tokens without end tokens, end tokens,
characters, and the negative log-likelihood of either kind of token."""

VERDICTS = pa.schema(
    [
        pa.field("first", pa.string(), nullable=False),
        pa.field("second", pa.string(), nullable=False),
        pa.field("conversation_id", pa.int64(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
    ]
)
"""win, tie or loss of the first model."""


def judge_pair(first: pa.Table, second: pa.Table, margin_nats: float) -> pa.Table:
    """Compare two models conversation by conversation.

    Parameters
    ----------
    first, second : pyarrow.Table
        `SCORES` of one model each, of the same conversations.
    margin_nats : float
        The first model wins if its mean negative log-likelihood per token, end tokens
        included, is lower by more than this; within the margin it is a tie.

    Returns
    -------
    pyarrow.Table
        `VERDICTS`.
    """
    gains = _mean_nats(second) - _mean_nats(first)
    # the slack keeps a difference of exactly the margin a tie, whatever its last binary digit
    reached = margin_nats + 1e-12
    verdicts = np.where(gains > reached, "win", np.where(gains < -reached, "loss", "tie"))
    n = len(verdicts)
    columns = {
        "first": pa.array([first["model"][0].as_py()] * n, pa.string()),
        "second": pa.array([second["model"][0].as_py()] * n, pa.string()),
        "conversation_id": first["conversation_id"].combine_chunks(),
        "verdict": pa.array(verdicts.tolist(), pa.string()),
    }
    return pa.table(columns, schema=VERDICTS)


def _mean_nats(scores: pa.Table) -> npt.NDArray[np.float64]:
    nats = scores["nll_nats"].to_numpy() + scores["nll_end_nats"].to_numpy()
    n_tokens = scores["n_tokens"].to_numpy() + scores["n_end_tokens"].to_numpy()
    mean: npt.NDArray[np.float64] = nats / n_tokens
    return mean
