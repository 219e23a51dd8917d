"""Language of each message, by lingua, the paper's own choice (section 2)."""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.errors import WildpaperError
from wildpaper.progress import Progress
from wildpaper.schema import write_labels

_BATCH_TEXTS = 1000


def build_detector(languages: str | Sequence[str], accuracy: str) -> LanguageDetector:
    """Return a lingua detector.

    Parameters
    ----------
    languages : "all" or sequence of str
        lingua's English names, in any case (``"English"``).
    accuracy : {"high", "low"}
        lingua's accuracy mode.

    Raises
    ------
    WildpaperError
        If lingua does not know a name, or fewer than two are given.
    """
    if languages == "all":
        builder = LanguageDetectorBuilder.from_all_languages()
    else:
        known = {language.name.title(): language for language in Language.all()}
        unknown = [name for name in languages if name.title() not in known]
        distinct = sorted({name.title() for name in languages})
        if unknown or len(distinct) < 2:
            raise WildpaperError(
                f"lingua needs at least two languages that it knows; unknown: {unknown}",
                where="config key annotate.language.languages",
                hint=f"It knows: {', '.join(sorted(known))}.",
            )
        builder = LanguageDetectorBuilder.from_languages(*(known[name] for name in distinct))
    if accuracy == "low":
        builder = builder.with_low_accuracy_mode()
    return builder.build()


def detect(detector: LanguageDetector, texts: list[str]) -> list[tuple[str, float]]:
    """Return (language, confidence) of each text.

    The language is the one of the highest confidence, by its English name in title
    case. Texts that are blank, or in which lingua sees no language at all (digits,
    punctuation, emoji), get `NO_LANGUAGE` with confidence 0.
    """
    found = []
    for values in detector.compute_language_confidence_values_in_parallel(texts):
        best = values[0]
        name = best.language.name.title() if best.value > 0 else NO_LANGUAGE
        found.append((name, best.value))
    return found


def detect_language(
    messages: list[Path],
    labels: list[Path],
    datasets: list[str],
    languages: str | Sequence[str] = "all",
    accuracy: str = "high",
    route: str = "computed",
) -> None:
    """Label a shard of each of some data sets; each distinct text of it is looked at once.

    Parameters
    ----------
    messages, labels : list of Path
        Shards of ingest; as many shards of labels to write.
    datasets : list of str
        Named in the progress lines.
    languages, accuracy
        See `build_detector`: lingua's models are loaded once.
    route : str
        Where the labels come from.
    """
    detector = build_detector(languages, accuracy)
    annotator = annotator_name(languages, accuracy)
    for shard, path, dataset in zip(messages, labels, datasets, strict=True):
        _label_shard(detector, shard, path, dataset, annotator, route)


def _label_shard(
    detector: LanguageDetector, messages: Path, labels: Path, dataset: str, annotator: str,
    route: str,
) -> None:  # fmt: skip
    known: dict[str, tuple[str, float]] = {}
    file = pq.ParquetFile(messages)
    progress = Progress(f"{dataset}: languages", file.metadata.num_rows, "messages")
    keys: list[pa.Table] = []
    found: list[tuple[str, float]] = []
    columns = ["conversation_id", "position", "text"]
    for batch in file.iter_batches(batch_size=_BATCH_TEXTS, columns=columns):
        texts = batch.column("text").to_pylist()
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if len(known) > _BATCH_TEXTS * 100:
            known.clear()
            new = list(dict.fromkeys(texts))
        known.update(zip(new, detect(detector, new), strict=True))
        found.extend(known[text] for text in texts)
        keys.append(pa.Table.from_batches([batch.select(columns[:2])]))
        progress.advance(len(texts))
    write_labels(labels, "language", _table(keys, found), annotator, route)


def _table(keys: list[pa.Table], found: list[tuple[str, float]]) -> pa.Table:
    empty: dict[str, Any] = {
        "conversation_id": pa.array([], pa.int64()),
        "position": pa.array([], pa.int32()),
    }
    table = pa.concat_tables(keys) if keys else pa.table(empty)
    table = table.append_column("language", pa.array([name for name, _ in found], pa.string()))
    return table.append_column("confidence", pa.array([c for _, c in found], pa.float32()))


def annotator_name(languages: str | Sequence[str], accuracy: str) -> str:
    """Return what label files call the detector, see `build_detector`."""
    version = importlib.metadata.version("lingua-language-detector")
    scope = "" if languages == "all" else f"-{len({name.title() for name in languages})}-languages"
    return f"lingua-{version}-{accuracy}{scope}"
