"""What a machine lacks for a training, and what to change: all of it at once."""

from wildpaper.train.hardware import Gpu, Machine, kind_of
from wildpaper.train.recipe import Recipe

_GB = 1e9


def lacking_gpus(recipe: Recipe, machine: Machine, memory: dict[str, int], total: int) -> list[str]:
    """Return what is wrong with the GPUs for a recipe.

    Parameters
    ----------
    recipe : Recipe
    machine : Machine
    memory : dict
        {part: bytes on each GPU}, with the fewest tokens at a time that are possible.
    total : int
        All of it and what is lost besides, in bytes.
    """
    n, least = recipe.hardware.n_gpus, recipe.hardware.min_gpu_memory_gb * _GB
    if len(machine.gpus) < n:
        return [
            f"{n} GPU(s): there are {len(machine.gpus)}. Run it on a machine that has them, let "
            "CUDA_VISIBLE_DEVICES show them, or choose another recipe."
        ]
    chosen = largest(machine, n)
    found = []
    room = chosen[-1].memory_bytes
    if room < total:
        part = max(memory, key=lambda name: memory[name])
        found.append(
            f"{total / _GB:.0f} GB of memory on each GPU: {chosen[-1].name} has "
            f"{room / _GB:.0f} GB. The largest part is {part} with {memory[part] / _GB:.0f} GB. "
            + _remedy(recipe, part)
        )
    elif room < least:
        found.append(
            f"{least / _GB:g} GB of memory on each GPU, as the recipe says: {chosen[-1].name} has "
            f"{room / _GB:.0f} GB. Lower hardware.min_gpu_memory_gb to try it."
        )
    if recipe.hardware.precision == "bf16":
        found += [
            f"GPUs that calculate in bf16: {name} does not. Set hardware.precision to float32."
            for name in sorted({gpu.name for gpu in chosen if not _has_bf16(gpu)})
        ]
    return found


def largest(machine: Machine, n: int) -> list[Gpu]:
    """Return the `n` GPUs with the most memory, or all if there are fewer."""
    return sorted(machine.gpus, key=lambda gpu: -gpu.memory_bytes)[:n]


def _has_bf16(gpu: Gpu) -> bool:
    kind = kind_of(gpu.name)
    return kind is None or kind.has_bf16


def _remedy(recipe: Recipe, part: str) -> str:
    if part == "activations" and not recipe.hardware.gradient_checkpointing:
        return "Set hardware.gradient_checkpointing."
    if part in ("activations", "logits"):
        return "Shorten data.max_length."
    if recipe.adapter is None:
        return (
            "Give the recipe an adapter (LoRA), or more GPUs: hardware.n_gpus and sharding "
            "fsdp-full."
        )
    return "Give the recipe more GPUs (hardware.n_gpus, sharding fsdp-full), or a smaller base."


def lacking_room(machine: Machine, host_bytes: int, disk_bytes: int, device: str) -> list[str]:
    """Return what is wrong with the machine's own memory and disk."""
    found = []
    if machine.memory_bytes < host_bytes:
        why = "to train in" if device == "cpu" else "to load the model into"
        found.append(
            f"{host_bytes / _GB:.0f} GB of memory {why}: the machine has "
            f"{machine.memory_bytes / _GB:.0f} GB. Run it on another, or choose a smaller base."
        )
    if machine.free_disk_bytes < disk_bytes:
        found.append(
            f"{disk_bytes / _GB:.0f} GB of disk for models and kept states: "
            f"{machine.free_disk_bytes / _GB:.0f} GB are free. Make room, or link the folder of "
            "the results to a larger disk."
        )
    return found
