"""Runs the contenders of `statistics.py` on corpora of several sizes; compares and prints."""

import argparse
import json
import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from linking_watch import MB, Watch
from statistics_contenders import CONTENDERS, LOOPS, N_REPLICATES, OURS, SAME_FILES, Values
from statistics_corpus import write_corpus

HERE = Path(__file__).resolve().parent
LEAST_FASTER = 10.0
MOST_GROWTH = 1.20
SAMPLE_S = 0.1
CLOSE = 1e-9
"""Relative error of deviations, which floating-point sums round; all else must be equal."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a contender took; `pss_mb` is sampled, `peak_mb` its highest resident size."""

    contender: str
    n: int
    seconds: float
    cpu_seconds: float
    pss_mb: float
    peak_mb: float

    def line(self, other: "Run | None") -> str:
        """Return a row of the table, with ratios to another run."""
        times = [self.seconds / other.seconds, self.cpu_seconds / other.cpu_seconds,
                 self.peak_mb / other.peak_mb] if other else []  # fmt: skip
        ratios = "".join(f"{ratio:>9.2f}" for ratio in times)
        return (
            f"{self.contender:>24}{self.n:>10,}{self.seconds:>9.2f}{self.cpu_seconds:>9.2f}"
            f"{self.pss_mb:>9,.0f}{self.peak_mb:>9,.0f}{ratios}"
        )


HEADER = (
    f"{'contender':>24}{'size':>10}{'seconds':>9}{'CPU s':>9}{'PSS MB':>9}{'peak MB':>9}"
    f"{'x time':>9}{'x CPU':>9}{'x MB':>9}"
)


def measure(contender: str, n: int, corpus: Path, folder: Path) -> tuple[Run, Values]:
    """Run a contender in a new process.

    Raises
    ------
    SystemExit
        If it fails.
    """
    out = Path(tempfile.mkdtemp(prefix=f"{contender}-", dir=folder))
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"), "1")
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    quiet = {"HF_HOME": str(out), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "TMPDIR": str(out)}
    command = [sys.executable, "-P", HERE / "statistics_contenders.py", contender, corpus, out]
    process = subprocess.Popen(command, env=os.environ | offline | one | quiet)
    watch = Watch(process.pid)
    try:
        while process.poll() is None:
            watch.sample()
            try:
                process.wait(SAMPLE_S)
            except subprocess.TimeoutExpired:
                continue
    finally:
        watch.end()
    if process.returncode:
        raise SystemExit(f"{contender} failed on {n:,} conversations")
    found = json.loads((out / "found.json").read_text(encoding="utf-8"))
    shutil.rmtree(out)
    times = found["seconds"], found["cpu_seconds"]
    return Run(contender, n, *times, watch.peak_mb, found["bytes"] / MB), found["values"]


def repeated(contender: str, n: int, corpus: Path, folder: Path, times: int) -> tuple[Run, Values]:
    """Run a contender several times; return the run of the median CPU time, at the most memory."""
    found = [measure(contender, n, corpus, folder) for _ in range(times)]
    runs = sorted((run for run, _ in found), key=lambda run: run.cpu_seconds)
    middle = runs[(times - 1) // 2]
    pss, peak = max(run.pss_mb for run in runs), max(run.peak_mb for run in runs)
    return Run(contender, n, middle.seconds, middle.cpu_seconds, pss, peak), found[0][1]


def differing(values: Values, reference: Values) -> list[str]:
    """Return the claims of `values` whose value in `reference` is another."""
    return [
        claim
        for claim, value in values.items()
        if not math.isclose(
            value, reference.get(claim, math.nan), rel_tol=CLOSE if claim.endswith("-std") else 0
        )
    ]


def compare(arguments: argparse.Namespace, folder: Path) -> tuple[list[Run], bool]:
    """Run all; return the runs, and whether all found the same."""
    runs, same = [], True
    for n in arguments.sizes:
        corpus = folder / f"corpus-{n}"
        n_messages = write_corpus(corpus, n, arguments.shards, arguments.seed)
        print(f"{n:,} conversations, {n_messages:,} messages: {_sizes(corpus)}", flush=True)
        reference: Values = {}
        first: Run | None = None
        for contender in arguments.contenders:
            times = arguments.repeat if contender.startswith(OURS) else 1
            run, values = repeated(contender, n, corpus, folder, times)
            differ = differing(values, reference) if reference else []
            reference, first = reference or values, first or run
            print(run.line(first), flush=True)
            runs.append(run)
            if differ:
                same = False
                print(f"{'':>24}  DIFFERENT: {', '.join(differ)}", flush=True)
        if not arguments.keep:
            shutil.rmtree(corpus)
    return runs, same


def _sizes(corpus: Path) -> str:
    listed = []
    for form in ("canonical", "release"):
        n_bytes = sum(path.stat().st_size for path in (corpus / form).iterdir())
        listed.append(f"{n_bytes / MB:,.0f} MB {form}")
    return ", ".join(listed)


def verdict(runs: list[Run], same: bool) -> bool:
    """Print whether ours keeps its limits; return that."""
    kept = same
    print("all values the same" if same else "values NOT the same")
    by_name = {(run.contender, run.n): run for run in runs}
    ours = [run for run in runs if run.contender == OURS]
    for own in ours:
        for name in LOOPS:
            other = by_name.get((name, own.n))
            if other is None:
                continue
            clock, cpu = other.seconds / own.seconds, other.cpu_seconds / own.cpu_seconds
            told = "which reads other files"
            if name == SAME_FILES:
                kept &= cpu >= LEAST_FASTER
                told = f"{'at least' if cpu >= LEAST_FASTER else 'NOT'} {LEAST_FASTER:.0f}"
            print(
                f"{own.n:,}: {cpu:.1f} times faster than {name} in CPU time, {clock:.1f} by "
                f"the clock ({told})"
            )
    if len(ours) > 1:
        growth = ours[-1].peak_mb / ours[0].peak_mb
        kept &= growth <= MOST_GROWTH
        print(
            f"memory at {ours[-1].n:,} is {growth:.2f} times that at {ours[0].n:,} "
            f"({'at most' if growth <= MOST_GROWTH else 'NOT'} {MOST_GROWTH:.2f})"
        )
    return kept


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(prog="statistics.py", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument(
        "--contenders", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS)
    )
    parser.add_argument("--shards", type=int, default=4, help="files of each kind, at any size")
    parser.add_argument("--repeat", type=int, default=3, help="runs of ours; the others run once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to write (default: that of TMPDIR)")
    parser.add_argument("--keep", action="store_true", help="keep the corpora, and say where")
    arguments = parser.parse_args()
    arguments.sizes.sort()
    logging.basicConfig(level=logging.INFO, format="  %(message)s", stream=sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    folder = Path(tempfile.mkdtemp(prefix="statistics-", dir=arguments.folder))
    print(f"Texts are filler, one character a token. Ours has {N_REPLICATES:,} replicates, one")
    print("thread. `-release` reads the nested files, the others those that ours reads.")
    print("Ratios are to the first contender.")
    print(HEADER, flush=True)
    try:
        return 0 if verdict(*compare(arguments, folder)) else 1
    finally:
        if arguments.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
