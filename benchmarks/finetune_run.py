"""Runs the contenders of `finetune.py`, compares, prints and writes."""

import argparse
import gc
import os
import statistics
import warnings
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from finetune_lengths import MAX_LENGTH, SOURCES, Lengths, read_lengths
from finetune_model import (
    LLAMA_2_7B,
    ON_CPU,
    ON_GPU,
    SMALL,
    TINY,
    Number,
    Setup,
    Shape,
    Trainee,
    clock,
    measured_peak,
    new_trainee,
    operations,
)
from finetune_steps import MAXIMUM, OURS, Pair, Work, draw_pairs, mean_loss, works
from finetune_table import Run, conditions, table, verdict

ROOT = Path(__file__).resolve().parents[1]
CLOSE: dict[Number, float] = {"float32": 1e-4, "bf16": 1e-3}
"""Largest difference of the mean loss, in nats; products in bf16 round."""
N_COMPARED = 6
SHARPENED = 8.0
PEAK_SIZE = {"cuda": 8_192, "cpu": 2_048}
"""Rows of the matrices whose product is timed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, and how often."""

    device: str
    shape: Shape
    max_length: int
    batch: int
    max_tokens: int
    repeats: int
    seed: int

    def describe(self) -> str:
        """Return a sentence on the step."""
        return (
            f"A step has {self.batch} examples of at most {self.max_length:,} tokens, evenly "
            f"spaced among the lengths of the source, "
            f"in micro-batches of {self.max_tokens:,} tokens at most, padding included; "
            f"{self.repeats} steps of each contender, in turn."
        )


def loss_difference(trainee: Trainee, pairs: list[Pair], plan: Plan) -> float:
    """Return by how much padded batches give another mean loss than packed ones, at most."""
    losses = {
        name: mean_loss(trainee, work, learn=False)
        for name, work in works(pairs, plan.max_length, plan.max_tokens).items()
    }
    return max(abs(loss - losses[OURS]) for loss in losses.values())


def require_equal_losses(trainee: Trainee, pairs: list[Pair], plan: Plan) -> str:
    """Return a sentence on the losses.

    Raises
    ------
    SystemExit
        If packed and padded batches give different ones.
    """
    number = trainee.setup.products
    found = loss_difference(trainee, pairs[:N_COMPARED], plan)
    said = f"packed and padded losses differ by at most {found:.1e} ({number}, {CLOSE[number]:g})"
    if not found <= CLOSE[number]:
        raise SystemExit(f"{trainee.shape.title}, {trainee.setup.title}: NOT the same: {said}")
    return said


def time_steps(trainee: Trainee, todo: dict[str, Work], plan: Plan) -> dict[str, list[float]]:
    """Return the seconds of each step of each contender: all take turns, to and fro."""
    seconds: dict[str, list[float]] = {name: [] for name in todo}
    for repeat in range(plan.repeats):
        for name in list(todo)[:: 1 if repeat % 2 == 0 else -1]:
            start = clock(plan.device)
            mean_loss(trainee, todo[name], learn=True)
            seconds[name].append(clock(plan.device) - start)
    return seconds


def peak_memory(trainee: Trainee, work: Work) -> int:
    """Return the most memory of the GPU during a step that is not timed; 0 on a CPU."""
    if trainee.device != "cuda":
        return 0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    mean_loss(trainee, work, learn=True)
    return int(torch.cuda.max_memory_allocated())


def run_source(trainee: Trainee, source: Lengths, plan: Plan) -> tuple[list[Run], str]:
    """Compare losses and time steps on the lengths of one source."""
    pairs = draw_pairs(
        source.evenly(plan.batch, plan.max_length), plan.shape.n_vocabulary, plan.seed
    )
    same = require_equal_losses(trainee, pairs, plan)
    for work in works(pairs[:2], plan.max_length, plan.max_tokens).values():
        mean_loss(trainee, work, learn=True)
    todo = works(pairs, plan.max_length, plan.max_tokens)
    memory = {name: peak_memory(trainee, work) for name, work in todo.items()}
    seconds = time_steps(trainee, todo, plan)
    work_of = {
        name: operations(plan.shape, trainee.setup.lora, work.positions, name != OURS)
        for name, work in todo.items()
    }
    n_useful = sum(todo[OURS].positions)
    runs = [
        Run(
            trainee.setup, source.title, name, n_useful, sum(work.positions),
            statistics.median(seconds[name]),
            statistics.median(
                padded / own for padded, own in zip(seconds[MAXIMUM], seconds[name], strict=True)
            ),
            sum(todo[MAXIMUM].positions) / n_useful,
            sum(work_of[MAXIMUM]) / sum(work_of[OURS]),
            *work_of[OURS],
            memory[name],
        )
        for name, work in todo.items()
    ]  # fmt: skip
    return runs, f"- yes: {trainee.setup.title}, {source.title}: {same}"


