"""transformers' own Trainer, told what a recipe says."""

import math
from pathlib import Path
from typing import Any

import torch
import transformers

from wildpaper.train.examples import Examples
from wildpaper.train.how import How
from wildpaper.train.launch import n_devices
from wildpaper.train.packing import IGNORED, Batch, pack

_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}

_SHARDED = {"state_dict_type": "SHARDED_STATE_DICT"}
"""Each GPU keeps its own part of a state: whole, a model of 7B would have to fit one."""


class MicroBatches:
    """Micro-batches, step after step."""

    def __init__(self, examples: Examples, steps: list[list[list[int]]]) -> None:
        self.examples = examples
        self.groups = [group for step in steps for group in step]
        self._filler = next(group for group in self.groups if group)[:1]

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, place: int) -> Batch:
        group = self.groups[place]
        batch = pack([self.examples.one(i) for i in group or self._filler])
        if not group:
            batch["labels"] = torch.full_like(batch["labels"], IGNORED)
        return batch


class PackedTrainer(transformers.Trainer):  # type: ignore[misc]  # transformers has no types
    """A Trainer for models whose forward pass returns the summed loss of a micro-batch."""

    batch_loss: Any = 0.0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the sum over supervised tokens, divided by those of the whole step.

        The step is that of all devices; gradients are averaged over them, hence the factor.
        """
        n_tokens = num_items_in_batch
        if n_tokens is None:
            n_tokens = (inputs["labels"][:, 1:] != IGNORED).sum()
        loss = model(**inputs) / n_tokens
        self.batch_loss = self.batch_loss + loss.detach().double()  # the GPU is not waited for
        loss = loss * self.accelerator.num_processes
        return (loss, None) if return_outputs else loss

    def step_loss(self) -> float:
        """Return the loss of the step so far, of all devices."""
        if self.accelerator.num_processes == 1:
            return float(self.batch_loss)
        return float(self.accelerator.gather(self.batch_loss.reshape(1)).sum())


def arguments_of(how: How, n_steps: int, n_micro_batches: int, seed: int, folder: Path) -> Any:
    """Return what the Trainer is told.

    Parameters
    ----------
    how : How
    n_steps, n_micro_batches : int
        Steps; micro-batches of each on one device.
    seed : int
    folder : Path
        Where states are kept every `how.checkpoint_steps` steps.
    """
    optimiser, hardware = how.optimiser, how.hardware
    on_gpu = hardware.device == "cuda"
    sharded = n_devices() > 1 and hardware.sharding == "fsdp-full"
    checkpointing = hardware.gradient_checkpointing
    # Sharding has a faster way to recompute. It renames layers, and peft then finds no weights
    # of the adapter to keep: who went on from such a state began with an empty one.
    by_sharding = sharded and not how.adapter
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        use_cpu=not on_gpu,
        bf16=hardware.precision == "bf16",
        tf32=True if on_gpu else None,
        activation_checkpointing=checkpointing and not by_sharding,
        fsdp=sharded,
        fsdp_config=_SHARDED | {"activation_checkpointing": checkpointing and by_sharding}
        if sharded
        else None,
        ddp_find_unused_parameters=False,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=n_micro_batches,
        num_train_epochs=1,
        learning_rate=optimiser.learning_rate,
        lr_scheduler_type=_SCHEDULES[optimiser.schedule],
        warmup_steps=math.ceil(n_steps * optimiser.warmup),
        weight_decay=optimiser.weight_decay,
        max_grad_norm=optimiser.max_grad_norm,
        optim="adamw_torch_fused" if on_gpu else "adamw_torch",
        train_sampling_strategy="sequential",
        dataloader_pin_memory=on_gpu,
        remove_unused_columns=False,
        label_names=["labels"],
        seed=seed % 2**32,
        logging_strategy="no",
        save_strategy="steps",
        save_steps=how.checkpoint_steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # no DataParallel where a machine has more GPUs
    return arguments
