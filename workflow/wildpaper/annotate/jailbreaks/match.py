"""Which jailbreaking prompt a user message is (Table 8), shard by shard."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from wildpaper.annotate.jailbreaks.patterns import JailbreakPatterns, read_patterns
from wildpaper.annotate.jailbreaks.search import family_of
from wildpaper.annotate.message_batches import (
    KEY,
    count_messages,
    key_table,
    message_batches,
)
from wildpaper.files import sha256_file
from wildpaper.progress import Progress
from wildpaper.schema import write_labels

_BATCH_MESSAGES = 4_096


def match_jailbreaks(messages: Path, patterns: Path, labels: Path, route: str = "computed") -> None:
    """Label one shard of messages; only user messages can belong to a family.

    Parameters
    ----------
    messages : Path
        Shard of canonical messages.
    patterns : Path
        ``data/jailbreaks.yaml``.
    labels : Path
        Shard of labels to write; no family is null.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file cannot be used.
    """
    compiled = read_patterns(patterns)
    progress = Progress(f"{labels.stem}: jailbreaks", count_messages(messages), "messages")
    keys: list[pa.RecordBatch] = []
    found: list[str | None] = []
    known: dict[str, str | None] = {}
    for batch in message_batches(messages, ("role", "text"), _BATCH_MESSAGES):
        known.clear()
        from_user = pc.equal(batch.column("role").cast(pa.string()), "user").to_pylist()
        for is_user, text in zip(from_user, batch.column("text").to_pylist(), strict=True):
            if is_user and text not in known:
                known[text] = family_of(text, compiled)
            found.append(known[text] if is_user else None)
        keys.append(batch.select(list(KEY)))
        progress.advance(batch.num_rows)
    table = key_table(keys).append_column("family", pa.array(found, pa.string()))
    write_labels(labels, "jailbreak", table, _annotator(compiled, patterns), route)


def _annotator(compiled: JailbreakPatterns, patterns: Path) -> str:
    return f"jailbreaks-{compiled.version}-{sha256_file(patterns)[:8]}"
