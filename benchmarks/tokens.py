"""Llama-2 tokens per second: ours beside Hugging Face tokenizers and SentencePiece.

All run on one core, in turn, on the same real texts, each given them in the form that it
takes (Python strings; an Arrow array for ours). Prints medians over the repeats and how
many texts are counted differently; the exit status is 1 if any is. Prints no text.
"""

import argparse
import gc
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sentencepiece
import tokenizers

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from wildpaper.acquire.tokenizer import from_npm, from_sentencepiece  # noqa: E402
from wildpaper.annotate.tokens.counter import TokenCounter  # noqa: E402

NPM_ARCHIVE = ROOT / "data/raw/llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz"
NPM_SHA256 = "ee83014ac8b379b16cf8d81e99ffcdb23dfade8c0d2e751bd06e7dc0b8476e72"
BATCH = 1000
MB = 1e6

ADVERSARIAL = [
    *("", " ", "  ", "\t", "\n", "\n\n\n", " \n \n", "trailing   ", "   leading", "a  b   c    d"),
    *(" " * n for n in (15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 4097)),
    *("<s>", "</s>", "<unk>", "<s>a</s>", " <s> ", "<0x0A>", "<0xE2>"),
    *("\u2581", "\u2581\u2581a", "a\u2581b \u2581", "\u2581" * 40, " \u2581 \u2581"),
    *(
        "日本語の文章です。",
        "汉字漢字 mixed",
        "한국어 문장",
        "ру́сский текст",
        "हिन्दी",
        "ไทย",
        "עִבְרִית",
    ),
    *(
        "😀",
        "👩‍👩‍👧‍👦 family",
        "🏳️‍🌈",
        "e\u0301",
        "\u200d\u200b\ufeff",
        "\U0010ffff",
        "\ue000\ud7ff",
    ),
    *("x²", "m²/s ²²", "½ ﬁ ①", "\0", "a\0b", "\x01\x02\x7f\x80", "\r\n\r\n", "\u0085\u2028\u00a0"),
    *("=" * 100, "-" * 1000, "ab" * 2000, "ererere" * 50, "endenden" * 30, "1234567890" * 20),
    *("\t\tif (x) {\n\t\t    y += 1;\n\t\t}\n", "a" * 10_000, "é" * 5000, "аб" * 3000),
]


def read_texts(realdata: Path) -> list[str]:
    """Return all messages of Alpaca, WildChat and OASST in the folder."""
    texts: list[str] = []
    for row in json.loads((realdata / "alpaca/alpaca_data.json").read_text(encoding="utf-8")):
        texts += [row["instruction"] + row["input"], row["output"]]
    chats = pq.read_table(realdata / "wildchat/train-00000-of-00001.parquet")["conversation"]
    texts += [message["content"] for chat in chats.to_pylist() for message in chat]
    with (realdata / "oasst1/en-validation.jsonl").open(encoding="utf-8") as lines:
        texts += [json.loads(line)["text"] for line in lines]
    return texts


def in_batches(texts: list[str], count: Callable[[list[str]], list[int]]) -> list[int]:
    """Count all texts, some at a time, so that the peers keep few encodings in memory."""
    return [n for i in range(0, len(texts), BATCH) for n in count(texts[i : i + BATCH])]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds and result."""
    gc.collect()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def peak_mb() -> float:
    """Return this process's highest memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


class Peers:
    """The encoders, each as a function from strings to counts."""

    def __init__(self, tokenizer: Path, model: Path) -> None:
        self.tokenizer = tokenizer
        self.model = model if model.is_file() else None

    def hugging_face(self, offsets: bool = True) -> Callable[[list[str]], list[int]]:
        """Return a fresh encoder; without offsets it is ``encode_batch_fast``."""
        encoder = tokenizers.Tokenizer.from_file(str(self.tokenizer))
        encode = encoder.encode_batch if offsets else encoder.encode_batch_fast
        return lambda texts: [len(e.ids) for e in encode(texts)]

    def sentencepiece(self) -> Callable[[list[str]], list[int]]:
        """Return a fresh encoder."""
        encoder = sentencepiece.SentencePieceProcessor(model_file=str(self.model))
        return lambda texts: [len(ids) for ids in encoder.encode(texts, num_threads=1)]


