"""Checkpoints in Detoxify's own format: written by us, loaded by ``detoxify.Detoxify``.

Such a checkpoint is a torch file ``{"config": ..., "state_dict": ...}``. Its config
names, under ``arch.args``, the classes of transformers and a folder with the model's
``config.json`` and the tokenizer. Here that folder (`model_type`) is relative to the
folder of the checkpoint, so the files can be moved together and hold no path of a
machine. A published checkpoint is used the same way: beside
``multilingual_debiased-0b549669.ckpt`` stands a folder ``xlm-roberta-base``, as its
config says, with ``config.json``, ``tokenizer.json`` and ``tokenizer_config.json``.
"""

import contextlib
import importlib.metadata
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from detoxify import Detoxify  # type: ignore[import-untyped]

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, sha256_file
from wildpaper.schema import DETOXIFY_HEADS

HEADS_OF_DETOXIFY = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "identity_attack",
    "insult",
    "threat",
    "sexual_explicit",
)
"""The heads in the order of Detoxify's multilingual model; the tables have their own."""

MAX_TOKENS = 512
"""Tokens of a text that Detoxify's multilingual model reads."""

_FORCE, _FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def write_checkpoint(
    checkpoint: Path, state: Mapping[str, torch.Tensor], folder: Path, model: str, tokenizer: str
) -> None:
    """Write a checkpoint; the same tensors give the same bytes.

    Parameters
    ----------
    checkpoint : Path
        Where to.
    state : mapping of str to torch.Tensor
        The weights by their names in the model.
    folder : Path
        Where ``config.json`` and the tokenizer stand, at or below the checkpoint's folder.
    model, tokenizer : str
        Their classes in transformers.
    """
    arguments = {
        "model_type": folder.resolve().relative_to(checkpoint.parent.resolve()).as_posix(),
        "model_name": model,
        "tokenizer_name": tokenizer,
        "num_classes": len(HEADS_OF_DETOXIFY),
    }
    config = {
        "dataset": {"args": {"classes": list(HEADS_OF_DETOXIFY)}},
        "arch": {"args": arguments},
    }
    # torch names the folder inside the archive after a file that it opens itself.
    buffer = io.BytesIO()
    torch.save({"config": config, "state_dict": dict(state)}, buffer)
    with atomic_path(checkpoint) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_detoxify(checkpoint: Path, device: str = "cpu") -> Any:
    """Load a checkpoint with Detoxify itself, without the network and without pickled code.

    Parameters
    ----------
    checkpoint : Path
        In Detoxify's format; the folder that it names stands beside it.
    device : str
        A device of torch: ``cpu``, ``cuda``.

    Returns
    -------
    detoxify.Detoxify
        Ready to predict; ``class_names`` has all of `DETOXIFY_HEADS`.

    Raises
    ------
    WildpaperError
        If a file is absent or damaged, if it holds more than tensors and plain values,
        if weights or heads are missing, or the tokenizer does not say where to cut.

    Notes
    -----
    Detoxify asks torch for ``weights_only=False``, which runs whatever code a file
    brings along; the environment switch of torch overrules it. A model whose weights
    are not all in the file would score at random, so names are compared.
    """
    checkpoint = checkpoint.resolve()
    try:
        with _weights_only(), contextlib.chdir(checkpoint.parent):
            saved = torch.load(checkpoint, map_location="cpu", mmap=zipfile.is_zipfile(checkpoint))
            _check_files(checkpoint, saved)
            with _quiet_transformers():
                classifier = Detoxify(checkpoint=str(checkpoint), device=device)
    except WildpaperError:
        raise
    except Exception as error:  # a damaged file fails in many ways, all of them the user's to mend
        raise _unusable(checkpoint, f"{type(error).__name__} while loading it") from error
    classifier.model.eval()
    _check_loaded(checkpoint, classifier, set(saved["state_dict"]))
    return classifier


def annotator_name(checkpoint: Path) -> str:
    """Return the versioned name of the annotator: Detoxify's version, the file's checksum."""
    return f"detoxify-{importlib.metadata.version('detoxify')}-{sha256_file(checkpoint)[:8]}"


def token_limit(classifier: Any) -> int:
    """Return after how many tokens, with the two at the ends, Detoxify cuts a text."""
    return int(classifier.tokenizer.model_max_length)


@contextlib.contextmanager
def _weights_only() -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in (_FORCE, _FORCE_NOT)}
    os.environ[_FORCE] = "1"
    try:
        yield
    finally:
        del os.environ[_FORCE]
        os.environ.update({name: value for name, value in before.items() if value is not None})


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
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


def _check_files(checkpoint: Path, saved: Any) -> None:
    """Refuse a checkpoint of another form, or one whose folder is not beside it."""
    try:
        arguments = saved["config"]["arch"]["args"]
        folder, model = arguments["model_type"], arguments["model_name"]
        names = [arguments["tokenizer_name"], *saved["config"]["dataset"]["args"]["classes"]]
        if not all(isinstance(name, str) for name in (folder, model, *names)):
            raise TypeError("a name is not a string")
        n_weights = len(saved["state_dict"])
    except (KeyError, TypeError) as error:
        raise _unusable(checkpoint, "it is not in Detoxify's format") from error
    if not model.endswith("ForSequenceClassification") or not n_weights:
        raise _unusable(checkpoint, "it holds no model that classifies sequences")
    if not Path(folder, "config.json").is_file():
        raise WildpaperError(
            f"The checkpoint needs a folder {folder!r} beside it",
            where=str(checkpoint),
            hint="Put config.json, tokenizer.json and tokenizer_config.json of that model there.",
        )


def _check_loaded(checkpoint: Path, classifier: Any, saved: set[str]) -> None:
    missing = sorted(set(dict(classifier.model.named_parameters())) - saved)
    if missing:
        raise _unusable(checkpoint, f"{len(missing)} weights are not in it, {missing[0]} the first")
    heads = sorted(set(DETOXIFY_HEADS) - set(classifier.class_names))
    if heads:
        raise _unusable(checkpoint, f"it lacks the heads {', '.join(heads)}")
    limit = token_limit(classifier)
    if limit > classifier.model.config.max_position_embeddings:
        raise WildpaperError(
            "The tokenizer of the checkpoint does not say where it cuts long texts",
            where=str(checkpoint),
            hint=f'Set "model_max_length": {MAX_TOKENS} in its tokenizer_config.json.',
        )


def _unusable(checkpoint: Path, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot use the Detoxify checkpoint: {problem}",
        where=str(checkpoint),
        hint="Use a checkpoint with the heads of Detoxify's multilingual model, or leave "
        "annotate.detoxify.checkpoint out; the workflow then trains a small one.",
    )
