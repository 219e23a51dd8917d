"""Canonical shards of invented conversations, and recipes, for the tests of training."""

import datetime
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from wildpaper.schema import CONVERSATIONS, MESSAGES

ROOT = Path(__file__).resolve().parents[2]
SYLLABLES = ["ka", "lo", "mi", "ter", "su", "ven", "dra", "pol", "ni", "ges", "ura", "bis"]


def words(draw, n, vocabulary):
    return " ".join(draw.choice(vocabulary) for _ in range(n))


def vocabulary(seed, n=120):
    draw = random.Random(seed)
    return ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(n)]


def talk(draw, known, n_turns, n_user=20, n_reply=40):
    """Return messages of an ordinary conversation."""
    found = []
    for _ in range(n_turns):
        found.append(("user", words(draw, draw.randint(1, 2 * n_user), known)))
        found.append(("assistant", words(draw, draw.randint(1, 2 * n_reply), known)))
    return found


def corpus(seed, n, known, **shape):
    draw = random.Random(seed)
    return [talk(draw, known, draw.choice([1, 1, 2, 3, 5]), **shape) for _ in range(n)]


def write_shards(
    folder, talks, dataset="wildchat", n_shards=1, timestamps=None, languages=None, toxic=None
):
    """Write conversations as ingest does; return their paths and the ingest report."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"conversations": [], "messages": []}
    for shard in range(n_shards):
        heads, rows = [], []
        for number, messages in enumerate(talks):
            if number % n_shards != shard:
                continue
            roles = [role for role, _ in messages]
            heads.append(
                dict.fromkeys(CONVERSATIONS.names)
                | {"dataset": dataset, "conversation_id": number, "source_id": f"s{number}"}
                | {"timestamp": timestamps[number] if timestamps else None, "duplicate": False}
                | {"language": languages[number] if languages else None}
                | {"toxic": toxic[number] if toxic else None}
                | {"n_turns": roles.count("user"), "n_messages": len(roles)}
            )
            for position, (role, text) in enumerate(messages):
                key = {"conversation_id": number, "position": position, "turn": None}
                rows.append(key | {"role": role, "text": text, "timestamp": None})
        for kind, listed, schema in (("conversations", heads, CONVERSATIONS),
                                     ("messages", rows, MESSAGES)):  # fmt: skip
            path = folder / f"{kind}-{shard}.parquet"
            pq.write_table(pa.Table.from_pylist(listed, schema), path)
            paths[kind].append(path)
    return paths


def write_byte_level_tokenizer(path, special=("<|im_start|>", "<|im_end|>"), space_before=False):
    """Write a small tokenizer of the kind of SmolLM2's, with pieces that no text becomes."""
    tokenizer = Tokenizer(models.BPE())
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=space_before)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), bytes_of]
    )
    tokenizer.decoder = decoders.ByteLevel()
    blanks = " x\n\n\n\nx   x\t\tx\n \nx"
    texts = [words(random.Random(8), 2000, vocabulary(8)), blanks, "system user assistant\n"]
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts * 3, trainer)
    written = json.loads(tokenizer.to_str())
    pieces = written["model"]["vocab"]
    for piece in special:
        pieces[piece] = len(pieces)
    path.write_text(json.dumps(written), encoding="utf-8")
    return path


def write_ingest_report(path, dataset, simulated):
    release = {"title": f"{dataset}, invented", "simulated": simulated}
    path.write_text(json.dumps({"dataset": dataset, "release": release}), encoding="utf-8")
    return path


def tiny_recipe(path, **changes):
    """Write a recipe that trains in about a second; `changes` are ``section__key=value``."""
    recipe = yaml.safe_load((ROOT / "data/recipes/tiny.yaml").read_text(encoding="utf-8"))
    recipe |= {"name": path.stem}
    recipe["architecture"] |= {"hidden_size": 16, "intermediate_size": 16, "n_layers": 1}
    recipe["optimiser"] |= {"batch": 4, "micro_batch_tokens": 256, "max_tokens": 5_000}
    recipe["data"]["max_length"] = 256
    recipe["held_out"] |= {"points": 4, "max_examples": 24}
    del recipe["coverage"]["max_prompts"]
    for key, value in changes.items():
        *sections, name = key.split("__")
        node = recipe
        for section in sections:
            node = node[section]
        if value is None:
            node.pop(name, None)
        else:
            node[name] = value
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path


def day(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def write_call(path, arguments, function="wildpaper.train.fine_tune:train_model"):
    """Write what ``python -m wildpaper.train.worker`` calls."""

    def plain(value):
        if isinstance(value, list):
            return [plain(item) for item in value]
        return {"path": str(value)} if isinstance(value, Path) else value

    written = {"function": function, "arguments": {k: plain(v) for k, v in arguments.items()}}
    path.write_text(json.dumps(written), encoding="utf-8")
    return path
