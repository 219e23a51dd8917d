"""Turn a checkpoint of Detoxify's into a folder of safetensors, once."""

import logging
from pathlib import Path

from safetensors.torch import save_file

from wildpaper.annotate.detoxify.checkpoint import load_detoxify, token_limit
from wildpaper.annotate.detoxify.converted import ABOUT, CHECKED, About
from wildpaper.annotate.small_models.tokenizer import write_tokenizer
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, sha256_file, write_json, write_text

_LOG = logging.getLogger("wildpaper")


def convert_detoxify(
    checkpoint: Path,
    weights: Path,
    model_config: Path,
    tokenizer: Path,
    tokenizer_config: Path,
    about: Path,
) -> None:
    """Write a checkpoint as safetensors; the same checkpoint gives the same bytes.

    Parameters
    ----------
    checkpoint : Path
        In Detoxify's format; the folder that it names stands beside it.
    weights, model_config, tokenizer, tokenizer_config, about : Path
        To write: ``model.safetensors``, ``config.json``, ``tokenizer.json``,
        ``tokenizer_config.json`` and ``detoxify.json``, in one folder. The last is written
        last: it holds the checksums of the others.

    Raises
    ------
    WildpaperError
        If the checkpoint cannot be used, or the outputs stand apart.
    """
    files = [weights, model_config, tokenizer, tokenizer_config, about]
    _check_names(files)
    if checkpoint.is_dir() or checkpoint.name == ABOUT:
        raise WildpaperError(
            "The model is converted already",
            where=str(checkpoint),
            hint="Use the folder as it is.",
        )
    classifier = load_detoxify(checkpoint)
    model, pieces = classifier.model, classifier.tokenizer
    about.unlink(missing_ok=True)
    with atomic_path(weights) as temporary:
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(state, temporary, metadata={"format": "pt"})
    write_text(model_config, model.config.to_json_string())
    write_tokenizer(pieces, [tokenizer, tokenizer_config])
    written = About(
        source=checkpoint.name,
        source_sha256=sha256_file(checkpoint),
        model=type(model).__name__,
        tokenizer=type(pieces).__name__,
        class_names=tuple(classifier.class_names),
        max_tokens=token_limit(classifier),
        sha256={path.name: sha256_file(path) for path in files[:-1]},
    )
    write_json(about, written.model_dump(mode="json"))
    _LOG.info("Converted %s, SHA-256 %s", checkpoint.name, written.source_sha256)


def _check_names(files: list[Path]) -> None:
    wanted = [*CHECKED, ABOUT]
    if [file.name for file in files] != wanted or len({file.parent for file in files}) != 1:
        raise WildpaperError(
            f"The files of a converted model must be {', '.join(wanted)}, in one folder",
            where=str(files[0].parent),
            hint="They are found by these names; mend the outputs of the rule.",
        )
