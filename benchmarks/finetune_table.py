"""What `finetune.py` found, as a table and in sentences."""

import datetime
import platform
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from finetune_model import Setup, Shape
from finetune_steps import MAXIMUM, OURS

LEAST_OF_CEILING, AIM_OF_PEAK = 0.85, 0.50
GB = 1e9
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Run:
    """What a step of one contender took.

    Attributes
    ----------
    setup : Setup
    source, contender : str
    n_useful, n_positions : int
        Tokens of conversations; the same with padding.
    seconds : float
        Median.
    gain : float
        How many times the padded step takes as long as this one: median of pairs.
    ceiling, work_ceiling : float
        Positions of the step padded to the maximum over useful tokens; the same of the
        operations that the two steps carry out.
    useful_operations, attention : int
        Of useful tokens: products with weights; attention.
    peak_bytes : int
        Memory of the GPU, at most; 0 if not known.
    """

    setup: Setup
    source: str
    contender: str
    n_useful: int
    n_positions: int
    seconds: float
    gain: float
    ceiling: float
    work_ceiling: float
    useful_operations: int
    attention: int
    peak_bytes: int

    def share_of(self, peak: float, with_attention: bool = False) -> float:
        """Return the operations a second that useful tokens need, as a share of a peak."""
        attention = self.attention if with_attention else 0
        return (self.useful_operations + attention) / self.seconds / peak


def _short(value: float) -> str:
    """Return a positive number with three digits."""
    return f"{value:,.0f}" if value >= 10**_DIGITS else f"{value:.{_DIGITS}g}"


def table(runs: list[Run], peak: float) -> list[str]:
    """Return the lines of the table, in Markdown."""
    lines = [
        "| trained | lengths | contender | useful tokens | with padding | s a step "
        "| useful tokens/s | x padded to the maximum | share of peak | with attention | GB |",
        "| :-- | :-- | :-- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for run in runs:
        memory = f"{run.peak_bytes / GB:.1f}" if run.peak_bytes else "–"
        lines.append(
            f"| {run.setup.title} | {run.source} | {run.contender} | {run.n_useful:,} "
            f"| {run.n_positions:,} | {_short(run.seconds)} "
            f"| {_short(run.n_useful / run.seconds)} | {run.gain:.2f} "
            f"| {100 * run.share_of(peak):.1f} % "
            f"| {100 * run.share_of(peak, with_attention=True):.1f} % | {memory} |"
        )
    return lines


def verdict(runs: list[Run], peak: float, on_gpu: bool) -> tuple[list[str], bool]:
    """Return what was to be shown, in sentences, and whether what must be was."""
    told, kept = [], True
    for run in (run for run in runs if run.contender == OURS):
        reached = run.gain / run.ceiling
        holds = reached >= LEAST_OF_CEILING
        kept &= holds
        told.append(
            f"- {'yes' if holds else 'NO'}: {run.setup.title}, {run.source}: "
            f"{run.gain:.2f} times as fast as {MAXIMUM}; the token ceiling is {run.ceiling:.2f}, "
            f"of which that is {100 * reached:.0f} % (at least {100 * LEAST_OF_CEILING:.0f} %); "
            f"in operations {run.work_ceiling:.2f}, {100 * run.gain / run.work_ceiling:.0f} %"
        )
        if on_gpu:
            share = run.share_of(peak)
            told.append(
                f"- {'yes' if share >= AIM_OF_PEAK else 'NO'} (an aim): {run.setup.title}, "
                f"{run.source}: {100 * share:.0f} % of the measured peak "
                f"(aim: {100 * AIM_OF_PEAK:.0f} %)"
            )
    return told, kept


def conditions(device: str, threads: int, shape: Shape, plan: str, peak: float) -> list[str]:
    """Return sentences on machine, model and how to read the table."""
    on_gpu = device == "cuda"
    machine = torch.cuda.get_device_name() if on_gpu else f"{_processor()}, {threads} thread(s)"
    clock = "the clock" if on_gpu else "CPU time"
    n = shape.layer_parameters + shape.head_parameters
    lines = [
        f"{machine}; torch {torch.__version__}, transformers {transformers.__version__}, "
        f"Python {platform.python_version()}; {datetime.datetime.now(datetime.UTC).date()}.",
        f"{shape.title} with random weights, {n / 1e6:,.1f} M of them in products "
        f"(hidden size {shape.hidden:,}, layers {shape.n_layers}, vocabulary "
        f"{shape.n_vocabulary:,}). {plan} Times are medians of {clock}; gains are medians of "
        "pairs of steps.",
        f"Measured peak: {peak / 1e12:.3g} TFLOP/s, a product of large square matrices. Useful "
        "operations: six a weight and token, four with LoRA; attention, within conversations, "
        "stands apart; padding and recomputation do not count.",
    ]
    if not on_gpu:
        lines.append(
            "Attention is a larger part of the work than in Llama-2 7B, for the model is narrow "
            "and the examples are as long; in padded positions it costs too, and with a mask it is "
            "computed between all positions. So the gain can pass the token ceiling. The ceiling "
            "in operations holds attention."
        )
    return lines


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
