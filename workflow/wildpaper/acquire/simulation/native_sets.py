"""Simulated comparison sets in their native formats, with what was planted in them.

The readers of the ingest stage read them as they read the real files. The texts are
this project's own; nothing of the real sets is in them but their published shape.
"""

import gzip
import json
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.acquire.record import Held, write_acquired
from wildpaper.acquire.simulation.block_files import write_lines
from wildpaper.acquire.simulation.native_author import Author, shape_of
from wildpaper.acquire.simulation.native_rows import CATEGORY_NAMES, NATIVE
from wildpaper.acquire.simulation.native_trees import (
    BAD_LINES,
    Tree,
    bad_line,
    grow_tree,
    tree_lines,
)
from wildpaper.acquire.simulation.native_truth import CountTokens, Truth
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, sha256_file
from wildpaper.progress import Progress

RELEASES = {
    "alpaca": ("Alpaca", "taori2023alpaca", "alpaca_data.json"),
    "dolly": ("Dolly", "conover2023dolly", "databricks-dolly-15k.jsonl"),
    "open_assistant": ("Open Assistant", "kopf2023openassistant", "oasst.messages.jsonl.gz"),
    "sharegpt": ("ShareGPT", "sharegpt2023", "sharegpt.json"),
    "lmsys_chat_1m": ("LMSYS-Chat-1M", "zheng2024lmsys", "train-00000-of-00001.parquet"),
}
"""{data set: (title, citation, file)}."""

_MESSAGE = pa.struct([("content", pa.string()), ("role", pa.string())])
_ANSWER = pa.struct(
    [
        ("categories", pa.struct([(name, pa.bool_()) for name in CATEGORY_NAMES.values()])),
        ("category_scores", pa.struct([(name, pa.float64()) for name in CATEGORY_NAMES.values()])),
        ("flagged", pa.bool_()),
    ]
)
LMSYS_SCHEMA = pa.schema(
    [
        ("conversation_id", pa.string()),
        ("model", pa.string()),
        ("conversation", pa.list_(_MESSAGE)),
        ("turn", pa.int64()),
        ("language", pa.string()),
        ("openai_moderation", pa.list_(_ANSWER)),
        ("redacted", pa.bool_()),
    ]
)

_ONE_DUPLICATE_IN = 100
_BAD_OF_EACH_IN = 500
_REMEMBERED = 20
_ROW_GROUP = 500
_DUPLICATE_PATHS = 3
_TREES_AT_LEAST, _LEAST_PATHS = 6, 10


def write_simulated(
    dataset: str,
    folder: Path,
    n: int,
    length_scale: float,
    seed: int,
    targets: dict[str, float],
    count_tokens: CountTokens | None,
    answers: Path | None = None,
) -> dict[str, float | int | str]:
    """Write one simulated comparison set and say what was planted.

    The bytes depend on the arguments alone. About one conversation in a hundred repeats
    an earlier one exactly; about one row in five hundred of each kind (at least one) is
    broken in a way that a reader must notice.

    Parameters
    ----------
    dataset : str
        alpaca, dolly, open_assistant, sharegpt or lmsys_chat_1m.
    folder : Path
        Receives the native file and ``acquired.json``.
    n : int
        Conversations that can be read; of Open Assistant about as many, since trees are
        written whole.
    length_scale : float
        Message lengths, as a share of the published ones.
    seed : int
        Where all chance comes from.
    targets : dict
        Published values by claim id (``table-01.<set>.*``, ``table-05.<set>.*`` in
        percent, ``table-07.<set>.*`` in percent); any may be missing.
    count_tokens : callable, optional
        Llama-2 tokens of texts, for the realised lengths.
    answers : Path, optional
        Receives a moderation API's stored answers to all texts that can be read, as ingest
        reads them by default: with another way to join the parts of a prompt (the keys
        ``alpaca_separator`` and ``dolly_context``) those of such prompts are missing.

    Returns
    -------
    dict
        Realised values by claim id, and by ids that begin with ``simulated.``.

    Raises
    ------
    WildpaperError
        If there is no simulator for the data set, or `n` is below 1.
    """
    if dataset not in RELEASES or n < 1:
        raise WildpaperError(
            f"No simulator for {n} conversations of {dataset!r}",
            hint=f"At least 1 of: {', '.join(RELEASES)}.",
        )
    rng = random.Random(f"{seed} {dataset}")  # noqa: S311 - no secret depends on it
    author = Author(rng, shape_of(dataset, targets, length_scale))
    truth = Truth(dataset, count_tokens)
    path = folder / RELEASES[dataset][2]
    rows = _tree_rows if dataset == "open_assistant" else _flat_rows
    _write(path, rows(author, truth, n))
    if answers is not None:
        write_lines(answers, truth.answers.lines())
    _record(dataset, path)
    return truth.values()


