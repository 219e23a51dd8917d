"""How fast a training went and what it took; no output of a run but this says so."""

import resource
import sys
from dataclasses import asdict, dataclass
from typing import Any

import torch

from wildpaper.train.how import How
from wildpaper.train.launch import n_devices
from wildpaper.train.operations import DENSE, FROZEN


@dataclass(frozen=True, slots=True)
class Speed:
    """Facts about one training.

    Attributes
    ----------
    seconds : float
        Of the steps that this process did, held-out losses and kept states included.
    n_tokens : int
        Tokens of conversations in these steps; there is no padding.
    tokens_per_s : float
    peak_memory_bytes : int
        Of the GPU, or of the process on a CPU.
    devices : list of str
    n_devices : int
    flops_per_token : int
        Six for each parameter: forward and backward pass. With an adapter four, for frozen
        weights have no gradients. Attention and recomputation are left out.
    resumed_from_step : int
    """

    seconds: float
    n_tokens: int
    tokens_per_s: float
    peak_memory_bytes: int
    devices: list[str]
    n_devices: int
    flops_per_token: int
    resumed_from_step: int

    def line(self) -> str:
        """Return the facts as one line."""
        return (
            f"{self.n_tokens:,} tokens in {self.seconds:.1f} s, "
            f"{self.tokens_per_s:,.0f} tokens/s, "
            f"at most {self.peak_memory_bytes / 1e9:.2f} GB on {self.devices[0]}"
        )

    def values(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return asdict(self)


def speed_of(net: Any, how: How, n_tokens: int, seconds: float, first_step: int) -> Speed:
    """Return what is known of a training that has just ended."""
    seconds = max(seconds, 1e-9)
    per_parameter = FROZEN if how.adapter else DENSE
    n_parameters = sum(part.numel() for part in net.parameters())
    if how.hardware.device == "cuda":
        devices = [torch.cuda.get_device_name(i) for i in range(n_devices())]
        peak = torch.cuda.max_memory_allocated()
    else:
        devices, peak = [cpu_in_words(how.hardware.n_threads)], _process_peak()
    return Speed(
        round(seconds, 3), n_tokens, round(n_tokens / seconds, 1), peak, devices, n_devices(),
        per_parameter * n_parameters, first_step,
    )  # fmt: skip


def cpu_in_words(n_threads: int) -> str:
    """Return what a CPU recipe runs on, in words."""
    return "CPU, one core" if n_threads == 1 else f"CPU, {n_threads} cores"


def _process_peak() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
