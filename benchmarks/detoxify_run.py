"""Runs the contenders of `detoxify.py`; compares, prints and writes."""

import argparse
import gc
import logging
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import transformers
from detoxify_model import BASE, TINY, evenly, invented_texts, new_classifier, real_texts
from numpy.typing import NDArray

from wildpaper.annotate.detoxify.engine import CPU_BATCH_TOKENS, Engine, Precision

Scores = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
THRESHOLD = 0.1
LIST = 32
CLOSE = 1e-5
BF16_ON_CPU, BF16_ON_GPU = 1.4, 10.0
WARM_UP = 4
ALONE, LISTS, FP32, BF16 = (
    "predict, one text a call",
    f"predict, lists of {LIST} as they come",
    "ours, fp32",
    "ours, bf16 and fp32 near 0.1",
)


@dataclass(frozen=True, slots=True)
class Run:
    """What a contender took, and its scores of toxicity, shape (n,)."""

    name: str
    seconds: float
    cpu_seconds: float
    scores: Scores

    def cost(self, on_gpu: bool) -> float:
        """Return seconds: by the clock with a GPU, else of CPU time, which others disturb less."""
        return self.seconds if on_gpu else self.cpu_seconds


def contenders(classifier: Any, batch_tokens: int) -> dict[str, Callable[[list[str]], Scores]]:
    """Return the contenders as functions from texts to scores; engines are made beforehand."""

    def lists(texts: list[str]) -> Scores:
        parts = [texts[i : i + LIST] for i in range(0, len(texts), LIST)]
        return np.concatenate([np.atleast_1d(predict(part)["toxicity"]) for part in parts])

    def ours(precision: Precision) -> Callable[[list[str]], Scores]:
        engine = Engine(classifier, ["toxicity"], batch_tokens, THRESHOLD, precision)
        return lambda texts: engine.score(texts)[0][:, 0].astype(np.float64)

    predict = classifier.predict
    return {
        ALONE: lambda texts: np.array([predict(text)["toxicity"] for text in texts]),
        LISTS: lists,
        FP32: ours("fp32"),
        BF16: ours("bf16"),
    }


def measure(name: str, work: Callable[[list[str]], Scores], texts: list[str], wait: Any) -> Run:
    """Time a contender after a few texts that do not count."""
    work(evenly(texts, WARM_UP))
    gc.collect()
    wait()
    start, cpu = time.perf_counter(), time.process_time()
    scores = work(texts)
    wait()
    return Run(name, time.perf_counter() - start, time.process_time() - cpu, scores)


def table(runs: list[Run], on_gpu: bool) -> list[str]:
    """Return the lines of the table, in Markdown."""
    alone = runs[0]
    lines = [
        "| contender | seconds | CPU s | texts/s | x one text a call | largest difference "
        "| other side of 0.1 |",
        "| :-- | --: | --: | --: | --: | --: | --: |",
    ]
    for run in runs:
        ratio = alone.cost(on_gpu) / run.cost(on_gpu)
        rate = len(run.scores) / run.cost(on_gpu)
        error, differ = compare(run, alone)
        lines.append(
            f"| {run.name} | {run.seconds:,.1f} | {run.cpu_seconds:,.1f} | {rate:,.1f} "
            f"| {ratio:.2f} | {error:.1e} | {differ} |"
        )
    return lines


def compare(run: Run, reference: Run) -> tuple[float, int]:
    """Return the largest difference of a score, and how many texts are on another side."""
    error = float(np.abs(run.scores - reference.scores).max())
    return error, int(((run.scores > THRESHOLD) != (reference.scores > THRESHOLD)).sum())


