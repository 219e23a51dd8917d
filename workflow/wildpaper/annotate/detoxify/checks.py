"""What every model of Detoxify must have, whichever form its files have."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import transformers

from wildpaper.errors import WildpaperError
from wildpaper.schema import DETOXIFY_HEADS, OPTIONAL_HEADS

MAX_TOKENS = 512
"""Tokens of a text that Detoxify's published models read."""

MODEL_KIND, TOKENIZER_KIND = "ForSequenceClassification", "Tokenizer"
"""How the names of the classes of transformers end that a file may ask for."""


def check_loaded(path: Path, classifier: Any, saved: set[str]) -> None:
    """Refuse a model that would score at random, lacks heads, or never cuts a text.

    Parameters
    ----------
    path : Path
        Where it was read from, for the error.
    classifier : detoxify.Detoxify
        As loaded.
    saved : set of str
        Names of the weights that were read.

    Raises
    ------
    WildpaperError
        If weights or heads are missing (those of `OPTIONAL_HEADS` may be), a head has no
        output, or the tokenizer does not say where to cut.
    """
    missing = sorted(set(dict(classifier.model.named_parameters())) - saved)
    if missing:
        raise unusable(path, f"{len(missing)} weights are not in it, {missing[0]} the first")
    wanted = [head for head in DETOXIFY_HEADS if head not in OPTIONAL_HEADS]
    heads = sorted(set(wanted) - set(classifier.class_names))
    if heads:
        raise unusable(path, f"it lacks the heads {', '.join(heads)}")
    n_outputs, n_names = classifier.model.config.num_labels, len(classifier.class_names)
    if n_names > n_outputs or len(set(classifier.class_names)) < n_names:
        raise unusable(path, f"it names {n_names} heads and has {n_outputs} outputs")
    limit = int(classifier.tokenizer.model_max_length)
    if limit > classifier.model.config.max_position_embeddings:
        raise WildpaperError(
            "The tokenizer of the checkpoint does not say where it cuts long texts",
            where=str(path),
            hint=f'Set "model_max_length": {MAX_TOKENS} in its tokenizer_config.json.',
        )


def unusable(path: Path, problem: str) -> WildpaperError:
    """Return the error for a file that is no model of Detoxify's."""
    return WildpaperError(
        f"Cannot use the Detoxify checkpoint: {problem}",
        where=str(path),
        hint="Use a checkpoint with the heads of Detoxify's multilingual model, a folder that "
        "was converted from one, or leave annotate.detoxify.checkpoint out; a simulated run "
        "then trains a small one.",
    )


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' notes on loading, with their progress bar, off the terminal."""
    logging = transformers.utils.logging
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
