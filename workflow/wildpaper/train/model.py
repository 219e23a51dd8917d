"""Models: made, loaded, checked and saved."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, scratch_folder
from wildpaper.train.hardware import resolve
from wildpaper.train.recipe import SCRATCH, Recipe
from wildpaper.train.settings import Architecture, HardwareSettings
from wildpaper.train.speed import cpu_in_words
from wildpaper.train.template import Template

_GB = 1e9


def quieten() -> None:
    """Keep the libraries from printing, from bars and from reporting home."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def check_hardware(hardware: HardwareSettings, folder: Path) -> str:
    """Check that the machine can run a recipe; return what it is, in words.

    Raises
    ------
    WildpaperError
        If a GPU, its memory or disk is lacking; says how much there is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free_gb = shutil.disk_usage(folder).free / _GB
    if free_gb < hardware.min_disk_gb:
        raise WildpaperError(
            f"The recipe needs {hardware.min_disk_gb:g} GB of disk, {free_gb:.1f} GB are free",
            where=str(folder),
            hint="Free some, or lower hardware.min_disk_gb in the recipe.",
        )
    if resolve(hardware.device) == "cpu":
        return cpu_in_words(hardware.n_threads)
    return _check_gpus(hardware)


def _check_gpus(hardware: HardwareSettings) -> str:
    hint = "Choose the recipe 'tiny' (config key train.recipe), or run on a machine that has it."
    n_found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if n_found < hardware.n_gpus:
        raise WildpaperError(f"The recipe needs {hardware.n_gpus} GPUs, {n_found} found", hint=hint)
    properties = torch.cuda.get_device_properties(0)
    if properties.total_memory / _GB < hardware.min_gpu_memory_gb:
        raise WildpaperError(
            f"The recipe needs {hardware.min_gpu_memory_gb:g} GB of GPU memory, "
            f"{properties.name} has {properties.total_memory / _GB:.1f} GB",
            hint=hint,
        )
    return f"{hardware.n_gpus}x {properties.name}"


def build_model(recipe: Recipe, template: Template, base: Path | None = None) -> Any:
    """Return the model that a recipe starts from, in float32.

    Parameters
    ----------
    recipe : Recipe
    template : Template
        Knows the tokens.
    base : Path, optional
        Weights of a pretrained base on this machine; default is what the recipe names.

    Raises
    ------
    WildpaperError
        If a pretrained base cannot be loaded, has another vocabulary, or is not what the
        recipe says it is.
    """
    if recipe.base == SCRATCH:
        return _from_scratch(recipe, template)
    # from_pretrained takes no relative folder for one that might be a repository of the hub
    where = str(base.parent.resolve()) if base else recipe.base
    model = load_model(where, None if base else recipe.base_revision)
    if model.config.vocab_size < template.n_pieces:
        raise WildpaperError(
            f"The base knows {model.config.vocab_size} tokens, the tokenizer "
            f"{template.n_pieces}: they do not belong together",
            where=recipe.base,
            hint="Choose a base that has the tokenizer which the recipe names.",
        )
    if recipe.architecture:
        _compare(recipe.architecture, model.config, recipe.base)
    return model


def _from_scratch(recipe: Recipe, template: Template) -> Any:
    shape = recipe.architecture
    assert shape is not None  # noqa: S101 - a recipe from scratch has one
    config = transformers.LlamaConfig(
        vocab_size=template.n_pieces,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_key_value_heads or shape.n_heads,
        max_position_embeddings=recipe.data.max_length,
        tie_word_embeddings=shape.tied_embeddings,
        bos_token_id=template.header[0],
        eos_token_id=template.end_id,
        pad_token_id=0,
    )
    return transformers.LlamaForCausalLM(config)


def _compare(stated: Architecture, config: Any, base: str) -> None:
    """Check that a base is what the recipe says: its plan rests on that."""
    found = {
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "n_layers": config.num_hidden_layers,
        "n_heads": config.num_attention_heads,
        "n_key_value_heads": config.num_key_value_heads,
        "n_vocabulary": config.vocab_size,
        "tied_embeddings": config.tie_word_embeddings,
    }
    wrong = [
        f"{name} {found[name]} instead of {value}"
        for name, value in stated.model_dump(exclude_none=True).items()
        if found[name] != value
    ]
    if wrong:
        raise WildpaperError(
            f"The base is not what the recipe says: {', '.join(wrong)}",
            where=base,
            hint="Correct the section architecture of the recipe.",
        )


def load_model(base: str, revision: str | None = None) -> Any:
    """Return a causal language model from a folder or the hub; weights in safetensors only.

    Raises
    ------
    WildpaperError
        If it is not there, has no weights in safetensors, or not all that it needs.
    """
    local = base.startswith(("/", ".")) or Path(base).is_dir()
    try:
        model, about = transformers.AutoModelForCausalLM.from_pretrained(
            base,
            revision=revision or "main",
            use_safetensors=True,
            local_files_only=local,
            dtype=torch.float32,
            output_loading_info=True,
        )
        if about["missing_keys"]:  # transformers would begin with random ones
            raise ValueError(f"It has no weights {sorted(about['missing_keys'])[0]}")
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise WildpaperError(
            f"Cannot load the model: {str(error).splitlines()[0]}",
            where=base,
            hint="The folder must hold config.json and model.safetensors; models on the hub may "
            "need the network, accepted terms and HF_TOKEN.",
        ) from error
    return model


def save_model(model: Any, weights: Path, config: Path) -> None:
    """Write weights (safetensors, one file) and ``config.json``, both atomically."""
    with scratch_folder(weights.parent, "model") as folder:
        model.save_pretrained(folder, max_shard_size="10TB")
        for path, name in ((weights, "model.safetensors"), (config, "config.json")):
            with atomic_path(path) as temporary:
                Path(folder, name).replace(temporary)
                temporary.chmod(0o644)  # safetensors makes files that only their owner reads
