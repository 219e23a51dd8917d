"""Score the toxicity of texts in files of any origin."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wildpaper.annotate.detoxify.score_files import Totals

NAME, HELP = "score-toxicity", "score texts of parquet, CSV or JSON lines with Detoxify"


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="parquet, csv (UTF-8) or jsonl")
    add("--checkpoint", required=True, type=Path,
        help="a checkpoint of Detoxify's, or a folder that fetch-detoxify wrote")  # fmt: skip
    add("--out", required=True, type=Path,
        help="folder for the scores, FILE.parquet; what is finished there is skipped")  # fmt: skip
    add("--text-column", default="text", help="column, or key, with the text (default: text)")
    add("--threshold", type=_between_0_and_1, default=0.1,
        help="a text is flagged above it (default: 0.1)")  # fmt: skip
    add("--batch-tokens", type=_at_least(512), default=16_384,
        help="tokens in a batch; halved when memory runs out (default: 16384)")  # fmt: skip
    add("--device", choices=("cpu", "cuda"), default="cpu", help="(default: cpu)")
    add("--precision", choices=("fp32", "bf16"), default="fp32",
        help="bf16 is faster, with the same decision at the threshold (default: fp32)")  # fmt: skip
    add("--long-texts", choices=("truncate", "windows"), default="truncate",
        help="score their beginning, or the maximum over windows (default: truncate)")  # fmt: skip
    add("--threads", type=_at_least(1), help="threads of the processor (default: torch's choice)")


def run(chosen: argparse.Namespace) -> int:
    """Score the files; return the exit status: 1 if one of them could not be read."""
    import torch

    from wildpaper.annotate.detoxify.score_files import Scoring, score_files

    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    names = ("text_column", "threshold", "batch_tokens", "device", "precision", "long_texts")
    scoring = Scoring(**{name: getattr(chosen, name) for name in names})
    totals = score_files(chosen.files, chosen.out, chosen.checkpoint, scoring)
    print(summary(totals, chosen.threshold))
    for error in totals.errors.values():
        print(error, file=sys.stderr)
    return 1 if totals.errors else 0


def summary(totals: "Totals", threshold: float) -> str:
    """Return the counts of a call in a few lines."""
    lines = [
        f"{totals.n_files:,} files, {totals.n_skipped:,} of them finished before",
        f"{totals.n_scored:,} texts scored",
        f"{_share(totals.n_flagged, totals.n_scored)} toxic at {threshold:g}",
        f"{_share(totals.n_truncated, totals.n_scored)} longer than the model read",
    ]
    lines += [
        f"{n:,} rows without scores: {reason}" for reason, n in sorted(totals.problems.items())
    ]
    if totals.errors:
        lines.append(f"{len(totals.errors):,} files could not be scored")
    return "\n".join(lines)


def _share(n: int, total: int) -> str:
    return f"{n:,} ({100 * n / total:.2f} %)" if total else f"{n:,}"


def _between_0_and_1(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return value

    return number
