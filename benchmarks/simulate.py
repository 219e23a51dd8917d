"""How fast and in how little memory the simulator writes raw logs.

Writes to a temporary folder and, unless --keep is given, deletes the files of each block as
soon as it is finished. Prints conversations, calls and megabytes a second, and the highest
memory of the main process and of the largest worker.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

MB = 1e6
EVERY_BLOCKS = 25


def peak_mb(who: int) -> float:
    """Return the highest memory so far, in MB; of children, that of the largest."""
    return resource.getrusage(who).ru_maxrss * 1024 / MB


def report(n: int, calls: int, n_bytes: int, seconds: float) -> str:
    """Return one line of rates."""
    return (
        f"{n:,} conversations, {calls:,} calls, {n_bytes / MB:,.0f} MB in {seconds:,.1f} s: "
        f"{n / seconds:,.0f} conversations/s, {calls / seconds:,.0f} calls/s, "
        f"{n_bytes / seconds / MB:,.1f} MB/s"
    )


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--length-scale", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokenizer", type=Path, help="count true tokens, too (slower)")
    parser.add_argument("--keep", action="store_true", help="keep the files, and say where")
    parser.add_argument("--stop-after", type=float, default=float("inf"), help="seconds")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="simulate-"))
    try:
        simulate(arguments, folder)
    finally:
        if arguments.keep:
            print(f"kept: {folder}")
        else:
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            folder.rmdir()
    return 0


def simulate(arguments: argparse.Namespace, folder: Path) -> None:
    """Write all blocks, deleting on the way, and print rates."""
    from wildpaper.acquire.simulation.population import draw_blocks
    from wildpaper.acquire.simulation.targets import read_targets
    from wildpaper.acquire.simulation.workers import Study, Worker, work_blocks

    start = time.perf_counter()
    targets = read_targets(ROOT / "data" / "published.yaml")
    blocks = draw_blocks(arguments.conversations, targets, arguments.seed)
    print(f"{len(blocks):,} blocks, {arguments.workers} workers, {os.cpu_count()} cores")
    study = Study(targets, arguments.tokenizer, folder, folder, arguments.conversations,
                  arguments.length_scale, arguments.seed, "salt")  # fmt: skip
    n = calls = n_bytes = released = 0
    results = work_blocks(Worker(study), blocks, arguments.workers)
    for done, (block, result) in enumerate(zip(blocks, results, strict=False), start=1):
        n += sum(block.n_conversations)
        calls += result.tally.counts["lines"]
        released += result.tally.counts["conversations"]
        n_bytes += result.n_bytes
        if not arguments.keep:
            for path in folder.glob(f"*-{block.index:05d}*"):
                path.unlink()
        seconds = time.perf_counter() - start
        if done % EVERY_BLOCKS == 0:
            print(report(n, calls, n_bytes, seconds), flush=True)
        if seconds > arguments.stop_after:
            print("stopped by --stop-after")
            break
    results.close()  # ends the workers, whose memory is known only then
    print(report(n, calls, n_bytes, seconds))
    print(f"released by the planted truth: {released:,} conversations")
    peaks = peak_mb(resource.RUSAGE_SELF), peak_mb(resource.RUSAGE_CHILDREN)
    print(f"peak memory: {peaks[0]:,.0f} MB here, {peaks[1]:,.0f} MB in the largest worker")


if __name__ == "__main__":
    sys.exit(main())
