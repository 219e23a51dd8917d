"""A model of Detoxify as safetensors: one folder, with the checksums of its files.

``model.safetensors`` and ``config.json`` hold the model, ``tokenizer.json`` and
``tokenizer_config.json`` the tokenizer, ``detoxify.json`` (`About`) the rest. Nothing in it
can bring code along, and nothing of a machine's paths is in it.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
import transformers
from detoxify import Detoxify  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import safe_open

from wildpaper.annotate.detoxify.checks import (
    MODEL_KIND,
    TOKENIZER_KIND,
    check_loaded,
    quiet_transformers,
    unusable,
)
from wildpaper.annotate.small_models.tokenizer import FILES as TOKENIZER_FILES
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file

WEIGHTS, CONFIG, ABOUT = "model.safetensors", "config.json", "detoxify.json"
CHECKED = (WEIGHTS, CONFIG, *TOKENIZER_FILES)
"""The files whose checksums ``detoxify.json`` holds."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class About(BaseModel):
    """What ``detoxify.json`` says of the folder.

    Attributes
    ----------
    source, source_sha256 : str
        Name and checksum of the checkpoint that was converted.
    model, tokenizer : str
        Their classes in transformers.
    class_names : tuple of str
        The heads, in the order of the model's outputs.
    max_tokens : int
        After how many tokens, with the two at the ends, a text is cut.
    sha256 : dict
        Checksum of each file in `CHECKED`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    source_sha256: Sha256
    model: Annotated[str, Field(pattern=rf"^\w+{MODEL_KIND}$")]
    tokenizer: Annotated[str, Field(pattern=rf"^\w+{TOKENIZER_KIND}(Fast)?$")]
    class_names: Annotated[tuple[str, ...], Field(min_length=1)]
    max_tokens: Annotated[int, Field(gt=2)]
    sha256: dict[str, Sha256]


def converted_folder(path: Path) -> Path | None:
    """Return the folder if `path` is one, or is the ``detoxify.json`` in it; else None."""
    if path.is_dir():
        return path
    return path.parent if path.name == ABOUT else None


def read_about(folder: Path) -> About:
    """Read ``detoxify.json``.

    Raises
    ------
    WildpaperError
        If it is absent, or not of the form of `About`.
    """
    path = folder / ABOUT
    try:
        about = About.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise unusable(folder, f"the folder has no {ABOUT}") from None
    except (OSError, ValidationError) as error:
        raise unusable(path, f"{type(error).__name__} while reading it") from error
    if set(about.sha256) != set(CHECKED):
        raise unusable(path, "it does not hold the checksum of each file")
    return about


def load_converted(folder: Path, device: str = "cpu") -> Any:
    """Load a converted model.

    Parameters
    ----------
    folder : Path
        As `wildpaper.annotate.detoxify.convert.convert_detoxify` writes it.
    device : str
        A device of torch: ``cpu``, ``cuda``.

    Returns
    -------
    detoxify.Detoxify
        Scores are those of the checkpoint, bit for bit.

    Raises
    ------
    WildpaperError
        If a file is absent or is not the one that was written, or the model lacks what
        `wildpaper.annotate.detoxify.checks.check_loaded` asks for.

    Notes
    -----
    Detoxify itself reads checkpoints only; its object is filled by hand here. Weights are
    copied out of the file's pages: there they begin at any byte, and sums over numbers that
    are aligned otherwise may differ in the last bit.
    """
    folder = folder.resolve()
    about = read_about(folder)
    _check_files(folder, about)
    model_class, tokenizer_class = (_named(name, folder) for name in (about.model, about.tokenizer))
    classifier = Detoxify.__new__(Detoxify)
    try:
        with quiet_transformers():
            classifier.model = model_class.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
            classifier.tokenizer = tokenizer_class.from_pretrained(folder, local_files_only=True)
        with safe_open(folder / WEIGHTS, framework="pt") as weights:
            saved = set(weights.keys())
    except Exception as error:  # a forged folder fails in many ways, all of them the user's to mend
        raise unusable(folder, f"{type(error).__name__} while loading it") from error
    for tensor in (*classifier.model.parameters(), *classifier.model.buffers()):
        tensor.data = tensor.data.clone()
    classifier.class_names = list(about.class_names)
    check_loaded(folder, classifier, saved)
    if classifier.tokenizer.model_max_length != about.max_tokens:
        raise unusable(folder, f"its tokenizer does not cut at {about.max_tokens} tokens")
    classifier.device = device
    classifier.model.to(device).eval()
    return classifier


def _named(name: str, folder: Path) -> Any:
    """Return the class of transformers of that name."""
    found = getattr(transformers, name, None)
    if found is None:
        raise unusable(folder / ABOUT, f"transformers has no {name}")
    return found


def _check_files(folder: Path, about: About) -> None:
    for name, expected in about.sha256.items():
        try:
            obtained = sha256_file(folder / name)
        except OSError as error:
            raise unusable(folder, f"its file {name} cannot be read") from error
        if obtained != expected:
            raise WildpaperError(
                f"The file {name} is not the one that was written: expected SHA-256 "
                f"{expected}, obtained {obtained}",
                where=str(folder),
                hint="It is damaged or was changed. Delete the folder and convert the "
                "checkpoint again.",
            )
