"""Fine-tune one model by a recipe, with transformers' own Trainer."""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from wildpaper.errors import WildpaperError
from wildpaper.files import scratch_folder, write_json
from wildpaper.progress import Progress
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.loss import IGNORED, collate, summed_loss
from wildpaper.train.model import build_model, check_hardware, quieten, save_model
from wildpaper.train.order import training_order
from wildpaper.train.recipe import Recipe, load_recipe
from wildpaper.train.template import Template
from wildpaper.train.watch import Watch


def train_model(
    examples: Path,
    held_out: Path,
    recipe: Path,
    tokenizer: Path,
    model: Path,
    config: Path,
    losses: Path,
    report: Path,
    model_name: str,
    seed: int,
) -> None:
    """Train a model; on a CPU the same input gives the same bytes.

    Parameters
    ----------
    examples, held_out : Path
        Of the model's data set, as `prepare_training` writes them.
    recipe, tokenizer : Path
    model, config : Path
        To write: ``model.safetensors`` and ``config.json``, in one folder.
    losses, report : Path
        To write: loss by step; what was trained on what, without any timing.
    model_name : str
        One of the recipe's models.
    seed : int
        Of the first weights and of the order of the examples.

    Raises
    ------
    WildpaperError
        If the recipe has no such model, there is nothing to train on, or the machine
        lacks what the recipe needs.
    """
    settings = load_recipe(recipe)
    if model_name not in settings.models:
        raise WildpaperError(
            f"The recipe has no model {model_name!r}",
            where=str(recipe),
            hint=f"It has: {', '.join(settings.models)}.",
        )
    quieten()
    model.parent.mkdir(parents=True, exist_ok=True)
    hardware = check_hardware(settings.hardware, model.parent)
    data, apart = read_examples(examples), read_examples(held_out)
    if not len(data):
        raise WildpaperError(
            f"There is no example to train {model_name} on",
            where=str(examples),
            hint="The report beside it says why; look at data.cutoff in the recipe.",
        )
    torch.set_num_threads(1)
    transformers.set_seed(seed)
    net = build_model(settings, Template(tokenizer))
    order = training_order(data.lengths.tolist(), settings.optimiser, seed, model_name)
    watch = _train(net, settings, data, apart, order, model_name, seed, model.parent)
    save_model(net, model, config)
    write_json(losses, {"model": model_name, **watch.recorded()})
    write_json(report, _report(net, settings, data, order, watch, model_name, seed, hardware))


class _Ordered:
    """Examples in a given order, with repetitions."""

    def __init__(self, examples: Examples, order: list[int]) -> None:
        self.examples, self.order = examples, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        return self.examples.one(self.order[place])


class _Trainer(transformers.Trainer):  # type: ignore[misc]  # transformers has no types
    """A Trainer whose loss needs no logits where there is nothing to learn."""

    batch_loss = 0.0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the sum over supervised tokens, divided by those of the whole step."""
        n_tokens = num_items_in_batch
        if n_tokens is None:
            n_tokens = (inputs["labels"][:, 1:] != IGNORED).sum()
        loss = summed_loss(model, inputs) / n_tokens
        self.batch_loss += float(loss.detach())
        return (loss, None) if return_outputs else loss


def _train(
    net: Any,
    recipe: Recipe,
    data: Examples,
    apart: Examples,
    order: list[int],
    name: str,
    seed: int,
    folder: Path,
) -> Watch:
    optimiser = recipe.optimiser
    lengths = data.lengths[order]
    n_steps = math.ceil(len(order) / optimiser.batch)
    by_step = [
        int(lengths[step * optimiser.batch : (step + 1) * optimiser.batch].sum())
        for step in range(n_steps)
    ]
    progress = Progress(f"{name}: training", sum(by_step), "tokens")
    watch = Watch(recipe.held_out, apart, optimiser.micro_batch, by_step, progress)
    with scratch_folder(folder, "trainer") as scratch:
        trainer = _Trainer(
            model=net,
            args=_arguments(recipe, n_steps, seed, str(scratch)),
            data_collator=collate,
            train_dataset=_Ordered(data, order),
            callbacks=[watch],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        watch.trainer = trainer
        started = time.monotonic()
        trainer.train()
        watch.log_summary(name, time.monotonic() - started)
    return watch


def _arguments(recipe: Recipe, n_steps: int, seed: int, scratch: str) -> Any:
    """Return what the Trainer is told."""
    optimiser, hardware = recipe.optimiser, recipe.hardware
    arguments = transformers.TrainingArguments(
        output_dir=scratch,
        use_cpu=hardware.device == "cpu",
        bf16=hardware.precision == "bf16",
        activation_checkpointing=hardware.gradient_checkpointing,
        per_device_train_batch_size=optimiser.micro_batch,
        gradient_accumulation_steps=optimiser.batch // optimiser.micro_batch,
        num_train_epochs=1,
        learning_rate=optimiser.learning_rate,
        lr_scheduler_type=_SCHEDULES[optimiser.schedule],
        warmup_steps=math.ceil(n_steps * optimiser.warmup),
        weight_decay=optimiser.weight_decay,
        max_grad_norm=optimiser.max_grad_norm,
        optim="adamw_torch",
        train_sampling_strategy="sequential",
        dataloader_pin_memory=hardware.device == "cuda",
        remove_unused_columns=False,
        seed=seed % 2**32,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # no DataParallel where a machine has more GPUs
    return arguments


_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def _report(
    net: Any,
    recipe: Recipe,
    data: Examples,
    order: list[int],
    watch: Watch,
    name: str,
    seed: int,
    hardware: str,
) -> dict[str, Any]:
    supervised = np.add.reduceat(data.supervised, data.starts[:-1], dtype=np.int64)
    return {
        "model": name,
        **recipe.models[name].model_dump(),
        "recipe": recipe.name,
        "base": recipe.base,
        "seed": seed,
        "n_parameters": sum(part.numel() for part in net.parameters()),
        "n_examples": len(data),
        "epochs": len(order) / len(data),
        "n_steps": len(watch.training),
        "n_tokens": int(data.lengths[order].sum()),
        "n_supervised_tokens": int(supervised[order].sum()),
        "hardware": hardware,
        "last": {"training": watch.training[-1], "held_out": watch.held_out[-1:]},
        "settings": recipe.model_dump(mode="json"),
    }
