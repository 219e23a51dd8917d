"""What the machine has, asked without importing torch: it is asked at every call of Snakemake."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_QUERY = ("index", "name", "memory.total", "uuid")
_TIMEOUT_S = 20
_MIB = 2**20
_SIGNS = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/dev/dxg")
"""One of these is there where a GPU of Nvidia is; the last on Windows."""
_TORCH = """
import torch
for i in range(torch.cuda.device_count()):
    one = torch.cuda.get_device_properties(i)
    print(i, one.name, one.total_memory // 2**20, f"GPU-{one.uuid}", sep=", ")
"""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of this machine: its number, name, memory and the name that never changes."""

    index: int
    name: str
    memory_bytes: int
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: GPUs that may be used, memory, free disk."""

    gpus: tuple[Gpu, ...]
    memory_bytes: int
    free_disk_bytes: int


def this_machine(folder: Path) -> Machine:
    """Return what this machine has; the disk is that of a folder, or of the nearest above it."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(visible_gpus(), memory, shutil.disk_usage(existing(folder)).free)


def existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above that exists."""
    absolute = folder.absolute()
    return next(path for path in (absolute, *absolute.parents) if path.exists())


def resolve(device: str) -> Literal["cpu", "cuda"]:
    """Return ``cuda`` for ``cuda``, and for ``auto`` where there is a visible GPU."""
    return "cuda" if device == "cuda" or (device == "auto" and visible_gpus()) else "cpu"


def visible_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs of this machine, as far as CUDA_VISIBLE_DEVICES shows them.

    Notes
    -----
    As in CUDA, the variable holds numbers, here those of nvidia-smi, or beginnings of UUIDs, and
    what follows an unknown one is not seen. Parts of a GPU (MIG) are not known.
    """
    found = _all_gpus()
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return found
    seen: list[Gpu] = []
    for name in shown.split(","):
        gpu = _named(name.strip(), found)
        if gpu is None or gpu in seen:
            break
        seen.append(gpu)
    return tuple(seen)


def _named(name: str, found: tuple[Gpu, ...]) -> Gpu | None:
    if name.isdigit():
        return next((gpu for gpu in found if gpu.index == int(name)), None)
    alike = [gpu for gpu in found if name.startswith("GPU-") and gpu.uuid.startswith(name)]
    return alike[0] if len(alike) == 1 else None


@cache
def _all_gpus() -> tuple[Gpu, ...]:
    """Ask nvidia-smi; where it is not there, torch in a process of its own, which takes seconds."""
    if not any(Path(sign).exists() for sign in _SIGNS):
        return ()
    query = [f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    return _said(["nvidia-smi", *query]) or _said([sys.executable, "-c", _TORCH])


def _said(command: list[str]) -> tuple[Gpu, ...]:
    surroundings = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    surroundings["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S,
            env=surroundings,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_gpus(asked.stdout)


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Return the GPUs that nvidia-smi lists: number, name, MiB, UUID; skip other lines."""
    found = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) == len(_QUERY) and row[0].isdigit() and row[2].isdigit():
            found.append(Gpu(int(row[0]), row[1], int(row[2]) * _MIB, row[3]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of GPU: dense operations a second in 16 bits, and whether it calculates in bf16."""

    peak_flops: float
    has_bf16: bool = True


_KINDS = {
    "B200": Kind(2250e12),
    "H200": Kind(989e12),
    "H100 PCIe": Kind(756e12),
    "H100": Kind(989e12),
    "H800": Kind(989e12),
    "A100": Kind(312e12),
    "A800": Kind(312e12),
    "A40": Kind(150e12),
    "RTX A6000": Kind(155e12),
    "A10": Kind(125e12),
    "L40S": Kind(362e12),
    "L4": Kind(121e12),
    "RTX 4090": Kind(165e12),
    "RTX 3090": Kind(71e12),
    "V100": Kind(125e12, has_bf16=False),
    "T4": Kind(65e12, has_bf16=False),
}
"""As their maker states them, without sparsity; sums in 32 bits. Keys are parts of names."""


def kind_of(name: str) -> Kind | None:
    """Return the kind of a GPU by its name; None if it is not known."""
    words = name.replace("-", " ").split()
    for key in sorted(_KINDS, key=len, reverse=True):
        size = len(key.split())
        if any(words[i : i + size] == key.split() for i in range(len(words))):
            return _KINDS[key]
    return None
