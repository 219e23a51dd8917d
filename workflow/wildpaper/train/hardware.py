"""What the machine has, asked without importing torch: it is asked at every call of Snakemake."""

import csv
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_QUERY = ("index", "name", "memory.total")
_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of this machine: its number, name and memory."""

    index: int
    name: str
    memory_bytes: int


def resolve(device: str) -> Literal["cpu", "cuda"]:
    """Return ``cuda`` for ``cuda``, and for ``auto`` where there is a visible GPU."""
    return "cuda" if device == "cuda" or (device == "auto" and visible_gpus()) else "cpu"


def visible_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs of this machine, as far as CUDA_VISIBLE_DEVICES shows them.

    Numbers in that variable are those of nvidia-smi here; other names in it are passed over.
    """
    found = _all_gpus()
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return found
    by_index = {str(gpu.index): gpu for gpu in found}
    return tuple(by_index[name.strip()] for name in shown.split(",") if name.strip() in by_index)


@cache
def _all_gpus() -> tuple[Gpu, ...]:
    if not (Path("/proc/driver/nvidia/gpus").is_dir() or Path("/dev/nvidia0").exists()):
        return ()
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_gpus(asked.stdout)


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Return the GPUs that nvidia-smi lists: number, name, memory in MiB; skip other lines."""
    found = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) == len(_QUERY) and row[0].isdigit() and row[2].isdigit():
            found.append(Gpu(int(row[0]), row[1], int(row[2]) * 2**20))
    return tuple(found)