def verdict(runs: list[Run], on_gpu: bool, timed: bool) -> tuple[list[str], bool]:
    """Return what was to be shown, in sentences, and whether all of it was."""
    by_name = {run.name: run for run in runs}
    told, kept = [], True

    def say(sentence: str, holds: bool) -> None:
        nonlocal kept
        kept &= holds
        told.append(f"- {'yes' if holds else 'NO'}: {sentence}")

    error, _ = compare(by_name[FP32], by_name[ALONE])
    say(f"fp32 differs by at most {CLOSE} ({error:.1e})", error <= CLOSE)
    for name in (FP32, BF16):
        differ = compare(by_name[name], by_name[ALONE])[1]
        say(f"{name}: the same decision at {THRESHOLD} for every text", differ == 0)
    if not timed:
        return told, kept
    cost = {name: run.cost(on_gpu) for name, run in by_name.items()}
    peer = min(cost[ALONE], cost[LISTS])
    ratio = peer / cost[FP32]
    say(f"fp32 is no slower than the faster way of `predict` ({ratio:.2f} times)", ratio >= 1)
    if on_gpu:
        ratio, wanted, whom = cost[ALONE] / cost[BF16], BF16_ON_GPU, "one text a call"
    else:
        best = min(peer, cost[FP32])
        ratio, wanted, whom = best / cost[BF16], BF16_ON_CPU, "the fastest in fp32, ours included"
    say(f"bf16 is at least {wanted} times as fast as {whom} ({ratio:.2f} times)", ratio >= wanted)
    return told, kept


def conditions(arguments: argparse.Namespace, texts: list[str], real: bool, toxic: float) -> str:
    """Return a sentence on the machine, the texts and the model."""
    if arguments.device == "cuda":
        machine = torch.cuda.get_device_name()
    else:
        machine = f"{_processor()}, {arguments.threads} thread(s)"
    source = "messages of OASST1 (English, validation)" if real else "invented texts"
    size = "tiny" if arguments.check else "base-size"
    batch = min(arguments.batch_tokens, CPU_BATCH_TOKENS if arguments.device == "cpu" else 1 << 62)
    clock = "the clock" if arguments.device == "cuda" else "CPU time"
    return (
        f"{machine}; torch {torch.__version__}, transformers {transformers.__version__}. "
        f"{len(texts):,} {source}, none left out; {size} XLM-RoBERTa with random weights, "
        f"{100 * toxic:.1f} % of the texts above {THRESHOLD}; batches of {batch:,} tokens. "
        f"Rates and ratios are of {clock}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(prog="detoxify.py", description=__doc__)
    realdata = os.environ.get("WILDPAPER_REALDATA", str(ROOT.parent / "shared" / "realdata"))
    parser.add_argument("--texts", type=int, help="that many of them, evenly spaced (all)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1, as a job has)")
    parser.add_argument("--batch-tokens", type=int, default=16_384, help="at most (16384)")
    parser.add_argument("--realdata", type=Path, default=Path(realdata))
    parser.add_argument("--wheel", type=Path, help="wheel of detoxify, where it is not installed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="tiny model, few texts, no speeds")
    parser.add_argument("--write", action="store_true", help="to benchmarks/results")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU")
    if arguments.wheel is not None:
        if not arguments.wheel.is_file():
            parser.error(f"no such file: {arguments.wheel}")
        sys.path.insert(0, str(arguments.wheel.resolve()))
    return arguments


def main() -> int:
    """Run the benchmark; return the exit status."""
    arguments = parse()
    logging.basicConfig(level=logging.INFO, format="  %(message)s", stream=sys.stdout)
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    on_gpu = arguments.device == "cuda"
    found = real_texts(arguments.realdata)
    every = found or invented_texts(arguments.seed)
    texts = evenly(every, arguments.texts or (80 if arguments.check else len(every)))
    size = TINY if arguments.check else BASE
    print(f"{len(texts):,} texts; making the model", flush=True)
    classifier = new_classifier(every, size, arguments.device, arguments.seed)
    runs = []
    for name, work in contenders(classifier, arguments.batch_tokens).items():
        runs.append(measure(name, work, texts, torch.cuda.synchronize if on_gpu else lambda: None))
        print(f"{name}: {runs[-1].seconds:,.1f} s", flush=True)
    told, kept = verdict(runs, on_gpu, not arguments.check)
    toxic = float((runs[0].scores > THRESHOLD).mean())
    about = conditions(arguments, texts, found is not None, toxic)
    text = "\n".join(["# Scoring with Detoxify", "", about, "", *table(runs, on_gpu), "", *told])
    print(text)
    if arguments.write:
        path = ROOT / "benchmarks" / "results" / f"detoxify-{arguments.device}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
