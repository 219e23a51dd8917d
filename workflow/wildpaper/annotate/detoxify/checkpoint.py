"""Checkpoints in Detoxify's own format: written by us, loaded by ``detoxify.Detoxify``.

Such a checkpoint is a torch file ``{"config": ..., "state_dict": ...}``. Its config
names, under ``arch.args``, the classes of transformers and a folder with the model's
``config.json`` and the tokenizer. Here that folder (`model_type`) is relative to the
folder of the checkpoint, so the files can be moved together and hold no path of a
machine. A published checkpoint is used the same way: beside
``multilingual_debiased-0b549669.ckpt`` stands a folder ``xlm-roberta-base``, as its
config says, with ``config.json``, ``tokenizer.json`` and ``tokenizer_config.json``.

A checkpoint that was converted to safetensors (`wildpaper.annotate.detoxify.converted`) is
read too.
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
from detoxify import Detoxify  # type: ignore[import-untyped]

from wildpaper.annotate.detoxify.checks import (
    MODEL_KIND,
    check_loaded,
    quiet_transformers,
    unusable,
)
from wildpaper.annotate.detoxify.converted import converted_folder, load_converted, read_about
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, sha256_file

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
        A file in Detoxify's format, with the folder that it names beside it; or a folder of
        safetensors, or the ``detoxify.json`` in it.
    device : str
        A device of torch: ``cpu``, ``cuda``.

    Returns
    -------
    detoxify.Detoxify
        Ready to predict, in 32 bits; ``class_names`` has all of `DETOXIFY_HEADS`, those of
        `OPTIONAL_HEADS` excepted, under the names that Detoxify gives them, and may have
        more.

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
    folder = converted_folder(checkpoint)
    if folder is not None:
        return load_converted(folder, device)
    checkpoint = checkpoint.resolve()
    try:
        with _weights_only(), contextlib.chdir(checkpoint.parent):
            saved = torch.load(checkpoint, map_location="cpu", mmap=zipfile.is_zipfile(checkpoint))
            _check_files(checkpoint, saved)
            with quiet_transformers():
                classifier = Detoxify(checkpoint=str(checkpoint), device=device)
    except WildpaperError:
        raise
    except Exception as error:  # a damaged file fails in many ways, all of them the user's to mend
        raise unusable(checkpoint, f"{type(error).__name__} while loading it") from error
    classifier.model.float().eval()
    check_loaded(checkpoint, classifier, set(saved["state_dict"]))
    return classifier


def annotator_name(checkpoint: Path) -> str:
    """Return the versioned name of the annotator: Detoxify's version, the file's checksum.

    A converted model has the name of the checkpoint that it was converted from.
    """
    folder = converted_folder(checkpoint)
    found = sha256_file(checkpoint) if folder is None else read_about(folder).source_sha256
    return f"detoxify-{importlib.metadata.version('detoxify')}-{found[:8]}"


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
        raise unusable(checkpoint, "it is not in Detoxify's format") from error
    if not model.endswith(MODEL_KIND) or not n_weights:
        raise unusable(checkpoint, "it holds no model that classifies sequences")
    if not Path(folder, "config.json").is_file():
        raise WildpaperError(
            f"The checkpoint needs a folder {folder!r} beside it",
            where=str(checkpoint),
            hint="Put config.json, tokenizer.json and tokenizer_config.json of that model there.",
        )
