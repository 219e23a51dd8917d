"""A small classifier of prompts for tests, labelled prompts, and shards to classify."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.acquire.simulation.labelled import write_prompts
from wildpaper.acquire.simulation.targets import read_targets
from wildpaper.annotate.categories.classify import classify_prompts
from wildpaper.annotate.categories.training import MODEL_FILES, train_category
from wildpaper.schema import LABELS, MESSAGES, write_labels

DATA = Path(__file__).parents[2] / "data"
CATEGORIES = DATA / "categories.yaml"
SAID = {
    "coding": "Write a Python function that counts the old oven.",
    "math-reasoning": "What is 45 plus 120?",
    "factual-information": "Who discovered the comet?",
    "analysis-or-decision-explanation": "Explain why the library matters.",
    "assisting-or-creative-writing": "Please write a poem about the summit.",
    "other": "Translate the violin into French.",
}


def write_corpus(folder: Path) -> tuple[Path, Path]:
    """Write 1,200 prompts that train and 600 that measure errors."""
    train, assess = folder / "prompts-train.jsonl", folder / "prompts-assess.jsonl"
    write_prompts(train, assess, 300, 0.1, read_targets(DATA / "published.yaml"), 3)
    return train, assess


def train(labelled: Path, folder: Path, seed: int = 5, n_batches: int = 150) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in MODEL_FILES]
    train_category(labelled, *files, seed=seed, n_batches=n_batches)
    return files


def write_prompt_lines(path: Path, pairs: list[tuple[str, str]]) -> Path:
    lines = [json.dumps({"text": text, "category": category}) for text, category in pairs]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Said:
    """A message; no language: none is labelled."""

    text: str
    role: str = "user"
    language: str | None = "English"


def write_shards(
    folder: Path, conversations: dict[int, list[Said]], n_shards: int = 1
) -> dict[str, list[Path]]:
    """Write messages and their languages, conversations in the order of the mapping."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [([], []) for _ in range(n_shards)]
    for number, said in conversations.items():
        messages, languages = rows[number % n_shards]
        for position, message in enumerate(said):
            key = {"conversation_id": number, "position": position}
            rest = {"turn": None, "role": message.role, "text": message.text, "timestamp": None}
            messages.append(key | rest)
            if message.language is not None:
                languages.append(key | {"language": message.language, "confidence": 1.0})
    paths = {name: [folder / f"{name}-{i}.parquet" for i in range(n_shards)]
             for name in ("messages", "languages", "labels")}  # fmt: skip
    for i, (messages, languages) in enumerate(rows):
        pq.write_table(pa.Table.from_pylist(messages, MESSAGES), paths["messages"][i])
        table = pa.Table.from_pylist(languages, LABELS["language"])
        write_labels(paths["languages"][i], "language", table, "planted", "recorded")
    return paths


def classified(
    paths: dict[str, list[Path]], model: list[Path], n_sample: int = 1000, seed: int = 7
) -> dict[tuple[int, int], tuple[str, float]]:
    """Return {key: (category, probability)} of all labels."""
    classify_prompts(**paths, model=model, categories=CATEGORIES, name=None, revision=None,
                     n_sample=n_sample, seed=seed)  # fmt: skip
    rows = [row for path in paths["labels"] for row in pq.read_table(path).to_pylist()]
    return {(row["conversation_id"], row["position"]): (row["category"], row["probability"])
            for row in rows}  # fmt: skip
