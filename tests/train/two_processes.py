"""What the tests of several devices call in each of two processes."""

import json
import time

import torch
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from wildpaper.errors import WildpaperError
from wildpaper.train.fine_tune import train_model
from wildpaper.train.launch import is_first
from wildpaper.train.trainer import PackedTrainer
from wildpaper.train.watch import Watch


def without_memory(most, norms, **given):
    """Train; in the second process a micro-batch of more than `most` tokens has no memory."""
    real = PackedTrainer.compute_loss

    def compute_loss(self, model, inputs, *args, **named):
        if inputs["input_ids"].shape[1] > most and not is_first():
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, model, inputs, *args, **named)

    PackedTrainer.compute_loss = compute_loss
    noting_gradients(norms, given)


def noting_gradients(norms, given):
    """Train, and write the norm of the gradients of each step."""
    found = []

    def on_pre_optimizer_step(self, args, state, control, model, **others):
        squares = [float((part.grad.double() ** 2).sum()) for part in model.parameters()]
        found.append(sum(squares) ** 0.5)

    Watch.on_pre_optimizer_step = on_pre_optimizer_step
    try:
        train_model(**given)
    finally:
        del Watch.on_pre_optimizer_step
    if is_first():
        norms.write_text(json.dumps(found))


def sharded(stop_at, tuned, out, **given):
    """Train with a part of the weights in each process, then tune the model by a recipe.

    Either training stops before a step, and goes on.
    """
    begin, real = PartialState.__init__, PackedTrainer.compute_loss

    def as_gpus(self, *args, **named):
        # accelerate shards on GPUs alone; torch does so on CPUs too
        begin(self, *args, **named)
        if self.distributed_type == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_GPU

    def compute_loss(self, *args, **named):
        assert self.is_fsdp_enabled
        if self.state.global_step >= stop_at:
            raise KeyboardInterrupt
        return real(self, *args, **named)

    outputs = {
        name: out / given[name].name for name in ("model", "config", "losses", "report", "speed")
    }
    PartialState.__init__ = as_gpus
    for training in (given, given | outputs | {"recipe": tuned, "base": [given["model"]]}):
        PackedTrainer.compute_loss = compute_loss
        try:
            train_model(**training)
        except KeyboardInterrupt:
            PackedTrainer.compute_loss = real
            train_model(**training)
        torch.distributed.barrier()  # only the first process writes the model


def fail(words):
    """Stop in the second process."""
    if not is_first():
        raise WildpaperError(words, where="Nowhere", hint="None.")
    wait()


def wait():
    """Do nothing for long."""
    time.sleep(300)