def measure(peers: Peers, texts: list[str], repeats: int) -> int:
    """Time everything in turn, print the table, return the number of mismatches."""
    array = pa.array(texts)
    compile_s, _ = timed(lambda: TokenCounter(peers.tokenizer).count(array[:50_000]))
    before_mb = peak_mb()
    seconds: dict[str, list[float]] = {}
    counts: dict[str, np.ndarray] = {}

    def note(name: str, work: Callable[[], Any]) -> None:
        spent, result = timed(work)
        seconds.setdefault(name, []).append(spent)
        counts[name] = np.asarray(result)

    ours_mb = 0.0
    for _ in range(repeats):
        counter = TokenCounter(peers.tokenizer)
        note("ours, cold", lambda counter=counter: counter.count(array))
        note("ours, warm", lambda counter=counter: counter.count(array))
        ours_mb = ours_mb or peak_mb() - before_mb
        encode = peers.hugging_face()
        note("HF encode_batch", lambda encode=encode: in_batches(texts, encode))
        encode = peers.hugging_face(offsets=False)
        note("HF batch, fast", lambda encode=encode: in_batches(texts, encode))
        if peers.model:
            encode = peers.sentencepiece()
            note("SentencePiece", lambda encode=encode: in_batches(texts, encode))
    reference = counts["SentencePiece" if peers.model else "HF encode_batch"]
    n_tokens, base = int(reference.sum()), statistics.median(seconds["HF encode_batch"])
    print(f"{len(texts):,} texts, {array.nbytes / MB:.1f} MB, {n_tokens:,} tokens, one core")
    print(f"{'':17}{'seconds':>9}{'min':>9}{'max':>9}{'tokens/s':>13}{'x HF':>7}{'differ':>8}")
    wrong = 0
    for name, spent in sorted(seconds.items(), key=lambda item: -statistics.median(item[1])):
        median, differ = statistics.median(spent), int((counts[name] != reference).sum())
        wrong += differ
        rate = f"{n_tokens / median:>13,.0f}{base / median:>7.1f}{differ:>8}"
        print(f"{name:17}{median:>9.3f}{min(spent):>9.3f}{max(spent):>9.3f}{rate}")
    print(f"ours: compiling or loading, and one first pass, {compile_s:.2f} s, not in the table")
    memo = f"{counter.memo_units:,} units, {counter.memo_bytes / MB:.1f} MB"
    print(f"ours: memo {memo}; peak memory +{ours_mb:.1f} MB over {before_mb:.0f} MB")
    return wrong


def check_adversarial(peers: Peers) -> int:
    """Compare the counts of awkward texts; return the number of mismatches."""
    ours = TokenCounter(peers.tokenizer).count(pa.array(ADVERSARIAL, pa.string()))
    references = {"HF": peers.hugging_face()}
    if peers.model:
        references["SentencePiece"] = peers.sentencepiece()
    wrong = 0
    for name, encode in references.items():
        bad = np.flatnonzero(ours != np.array(encode(ADVERSARIAL)))
        wrong += len(bad)
        print(f"adversarial: {len(ADVERSARIAL)} texts, {len(bad)} differ from {name} {list(bad)}")
    return wrong


def check_long(peers: Peers) -> None:
    """Time single texts of 5 MB."""
    for name, text in {
        "one letter": "a" * 5_000_000,
        "spaces": " " * 5_000_000,
        "mixed": "The größe, x² = 3;\n日本 😀 " * (5_000_000 // 34),
    }.items():
        spent, _ = timed(lambda text=text: TokenCounter(peers.tokenizer).count(pa.array([text])))
        print(f"one text of {len(text.encode()) / MB:.1f} MB, {name}: {spent:.2f} s")


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="interleaved repeats (5)")
    realdata = os.environ.get("WILDPAPER_REALDATA", str(ROOT.parent / "shared" / "realdata"))
    parser.add_argument("--realdata", type=Path, default=Path(realdata))
    arguments = parser.parse_args()
    if not arguments.realdata.is_dir():
        parser.error(f"no such folder: {arguments.realdata} (set WILDPAPER_REALDATA)")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = arguments.realdata / "llama2/tokenizer.model", Path(folder, "t.json")
        if NPM_ARCHIVE.is_file():
            from_npm(NPM_ARCHIVE, NPM_SHA256, tokenizer)
        else:
            from_sentencepiece(model, tokenizer)
        peers = Peers(tokenizer, model)
        if not peers.model:
            print("no tokenizer.model: SentencePiece is left out, HF is the reference")
        wrong = measure(peers, read_texts(arguments.realdata), arguments.repeat)
        wrong += check_adversarial(peers)
        check_long(peers)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
