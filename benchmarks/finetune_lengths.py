"""Lengths of real training examples for `finetune.py`, kept as counts: no text, no tokens.

    python benchmarks/finetune_lengths.py [--realdata FOLDER]

counts them anew and writes `finetune_lengths.json`. Examples are what the workflow trains on:
the template vicuna_v1.1, the Llama-2 tokenizer, conversations split at exchange borders to
2,048 tokens.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
FILE = HERE / "finetune_lengths.json"
MAX_LENGTH = 2_048
SOURCES = {
    "wildchat": (
        "300 conversations of the WildChat-1M family",
        *("wildchat-parquet", "wildchat/train-00000-of-00001.parquet"),
    ),
    "oasst1": (
        "OASST1, paths of the English validation messages",
        *("oasst-jsonl", "oasst1/en-validation.jsonl"),
    ),
    "alpaca": ("Stanford Alpaca, complete", "alpaca-json", "alpaca/alpaca_data.json"),
}
"""{name: (title, native format, file in the folder of real data)}."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of the examples of one source, each with the mean of the tokens that have loss.

    Attributes
    ----------
    title : str
    tokens, n_examples : ndarray of int64, shape (n_lengths,)
        A length, ascending; how many examples have it.
    supervised : ndarray of float64, shape (n_lengths,)
        Mean number of supervised tokens of examples of that length.
    """

    title: str
    tokens: Ints
    n_examples: Ints
    supervised: npt.NDArray[np.float64]

    def mean(self) -> float:
        """Return the mean length of an example, in tokens."""
        return float(self.tokens @ self.n_examples / self.n_examples.sum())

    def evenly(self, n: int, most: int = MAX_LENGTH) -> list[tuple[int, int]]:
        """Return (tokens, supervised tokens) of `n` examples at evenly spaced ranks of length.

        Longer ones than `most` are cut off.
        """
        ranks = (np.arange(n) + 0.5) * self.n_examples.sum() / n
        places = np.searchsorted(np.cumsum(self.n_examples), ranks, side="right")
        tokens = np.minimum(self.tokens[places], most)
        supervised = np.clip(np.round(self.supervised[places]).astype(np.int64), 1, tokens - 1)
        return list(zip(tokens.tolist(), supervised.tolist(), strict=True))


def read_lengths(name: str, path: Path = FILE) -> Lengths:
    """Return the lengths of one of `SOURCES`."""
    source = json.loads(path.read_text(encoding="utf-8"))["sources"][name]
    tokens, n_examples, supervised = np.array(source["counts"], np.int64).T
    return Lengths(source["title"], tokens, n_examples, supervised / n_examples)


def count_lengths(name: str, realdata: Path, tokenizer: Path) -> dict[str, Any]:
    """Return title, conversations and counts ([tokens, examples, supervised tokens]) of a source.

    Conversations without a reply, and exchanges whose prompt alone fills an example, give none.
    """
    from wildpaper.ingest.native import read_native
    from wildpaper.ingest.records import Reject
    from wildpaper.train.splitting import split_conversation
    from wildpaper.train.vicuna import VicunaTemplate

    title, native_format, file = SOURCES[name]
    template = VicunaTemplate(tokenizer)
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    n = 0
    for record in read_native(native_format, realdata / file):
        if isinstance(record, Reject):
            continue
        n += 1
        messages = [(message.role, message.text) for message in record.messages]
        split = split_conversation(
            template.exchanges(messages)[0], template.header, template.end_id, MAX_LENGTH
        )
        for example in split.examples:
            count = counts[len(example.input_ids)]
            count[0] += 1
            count[1] += sum(example.supervised)
    rows = [[length, *counts[length]] for length in sorted(counts)]
    return {"title": title, "n_conversations": n, "counts": rows}


def convert_tokenizer(realdata: Path, folder: Path) -> Path:
    """Write the Llama-2 tokenizer in `folder`; return its file."""
    from wildpaper.acquire.tokenizer import from_sentencepiece

    path = folder / "tokenizer.json"
    from_sentencepiece(realdata / "llama2" / "tokenizer.model", path)
    return path


def write_lengths(sources: dict[str, dict[str, Any]], path: Path = FILE) -> None:
    """Write counts, a line a source."""
    lines = [f'"{name}": {json.dumps(found)}' for name, found in sources.items()]
    about = {
        "what": "[tokens, examples of that length, supervised tokens in them]",
        "tokenizer": "Llama-2",
        "template": "vicuna_v1.1",
        "max_length": MAX_LENGTH,
    }
    text = json.dumps(about)[:-1] + ', "sources": {\n' + ",\n".join(lines) + "\n}}\n"
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Count and write."""
    import argparse
    import os
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    realdata = os.environ.get("WILDPAPER_REALDATA", str(HERE.parents[1] / "shared" / "realdata"))
    parser.add_argument("--realdata", type=Path, default=Path(realdata))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = convert_tokenizer(arguments.realdata, Path(folder))
        write_lengths(
            {name: count_lengths(name, arguments.realdata, tokenizer) for name in SOURCES}
        )
    for name in SOURCES:
        found = read_lengths(name)
        print(
            f"{name}: {found.n_examples.sum():,} examples, mean {found.mean():.1f} tokens, "
            f"padded to {MAX_LENGTH:,}: {MAX_LENGTH / found.mean():.2f} times as many"
        )


if __name__ == "__main__":
    import sys

    # Behind the standard library: the folder has files of the same names.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    sys.path += [str(HERE), str(HERE.parent / "workflow")]
    main()
