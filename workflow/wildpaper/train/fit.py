"""Fit a model to examples, with transformers' own Trainer."""

import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate.state import GradientState
from transformers.initialization import no_init_weights

from wildpaper.errors import WildpaperError
from wildpaper.progress import Progress
from wildpaper.train.attention import use_packed_attention
from wildpaper.train.checkpoints import Checkpoints, checkpoints_of
from wildpaper.train.examples import Examples
from wildpaper.train.how import How
from wildpaper.train.launch import MemoryRanOut, is_first, n_devices
from wildpaper.train.lora import causal_model, merged, with_adapter
from wildpaper.train.loss import return_logits, return_losses
from wildpaper.train.packing import micro_batches
from wildpaper.train.speed import Speed, speed_of
from wildpaper.train.trainer import MicroBatches, PackedTrainer, arguments_of
from wildpaper.train.watch import Watch

_LOG = logging.getLogger("wildpaper")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model, what was seen on the way, and how fast it went."""

    model: Any
    watch: Watch
    speed: Speed


@dataclass(frozen=True, slots=True)
class _Task:
    """What is fitted to what."""

    build: Callable[[], Any]
    data: Examples
    apart: Examples
    order: list[int]
    how: How
    name: str
    seed: int
    checkpoints: Checkpoints


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
        Where states are kept as long as the fitting is not finished; one that was killed goes
        on from the last of them.

    Raises
    ------
    WildpaperError
        If memory runs out even with one example at a time.

    Notes
    -----
    Where a device runs out of memory, micro-batches are halved, and it goes on from the last
    state. The steps stay what they are.
    """
    torch.set_num_threads(how.hardware.n_threads)
    settings = how.settings() | {"seed": seed, "name": name, "torch": torch.__version__}
    settings["transformers"] = transformers.__version__
    checkpoints = checkpoints_of(folder, name, data, order, settings)
    checkpoints.open()
    task = _Task(build, data, apart, order, how, name, seed, checkpoints)
    longest = int(data.lengths[order].max())
    while True:
        max_tokens = checkpoints.micro_batch_tokens(how.optimiser.micro_batch_tokens)
        try:
            fitted = _attempt(task, max_tokens)
        except torch.OutOfMemoryError:
            checkpoints.keep_micro_batch_tokens(_halved(max_tokens, longest, name))
        else:
            if is_first():
                checkpoints.remove()
            return fitted
        if n_devices() > 1:  # the other processes wait for this one
            raise MemoryRanOut
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _halved(max_tokens: int, longest: int, name: str) -> int:
    """Return half as many tokens for a micro-batch, but no fewer than the longest example has."""
    if max_tokens <= longest:
        raise WildpaperError(
            f"{name}: memory ran out with micro-batches of {max_tokens:,} tokens",
            hint="Give the recipe an adapter (LoRA), gradient_checkpointing, a shorter "
            "data.max_length, fewer micro_batch_tokens or more GPUs.",
        )
    fewer = max(max_tokens // 2, longest)
    _LOG.warning(
        "%s: memory ran out; micro-batches of %s tokens instead of %s, steps as before",
        name, f"{fewer:,}", f"{max_tokens:,}",
    )  # fmt: skip
    return fewer


def _attempt(task: _Task, max_tokens: int) -> Fitted:
    how, data = task.how, task.data
    # accelerate remembers in which micro-batch an attempt before this one broke off
    GradientState._reset_state()
    net, n = _start(task), n_devices()
    steps = micro_batches(data.lengths, task.order, how.optimiser.batch, max_tokens, n)
    by_step = [sum(int(data.lengths[group].sum()) for group in step if group) for step in steps]
    progress = Progress(f"{task.name}: training", sum(by_step), "tokens")
    watch = Watch(how.held_out, task.apart, max_tokens, by_step, progress, task.checkpoints)
    trainer = PackedTrainer(
        model=net,
        args=arguments_of(how, len(steps), len(steps[0]) // n, task.seed, task.checkpoints.folder),
        data_collator=_only,
        train_dataset=MicroBatches(data, steps),
        callbacks=[watch],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    watch.trainer = trainer
    found = task.checkpoints.latest()
    first_step = watch.resume(found[1]) if found else 0
    if first_step:
        _LOG.info("%s: goes on from step %d of %d", task.name, first_step, len(steps))
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
    speed = speed_of(net, how, sum(by_step[first_step:]), time.monotonic() - started, first_step)
    _LOG.info("%s: %d steps, %s", task.name, len(steps), speed.line())
    return_logits(causal_model(net))
    return Fitted(_finished(trainer, net, how), watch, speed)


def _start(task: _Task) -> Any:
    """Return the model at step 0, ready for packed micro-batches."""
    transformers.set_seed(task.seed)
    net = task.build()
    use_packed_attention(net)
    if task.how.adapter:
        net = with_adapter(net, task.how.adapter)
    return_losses(causal_model(net))
    return net


def _only(items: list[Any]) -> Any:
    """Return the micro-batch that is a batch of the Trainer."""
    return items[0]


def _finished(trainer: Any, net: Any, how: How) -> Any:
    """Return a plain model; where devices hold a part each, only the first one gets it whole."""
    if not trainer.is_fsdp_enabled:
        return merged(net)
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not is_first():
        return net
    with no_init_weights():
        whole = transformers.AutoModelForCausalLM.from_config(causal_model(net).config)
    whole = with_adapter(whole, how.adapter) if how.adapter else whole
    whole.load_state_dict(state)
    return merged(whole)