def run_setup(setup: Setup, sources: list[Lengths], plan: Plan) -> tuple[list[Run], list[str]]:
    """Run all sources on one model."""
    trainee = new_trainee(plan.shape, setup, plan.device, plan.seed)
    runs, told = [], []
    for source in sources:
        found, same = run_source(trainee, source, plan)
        runs += found
        told.append(same)
        times = ", ".join(f"{run.contender} {run.seconds:,.3g} s" for run in found)
        print(f"{setup.title}; {source.title}: {times}", flush=True)
    return runs, told


def run_where_it_fits(
    setups: list[Setup], sources: list[Lengths], plan: Plan
) -> tuple[list[Run], list[str]]:
    """Run the first of the setups that memory is enough for."""
    for setup in setups:
        try:
            return run_setup(setup, sources, plan)
        except torch.OutOfMemoryError:
            print(f"{setup.title}: memory ran out", flush=True)
        gc.collect()
        torch.cuda.empty_cache()
    return [], [f"- NO: {setups[0].title}: not run, memory ran out"]


def parse(about: str | None) -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(
        prog="finetune.py", description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--lengths", nargs="+", choices=list(SOURCES), help="(all; GPU: wildchat)")
    parser.add_argument("--setups", nargs="+", choices=list(ON_GPU), help="(full; GPU: all)")
    parser.add_argument("--batch", type=int, help="examples in a step (8; GPU: 64)")
    parser.add_argument(
        "--per-micro-batch", type=int, default=2, help="padded examples at a time (2, FastChat's)"
    )
    parser.add_argument("--repeats", type=int, help="steps of each contender (3)")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="tiny model, few examples")
    parser.add_argument("--write", action="store_true", help="to benchmarks/results")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU")
    if min(arguments.per_micro_batch, arguments.batch or 1, arguments.repeats or 1) < 1:
        parser.error("--per-micro-batch, --batch and --repeats must be at least 1")
    known = ON_GPU if arguments.device == "cuda" else ON_CPU
    if unknown := set(arguments.setups or ()) - set(known):
        parser.error(f"--setups: {', '.join(sorted(unknown))} needs --device cuda")
    return arguments


def plan_of(arguments: argparse.Namespace) -> tuple[Plan, list[list[Setup]], list[Lengths]]:
    """Return what is run, with which setups, on which lengths; fill in what was not stated."""
    known = ON_GPU if arguments.device == "cuda" else ON_CPU
    shape, length, batch, repeats = SMALL, MAX_LENGTH, 8, 3
    setups, lengths = ["full"], list(SOURCES)
    if arguments.device == "cuda":
        shape, batch, setups, lengths = LLAMA_2_7B, 64, list(ON_GPU), ["wildchat"]
    if arguments.check:
        shape, length, batch, repeats, lengths = TINY, 256, 6, 1, ["alpaca"]
    plan = Plan(
        arguments.device, shape, length, arguments.batch or batch,
        arguments.per_micro_batch * length, arguments.repeats or repeats, arguments.seed,
    )  # fmt: skip
    chosen = [known[name] for name in arguments.setups or setups]
    if arguments.check and not arguments.setups:
        chosen = [[one] for way in (ON_CPU, ON_GPU) for some in way.values() for one in some]
    return plan, chosen, [read_lengths(name) for name in arguments.lengths or lengths]


def sharpen(trainee: Trainee) -> None:
    """Enlarge the weights: new ones attend to all alike, and a wrong position would not show."""
    with torch.no_grad():
        for part in trainee.weights:
            part.mul_(SHARPENED if part.dim() > 1 else 1.0)


def check_in_float32(plan: Plan, sources: list[Lengths]) -> str:
    """Compare losses in float32 on the device, on a tiny model: what bf16 would hide."""
    trainee = new_trainee(TINY, ON_CPU["full"][0], plan.device, plan.seed)
    sharpen(trainee)
    sizes = [size for source in sources for size in source.evenly(2, plan.max_length)]
    pairs = draw_pairs(sizes, TINY.n_vocabulary, plan.seed)
    return f"- yes: {TINY.title}: {require_equal_losses(trainee, pairs, plan)}"


def main(about: str | None = None) -> int:
    """Run the benchmark; return the exit status."""
    arguments = parse(about)
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", category=FutureWarning)
    torch.set_num_threads(arguments.threads)
    plan, setups, sources = plan_of(arguments)
    on_gpu = plan.device == "cuda"
    told = [check_in_float32(plan, sources)]
    torch.backends.cuda.matmul.allow_tf32 = True
    number = setups[0][0].products
    size = 256 if arguments.check else PEAK_SIZE[plan.device]
    peak = measured_peak(plan.device, number, size)
    runs: list[Run] = []
    for alternatives in setups:
        found, same = run_where_it_fits(alternatives, sources, plan)
        runs += found
        told += same
    said, kept = verdict(runs, peak, on_gpu)
    about_it = conditions(plan.device, arguments.threads, plan.shape, plan.describe(), peak)
    head = ["# Fine-tuning: useful tokens a second", ""]
    lines = [*head, *"\n\n".join(about_it).split("\n"), "", *table(runs, peak), "", *told, *said]
    print("\n".join(lines))
    if arguments.write:
        path = ROOT / "benchmarks" / "results" / f"finetune-{plan.device}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
    return 0 if arguments.check or (kept and runs) else 1