def _flat_rows(author: Author, truth: Truth, n: int) -> Iterator[Any]:
    """Yield good rows, repeated ones, and broken ones spread evenly between them."""
    native, progress = NATIVE[truth.dataset], Progress(f"simulate {truth.dataset}", n, "rows")
    recent: deque[Any] = deque(maxlen=_REMEMBERED)
    reasons = _bad_reasons(tuple(native.bad), n)
    for i in range(n):
        repeat = recent and i % _ONE_DUPLICATE_IN == min(n, _ONE_DUPLICATE_IN) - 1
        row, messages = author.rng.choice(recent) if repeat else native.good(author)
        recent.append((row, messages))
        truth.keep(messages)
        yield row
        for reason in reasons(i):
            truth.refuse(reason)
            yield native.bad[reason](author)
        progress.advance(1)


def _tree_rows(author: Author, truth: Truth, n: int) -> Iterator[Any]:
    """Yield the messages of whole trees until there are `n` paths, and broken lines between."""
    progress = Progress(f"simulate {truth.dataset}", n, "conversations")
    recent: deque[Tree] = deque(maxlen=_REMEMBERED)
    reasons = _bad_reasons(BAD_LINES, n)
    number, n_repeated, most_paths = 0, 0, max(n // _TREES_AT_LEAST, _LEAST_PATHS)
    while truth.n_conversations < n:
        due = truth.n_conversations >= n // 2 + n_repeated * _ONE_DUPLICATE_IN
        tree = author.rng.choice(recent) if due and recent else grow_tree(author, most_paths)
        paths, done = tree.paths(), truth.n_conversations
        if due and recent:
            n_repeated += len(paths)
        elif len(paths) <= _DUPLICATE_PATHS:
            recent.append(tree)
        truth.n_users += 1  # each tree has an author of its own
        for path in paths:
            truth.keep(path)
        yield from tree_lines(author, tree, number)
        for reason in (r for i in range(done, min(done + len(paths), n)) for r in reasons(i)):
            truth.refuse(reason)
            yield bad_line(author, reason, number)
        progress.advance(len(paths))
        number += 1


def _bad_reasons(reasons: tuple[str, ...], n: int) -> Callable[[int], list[str]]:
    """Return a function: the reasons for which rows after the i-th of `n` are broken."""
    n_bad = len(reasons) * max(n // _BAD_OF_EACH_IN, 1)

    def after(i: int) -> list[str]:
        return [reasons[b % len(reasons)] for b in range(i * n_bad // n, (i + 1) * n_bad // n)]

    return after


def _write(path: Path, rows: Iterator[Any]) -> None:
    if path.suffix == ".parquet":
        _write_parquet(path, rows)
        return
    with atomic_path(path) as temporary, ExitStack() as stack:
        raw = stack.enter_context(temporary.open("wb"))
        handle: IO[bytes] = raw
        if path.suffix == ".gz":
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
            handle = cast(IO[bytes], stack.enter_context(packed))
        array = path.suffix == ".json"
        handle.write(b"[\n" if array else b"")
        for i, row in enumerate(rows):
            separator = b",\n" if array else b"\n"
            handle.write((separator if i else b"") + _bytes(row))
        handle.write(b"\n]\n" if array else b"\n")


def _bytes(row: Any) -> bytes:
    return row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode()


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, LMSYS_SCHEMA, compression="zstd") as writer,
    ):
        group: list[dict[str, Any]] = []
        for row in rows:
            group.append(row)
            if len(group) == _ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(group, LMSYS_SCHEMA))
                group = []
        if group:
            writer.write_table(pa.Table.from_pylist(group, LMSYS_SCHEMA))


def _record(dataset: str, path: Path) -> None:
    title, citation, _ = RELEASES[dataset]
    release = {
        "name": "simulated",
        "title": f"Simulated {title}",
        "comparable": False,
        "why_not": "simulated corpus written by this project",
        "simulated": True,
        "licence": "CC0-1.0",
        "gated": False,
        "citation": citation,
        "revision": None,
    }
    held = Held(path.name, sha256_file(path), path.stat().st_size, "recorded")
    acquired = path.with_name("acquired.json")
    write_acquired(acquired, dataset, "simulate", "simulated", release, [held])
