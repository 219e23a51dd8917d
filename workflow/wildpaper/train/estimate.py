"""The plan of a training, before it starts: size, steps, memory, disk, hours, what is lacking."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.train.expected import DataSize
from wildpaper.train.hardware import Machine, this_machine
from wildpaper.train.lacking import lacking_gpus, lacking_room, largest
from wildpaper.train.memory import (
    Size,
    device_memory,
    host_memory,
    size_of,
    state_bytes,
    weight_bytes,
)
from wildpaper.train.recipe import Recipe
from wildpaper.train.workload import Run, duration, rate_of, runs_of

_LOG = logging.getLogger("wildpaper")
_GB = 1e9
_SPARE = 1.05
"""What the allocator of a device loses in gaps."""
_LIBRARIES = 700_000_000
"""Memory of a process with its libraries; on a GPU CUDA takes about as much."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a recipe will take.

    Attributes
    ----------
    recipe : Recipe
    data : DataSize or None
        One pass over the data of the model under study.
    size : Size
    device, n_devices
        ``cpu`` or ``cuda``; how many.
    runs : tuple of Run
    micro_batch_tokens : int
        As the recipe says, or fewer where memory does not hold these.
    memory : dict
        {part: bytes on each device}.
    host_bytes, disk_bytes : int
        Of the machine's own memory; of disk.
    on : str
        The hardware that hours are for, and what is assumed of it.
    lacking : tuple of str
        What the machine lacks, and what to change.
    """

    recipe: Recipe
    data: DataSize | None
    size: Size
    device: str
    n_devices: int
    runs: tuple[Run, ...]
    micro_batch_tokens: int
    memory: dict[str, int]
    host_bytes: int
    disk_bytes: int
    on: str
    lacking: tuple[str, ...]

    @property
    def memory_bytes(self) -> int:
        """Memory of each device, with what is lost in gaps and what libraries take."""
        return with_spare(self.memory)

    def lines(self) -> list[str]:
        """Return the plan as lines of text."""
        size, recipe, data = self.size, self.recipe, self.data
        trained = "all of them trained"
        if recipe.adapter:
            trained = f"and {size.n_trained:,} of an adapter, which alone is trained (LoRA)"
        parts = ", ".join(f"{name} {n / _GB:.2f}" for name, n in self.memory.items() if n)
        devices = f"{self.n_devices} devices" if self.n_devices > 1 else "one device"
        hours = [run.hours for run in self.runs]
        known = [one for one in hours if one is not None]
        return [
            f"recipe {recipe.name}: {recipe.title}",
            f"parameters: {size.n_parameters:,}, {trained}",
            "data: not known yet"
            if data is None
            else f"data: {data.n_tokens:,} tokens in {data.n_examples:,} examples ({data.source})",
            *(run.line() for run in self.runs),
            f"on {devices}: at most {self.micro_batch_tokens:,} tokens at a time on each",
            f"memory of each: {self.memory_bytes / _GB:.2f} GB ({parts}; the rest is spare)",
            *self._host(),
            f"disk: {self.disk_bytes / _GB:.1f} GB for finished models and kept states",
            f"time: {duration(sum(known)) if known else 'not known'} on {self.on}"
            + (", without what is not known" if known and len(known) < len(hours) else ""),
        ]

    def _host(self) -> list[str]:
        if self.device == "cpu":
            return []
        return [f"memory of the machine: {self.host_bytes / _GB:.1f} GB to load the model"]

    def refuse(self) -> None:
        """Stop if the machine lacks anything.

        Raises
        ------
        WildpaperError
            Names all of it, and what to change.
        """
        if self.lacking:
            raise WildpaperError(
                f"The recipe {self.recipe.name} cannot run on this machine. It lacks:\n"
                + "\n".join(f"  {i}. {one}" for i, one in enumerate(self.lacking, start=1))
            )


def plan_training(
    recipe: Recipe, data: DataSize | None, machine: Machine, n_compared: int = 0
) -> TrainingPlan:
    """Return what a recipe will take on some data and some machine.

    Parameters
    ----------
    recipe : Recipe
        States the architecture.
    data : DataSize or None
        Of the model under study, if it is known: `wildpaper.train.expected`.
    machine : Machine
    n_compared : int
        Data sets of the coverage matrix.

    Raises
    ------
    WildpaperError
        If the recipe does not state the architecture of its base.
    """
    if recipe.architecture is None:
        raise WildpaperError(
            f"The recipe {recipe.name} does not state the architecture of {recipe.base}",
            where=f"data/recipes/{recipe.name}.yaml",
            hint="Add the section architecture, so that the training can be planned.",
        )
    device = device_of(recipe, machine)
    n_devices = recipe.hardware.n_gpus if device == "cuda" else 1
    size = size_of(recipe.architecture, recipe.adapter)
    gpus = largest(machine, n_devices) if device == "cuda" else []
    room = gpus[-1].memory_bytes if gpus and len(gpus) == n_devices else None
    n_tokens, memory = fitting_memory(recipe, size, device, room)
    rate, on = rate_of(recipe, size, device, gpus[-1].name if gpus else "")
    runs = runs_of(recipe, data, n_compared, rate)
    total = with_spare(memory)
    host = total if device == "cpu" else host_memory(size, n_devices)
    disk = disk_bytes(recipe, size, runs)
    lacking = lacking_gpus(recipe, machine, memory, total) if device == "cuda" else []
    lacking += lacking_room(machine, host, disk, device)
    return TrainingPlan(
        recipe, data, size, device, n_devices, runs, n_tokens, memory, host, disk, on,
        tuple(lacking),
    )  # fmt: skip


def device_of(recipe: Recipe, machine: Machine) -> str:
    """Return ``cpu`` or ``cuda``, as `wildpaper.train.hardware.resolve` decides on a machine."""
    device = recipe.hardware.device
    if device == "auto":
        return "cuda" if machine.gpus else "cpu"
    return device


def announce(
    recipe: Recipe, n_tokens: int, n_examples: int, folder: Path, n_compared: int = 0
) -> None:
    """Log the plan of a training that is about to start, and refuse it if it cannot fit.

    A recipe that does not state the architecture of its base has no plan.

    Parameters
    ----------
    recipe : Recipe
    n_tokens, n_examples : int
        Counted: one pass over the data of the model under study.
    folder : Path
        Of the results; its disk is looked at. States that a killed run left there are part of
        what is planned.
    n_compared : int
        Data sets of the coverage matrix, if they are part of it.

    Raises
    ------
    WildpaperError
        If this machine lacks anything.
    """
    if recipe.architecture is None:
        return
    data, machine = DataSize(n_tokens, n_examples, "counted"), this_machine(folder)
    states = folder.glob("checkpoints-*/**/*")
    kept = sum(path.stat().st_size for path in states if path.is_file())
    machine = replace(machine, free_disk_bytes=machine.free_disk_bytes + kept)
    plan = plan_training(recipe, data, machine, n_compared)
    for line in plan.lines():
        _LOG.info("%s", line)
    plan.refuse()


def with_spare(memory: dict[str, int]) -> int:
    """Return the memory of a device: its parts, gaps and libraries."""
    return int(_SPARE * sum(memory.values())) + _LIBRARIES


def fitting_memory(
    recipe: Recipe, size: Size, device: str, room: int | None
) -> tuple[int, dict[str, int]]:
    """Return tokens at a time and the memory by part.

    Tokens are halved where `room` (bytes) asks for it, but one example must fit, as the
    trainer does when memory runs out; see `wildpaper.train.fit`.
    """
    optimisers = [(recipe.optimiser, recipe.data.max_length)]
    if recipe.coverage:
        optimisers.append((recipe.coverage.optimiser, recipe.coverage.max_length))
    if recipe.data_size:
        optimisers.append((recipe.data_size.optimiser, recipe.data.max_length))
    n_tokens = max(optimiser.micro_batch_tokens for optimiser, _ in optimisers)
    longest = max(length for _, length in optimisers)
    memory = device_memory(size, recipe, device, n_tokens)
    while room is not None and with_spare(memory) > room and n_tokens > longest:
        n_tokens = max(n_tokens // 2, longest)
        memory = device_memory(size, recipe, device, n_tokens)
    return n_tokens, memory


def least_memory(recipe: Recipe, size: Size) -> int:
    """Return the memory that each GPU must have, with one example at a time."""
    return with_spare(fitting_memory(recipe, size, "cuda", 0)[1])


def disk_bytes(recipe: Recipe, size: Size, runs: tuple[Run, ...]) -> int:
    """Return the disk that finished models take, and the states of the training with most."""
    finished = sum(run.n_finished for run in runs) * weight_bytes(size)
    return finished + max(run.n_states(recipe.checkpoint_steps) for run in runs) * state_bytes(size)
