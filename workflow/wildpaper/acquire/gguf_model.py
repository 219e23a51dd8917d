"""From a model in GGUF to the files of Hugging Face: configuration, weights, tokenizer."""

import json
import struct
from pathlib import Path
from typing import Any

import gguf as gguf_files
import torch
import transformers

from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file, write_text
from wildpaper.train.model import quieten, save_model

_DROPPED = ("quantization_config", "_name_or_path", "_model_name_or_path")
_PARTED_FIRST = {"smollm": [{"type": "Digits", "individual_digits": True}]}
"""What a tokenizer parts a text at before bytes, by GGUF's name for it; transformers passes over
it. All names: llama.cpp, src/llama-vocab.cpp."""


def convert_gguf(gguf: Path, weights: Path, config: Path, tokenizer: Path, sha256: str) -> None:
    """Convert a Llama model, its quantised weights to bf16.

    Parameters
    ----------
    gguf : Path
        The model.
    weights, config, tokenizer : Path
        To write in one folder: ``model.safetensors``, ``config.json``, ``tokenizer.json``.
    sha256 : str
        Of the file, as the registry has it.

    Raises
    ------
    WildpaperError
        If the file is another one, or no model of that kind.

    Notes
    -----
    Transformers reads the file (package gguf). Its special tokens stay in the vocabulary
    and are parsed out of no text: templates place them by their ids.
    """
    if sha256_file(gguf) != sha256:
        raise WildpaperError(
            "The file is not the one that data/models.yaml names: its checksum differs",
            where=str(gguf),
            hint="Remove it and run 'make smollm2'.",
        )
    quieten()
    where = {"gguf_file": gguf.name, "local_files_only": True}
    folder = str(gguf.parent.resolve())
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, **where
        )
        fast = transformers.AutoTokenizer.from_pretrained(folder, **where)
        first = _parted_first(gguf)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise WildpaperError(
            f"Cannot read the model: {str(error).splitlines()[0]}", where=str(gguf)
        ) from error
    plain = {k: v for k, v in model.config.to_dict().items() if k not in _DROPPED}
    copy = type(model)(type(model.config)(**plain))
    copy.load_state_dict(model.state_dict())
    save_model(copy.to(torch.bfloat16), weights, config)
    write_text(tokenizer, plain_tokenizer(fast.backend_tokenizer.to_str(), first))


def _parted_first(gguf: Path) -> list[dict[str, Any]]:
    """Return what the tokenizer of a file parts a text at first."""
    field = gguf_files.GGUFReader(gguf).get_field("tokenizer.ggml.pre")
    kind = str(field.contents()) if field else ""
    if kind not in _PARTED_FIRST:
        raise WildpaperError(
            f"Its tokenizer is of a kind that is not known here: {kind!r}",
            where=str(gguf),
            hint=f"Known: {', '.join(_PARTED_FIRST)}.",
        )
    return _PARTED_FIRST[kind]


def plain_tokenizer(text: str, first: list[dict[str, Any]]) -> str:
    """Return a ``tokenizer.json`` that adds nothing to texts and parses nothing out of them.

    Parameters
    ----------
    text : str
        A ``tokenizer.json``.
    first : list of dict
        Pre-tokenizers to put before its own.
    """
    about = json.loads(text)
    about |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
    parts = [*first, about["pre_tokenizer"]]
    about["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": parts}
    return json.dumps(about, ensure_ascii=False) + "\n"
