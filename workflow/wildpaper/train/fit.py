"""Fit a model to examples, with transformers' own Trainer."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from wildpaper.files import scratch_folder
from wildpaper.progress import Progress
from wildpaper.train.attention import use_packed_attention
from wildpaper.train.examples import Examples
from wildpaper.train.loss import summed_loss
from wildpaper.train.packing import IGNORED, Batch, micro_batches, pack
from wildpaper.train.recipe import Recipe
from wildpaper.train.settings import (
    AdapterSettings,
    HardwareSettings,
    HeldOutSettings,
    OptimiserSettings,
)
from wildpaper.train.watch import Watch


@dataclass(frozen=True, slots=True)
class How:
    """How a model is fitted: sections of a recipe."""

    optimiser: OptimiserSettings
    hardware: HardwareSettings
    held_out: HeldOutSettings
    adapter: AdapterSettings | None
    checkpoint_steps: int


def how_of(recipe: Recipe, optimiser: OptimiserSettings | None = None) -> How:
    """Return how a recipe fits its models, or others with an optimiser of their own."""
    return How(
        optimiser or recipe.optimiser, recipe.hardware, recipe.held_out, recipe.adapter,
        recipe.checkpoint_steps,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model, and what was seen on the way."""

    model: Any
    watch: Watch
    seconds: float


def fit(
    build: Callable[[], Any],
    data: Examples,
    apart: Examples,
    order: list[int],
    how: How,
    name: str,
    seed: int,
    folder: Path,
) -> Fitted:
    """Fit a model; on a CPU with one thread the same input gives the same weights.

    Parameters
    ----------
    build : callable
        Returns the model to start from; random weights are drawn from `seed`.
    data, apart : Examples
        To train on; held out (may be none).
    order : list of int
        Examples of `data`, step after step: `wildpaper.train.order.training_order`.
    how : How
    name : str
        In logs.
    seed : int
    folder : Path
        Where checkpoints stand as long as the fitting is not finished.
    """
    torch.set_num_threads(how.hardware.n_threads)
    transformers.set_seed(seed)
    net = build()
    use_packed_attention(net)
    optimiser = how.optimiser
    steps = micro_batches(data.lengths, order, optimiser.batch, optimiser.micro_batch_tokens, 1)
    by_step = [sum(int(data.lengths[group].sum()) for group in step if group) for step in steps]
    progress = Progress(f"{name}: training", sum(by_step), "tokens")
    watch = Watch(how.held_out, apart, optimiser.micro_batch_tokens, by_step, progress)
    with scratch_folder(folder, "trainer") as scratch:
        trainer = _Trainer(
            model=net,
            args=_arguments(how, len(steps), len(steps[0]), seed, str(scratch)),
            data_collator=lambda items: items[0],
            train_dataset=_MicroBatches(data, steps),
            callbacks=[watch],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        watch.trainer = trainer
        started = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - started
        watch.log_summary(name, seconds)
    return Fitted(net, watch, seconds)


class _MicroBatches:
    """Micro-batches, step after step."""

    def __init__(self, examples: Examples, steps: list[list[list[int]]]) -> None:
        self.examples = examples
        self.groups = [group for step in steps for group in step]
        self.filler = steps[0][0][:1]

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, place: int) -> Batch:
        group = self.groups[place]
        batch = pack([self.examples.one(i) for i in group or self.filler])
        if not group:
            batch["labels"] = torch.full_like(batch["labels"], IGNORED)
        return batch


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


def _arguments(how: How, n_steps: int, n_micro_batches: int, seed: int, scratch: str) -> Any:
    """Return what the Trainer is told."""
    optimiser, hardware = how.optimiser, how.hardware
    arguments = transformers.TrainingArguments(
        output_dir=scratch,
        use_cpu=hardware.device == "cpu",
        bf16=hardware.precision == "bf16",
        activation_checkpointing=hardware.gradient_checkpointing,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=n_micro_batches,
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
