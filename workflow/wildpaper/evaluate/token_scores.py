"""The negative log-likelihood of supervised tokens, example by example."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wildpaper.errors import WildpaperError
from wildpaper.progress import Progress
from wildpaper.train.attention import use_packed_attention
from wildpaper.train.examples import Examples
from wildpaper.train.loss import in_groups, on_device, token_losses
from wildpaper.train.model import load_model
from wildpaper.train.packing import pack

_BATCH_TOKENS = 4096


def load_scorer(base: str, device: str = "cpu", revision: str | None = None) -> Any:
    """Return a model to score with; on a GPU in bf16.

    Raises
    ------
    WildpaperError
        If it cannot be loaded, or there is no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise WildpaperError("There is no GPU to score on", hint="Choose a recipe for a CPU.")
    return ready_to_score(load_model(base, revision), device)


def ready_to_score(model: Any, device: str) -> Any:
    """Return a model that takes packed micro-batches, on a device; on a GPU in bf16."""
    use_packed_attention(model)
    if device == "cuda":
        model = model.to(device="cuda", dtype=torch.bfloat16)
    return model.eval()


def score_rows(
    model: Any, data: Examples, progress: Progress
) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Yield (example, negative log-likelihood in nats of each of its supervised tokens).

    Raises
    ------
    WildpaperError
        If the model does not know a token.
    """
    n_known = model.config.vocab_size
    if len(data.input_ids) and data.input_ids.max() >= n_known:
        raise WildpaperError(
            f"The model knows {n_known} tokens, the examples hold others",
            hint="Model and examples must come from the same tokenizer.",
        )
    for rows in in_groups(data, range(len(data)), _BATCH_TOKENS):
        pairs = [data.one(i) for i in rows]
        losses = token_losses(model, on_device(pack(pairs), model.device)).double().cpu().numpy()
        borders = np.cumsum([int(supervised.sum()) for _, supervised in pairs])
        yield from zip(rows, np.split(losses, borders[:-1]), strict=True)
        progress.advance(sum(len(ids) for ids, _ in pairs))
