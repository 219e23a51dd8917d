"""The sentence encoder: loaded from a package, a folder or the hub, by sentence-transformers."""

import importlib
import importlib.metadata
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# huggingface_hub reads this when it is imported
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import huggingface_hub
import numpy as np
import torch
import transformers
from sentence_transformers import SentenceTransformer

from wildpaper.annotate.embeddings.encoder import PACKAGE, Encoder, Vectors
from wildpaper.annotate.model_files import find_model
from wildpaper.errors import WildpaperError

_CHARACTERS_A_TOKEN = 100
_TEXTS_AT_ONCE = 1_000
_KEY = "annotate.embedding.model"


def load_encoder(model: str = PACKAGE, revision: str | None = None, device: str = "cpu") -> Encoder:
    """Load a sentence encoder; weights in safetensors only, no code that comes with them.

    Parameters
    ----------
    model : str
        `PACKAGE`, a folder, or a repository of the hub.
    revision : str, optional
        Commit of the repository; default the newest. Otherwise left aside.
    device : str
        A device of torch: ``cpu``, on one core, or ``cuda``.

    Raises
    ------
    WildpaperError
        If it cannot be had or loaded, or there is no such device.

    Notes
    -----
    Of a very long text only as many characters are looked at as the model reads tokens,
    times 100: the rest is cut off anyway.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise WildpaperError(f"There is no device {device!r} here", hint="Compute on 'cpu'.")
    _quieten()
    torch.set_num_threads(1)
    folder, name = _package() if model == PACKAGE else find_model(model, revision, _KEY)
    try:
        loaded = SentenceTransformer(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True, "dtype": torch.float32},
        )
        width = int(loaded.get_embedding_dimension() or 0)
        encoder = Encoder(name, width, *_functions(loaded))
        encoder.encode(["a"])
    except Exception as error:  # a damaged folder fails in many ways, all the user's to mend
        raise _unusable(model, f"{type(error).__name__}: {_first_line(error)}") from error
    return encoder


def _functions(
    loaded: SentenceTransformer,
) -> tuple[Callable[[list[str]], list[int]], Callable[[list[str]], Vectors]]:
    longest = loaded.max_seq_length
    n_characters = longest * _CHARACTERS_A_TOKEN if longest else None

    def lengths(texts: list[str]) -> list[int]:
        found = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            cut = [text[:n_characters] for text in texts[start : start + _TEXTS_AT_ONCE]]
            ids = loaded.tokenizer(cut, truncation=bool(longest), max_length=longest)["input_ids"]
            found += [len(tokens) for tokens in ids]
        return found

    def encode(texts: list[str]) -> Vectors:
        found = loaded.encode(
            [text[:n_characters] for text in texts],
            batch_size=len(texts),
            show_progress_bar=False,
            normalize_embeddings=True,
        )
        return np.asarray(found, np.float32)

    return lengths, encode


def _package() -> tuple[Path, str]:
    """Return the folder and the versioned name of the model in the installed package."""
    try:
        package: Any = importlib.import_module(PACKAGE.replace("-", "_"))
    except ImportError as error:
        raise _unusable(PACKAGE, "the package is not installed") from error
    return Path(package.get_model_path()), f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}"


def _quieten() -> None:
    """Keep the libraries from printing and from drawing bars."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    huggingface_hub.utils.disable_progress_bars()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")


def _unusable(model: str, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot load the sentence encoder {model!r}: {problem}",
        where=f"config key {_KEY}",
        hint=f"Use {PACKAGE!r}, a folder in the format of sentence-transformers with weights in "
        "safetensors, or a repository of the hub, which needs the network and may need HF_TOKEN.",
    )
