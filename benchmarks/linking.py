"""Memory and time of linking calls into conversations, up to the paper's 2.7 million.

Writes one log (`linking_logs.py`) and links its beginnings of several sizes, each in new
processes and with no file of it in the page cache. Memory is that of all processes of a
run together, sampled: the sum of their PSS (own pages, and of shared pages their part).
`at most` is the sum of the highest resident sizes of each, which short peaks do not escape, but
which counts shared pages several times and adds what may not be at the same time.
`CPU s` are the seconds of all cores: where others use the machine, compare these.

Beside it runs a plain linker that holds all calls in Python objects, where they fit into
memory; it has to find the same conversations (time of the last call, number of turns).

The exit status is 1 if linking needs more than 4 GB, or if a call takes much longer (by the
clock) in a larger log than in the smallest of --calls. All files are deleted at the end, also after
Ctrl-C, unless --keep is given. 2.7 million calls need about 45 GB of disk.
"""

import argparse
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "workflow")]

from linking_in_memory import Conversations, link_in_memory  # noqa: E402
from linking_logs import Log, write_log  # noqa: E402
from linking_watch import MB, Watch  # noqa: E402

from wildpaper.acquire.simulation.targets import read_targets  # noqa: E402
from wildpaper.config_release import LinkingConfig  # noqa: E402
from wildpaper.release.linking.link import link_calls  # noqa: E402

N_SHARDS = 4
MOST_MB = 4_000
MOST_RATIO = 1.25
SAMPLE_S = 0.2
TELL_S = 30.0
OBJECTS_PER_BYTE = 2.0
"""Memory of a log in Python objects, in units of its bytes; wide characters take more."""
DISK_PER_BYTE = 1.4
"""Disk for a log, its compressed copy, runs and what comes out, in units of its bytes."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took."""

    linker: str
    log: Log
    seconds: float
    cpu_seconds: float
    peak_mb: float
    bound_mb: float
    n_conversations: int

    def line(self) -> str:
        """Return a row of the table."""
        return (
            f"{self.linker:>10}{self.log.n_calls:>12,}{self.log.n_bytes / 1e9:>8.2f}"
            f"{self.seconds:>10,.1f}{self.cpu_seconds:>10,.1f}"
            f"{self.log.n_calls / self.seconds:>10,.0f}"
            f"{self.log.n_bytes / self.seconds / MB:>8,.0f}"
            f"{self.peak_mb:>10,.0f}{self.bound_mb:>10,.0f}{self.n_conversations:>15,}"
        )


HEADER = (
    f"{'linker':>10}{'calls':>12}{'GB':>8}{'seconds':>10}{'CPU s':>10}{'calls/s':>10}{'MB/s':>8}"
    f"{'peak MB':>10}{'at most':>10}{'conversations':>15}"
)


def out_of_core(acquired: Path, out: Path, n_workers: int, memory_mb: int) -> Conversations:
    """Run the linker of the release stage; what it found is read from its files."""
    tables = {
        kind: [out / f"{kind}-{k}.parquet" for k in range(N_SHARDS)]
        for kind in ("conversations", "messages", "turns")
    }
    link_calls(
        acquired, **tables, fates=out / "private" / "fates.parquet", report=out / "report.json",
        ledger=out / "ledger.json", settings=LinkingConfig().model_dump(mode="json"),
        n_workers=n_workers, memory_mb=memory_mb,
    )  # fmt: skip
    return []


def written(out: Path) -> Conversations:
    """Return time of the last call and number of turns of what `out_of_core` released."""
    paths = [out / f"conversations-{k}.parquet" for k in range(N_SHARDS)]
    columns = ["timestamp", "n_turns"]
    table = pa.concat_tables([pq.read_table(path, columns=columns) for path in paths])
    times = table["timestamp"].cast(pa.int64()).to_pylist()
    return sorted(zip(times, table["n_turns"].to_pylist(), strict=True))


Linker = Callable[[Path, Path, int, int], Conversations]
OURS, IN_MEMORY = "ours", "in memory"
LINKERS: dict[str, Linker] = {OURS: out_of_core, IN_MEMORY: link_in_memory}


def work(send: Connection, linker: str, *given: Any) -> None:
    """Run a linker in a process of its own; send its times and what it found."""
    start, cores = time.perf_counter(), sum(os.times()[:4])
    found = LINKERS[linker](*given)
    send.send((time.perf_counter() - start, sum(os.times()[:4]) - cores))
    send.send(found)


def measure(linker: str, log: Log, out: Path, *limits: int) -> tuple[Run, Conversations]:
    """Run a linker on a log in new processes; `limits` are their number and memory.

    Raises
    ------
    SystemExit
        If it fails.
    """
    for path in log.files:
        forget(path)
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(send, linker, log.acquired, out, *limits))
    process.start()
    send.close()
    watch = Watch(process.pid or 0)
    try:
        times, found = _attend(watch, receive, f"{linker}, {log.n_calls:,} calls")
        process.join()
    except EOFError:
        raise SystemExit(f"{linker} failed on {log.n_calls:,} calls") from None
    finally:
        watch.end()
    if linker == OURS:
        found = written(out)
    return Run(linker, log, *times, watch.peak_mb, watch.bound_mb, len(found)), found


def _attend(
    watch: Watch, receive: Connection, what: str
) -> tuple[tuple[float, float], Conversations]:
    start = told = time.perf_counter()
    while not receive.poll(SAMPLE_S):
        watch.sample()
        if time.perf_counter() - told > TELL_S:
            told = time.perf_counter()
            print(f"  {what}: {told - start:,.0f} s, {watch.now_mb:,.0f} MB", flush=True)
    return receive.recv(), receive.recv()


def forget(path: Path) -> None:
    """Put a file on the disk and out of the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compare(arguments: argparse.Namespace, folder: Path) -> list[Run]:
    """Write the log; link it at each size as soon as that is written; return the runs.

    Raises
    ------
    SystemExit
        If the disk is too small, or the linkers find other conversations.
    """
    targets = read_targets(ROOT / "data" / "published.yaml")
    sizes = sorted({*arguments.calls, *arguments.in_memory})
    runs = []
    for log in write_log(folder, sizes, arguments.per_file, targets, arguments.seed):
        needed = DISK_PER_BYTE * (sizes[-1] / log.n_calls - 1) * log.n_bytes
        if shutil.disk_usage(folder).free < needed:
            raise SystemExit(f"too little room in {folder}: {needed / 1e9:,.0f} GB more are needed")
        out = folder / f"linked-{log.n_calls}"
        (out / "private").mkdir(mode=0o700, parents=True)
        run, ours = measure(OURS, log, out, arguments.workers, arguments.memory_mb)
        runs.append(run)
        print(run.line(), flush=True)
        if not arguments.keep:
            shutil.rmtree(out)
        if log.n_calls not in arguments.in_memory:
            continue
        if psutil.virtual_memory().available < OBJECTS_PER_BYTE * log.n_bytes:
            print(f"{IN_MEMORY:>10}{log.n_calls:>12,}  would not fit into memory", flush=True)
            continue
        run, found = measure(IN_MEMORY, log, out, 1, 0)
        runs.append(run)
        print(run.line(), flush=True)
        if found != ours:
            raise SystemExit(f"Of {log.n_calls:,} calls, the linkers make other conversations.")
    return runs


def verdict(runs: list[Run], calls: list[int]) -> bool:
    """Print the table and whether memory and time keep their limits; return that."""
    print("\n".join(["", HEADER, *(run.line() for run in runs)]))
    ours = [run for run in runs if run.linker == OURS and run.log.n_calls in calls]
    ratios = _per_call(ours, [run.seconds for run in ours])
    _per_call(ours, [run.cpu_seconds for run in ours], " of the cores")
    peak = max(run.peak_mb for run in ours)
    small, linear = peak < MOST_MB, max(ratios) <= MOST_RATIO
    print(f"memory {'under' if small else 'NOT under'} {MOST_MB:,} MB: {peak:,.0f} MB")
    print(f"time {'linear' if linear else 'NOT linear'}: at most {MOST_RATIO} times a call")
    return small and linear


def _per_call(runs: list[Run], seconds: list[float], of: str = "") -> list[float]:
    """Print and return seconds a call, in units of the first run's."""
    each = [s / run.log.n_calls for run, s in zip(runs, seconds, strict=True)]
    ratios = [found / each[0] for found in each]
    listed = (f"{run.log.n_calls:,}: {ratio:.2f}" for run, ratio in zip(runs, ratios, strict=True))
    print(f"time{of} for a call, in units of the first:", *listed)
    return ratios


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[300_000, 900_000, 2_700_000])
    parser.add_argument("--in-memory", type=int, nargs="*", default=[100_000, 300_000])
    parser.add_argument("--per-file", type=int, default=50_000, help="calls in a file")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory-mb", type=int, default=1_500, help="given to the linker")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to write (default: that of TMPDIR)")
    parser.add_argument("--keep", action="store_true", help="keep the files, and say where")
    arguments = parser.parse_args()
    arguments.calls.sort()
    logging.basicConfig(level=logging.INFO, format="  %(message)s", stream=sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    folder = Path(tempfile.mkdtemp(prefix="linking-", dir=arguments.folder))
    try:
        print(HEADER, flush=True)
        return 0 if verdict(compare(arguments, folder), arguments.calls) else 1
    finally:
        if arguments.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
