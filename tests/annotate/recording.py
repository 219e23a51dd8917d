"""Releases with planted labels, kept by `keep_recorded` and read back under ingest's keys."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.recorded.keep import keep_recorded
from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.schema import DETOXIFY_HEADS, MODERATION_CATEGORIES

NAMES = ["language", "detoxify", "moderation"]
SLASHED = {
    "harassment_threatening": "harassment/threatening",
    "hate_threatening": "hate/threatening",
    "self_harm": "self-harm",
    "self_harm_instructions": "self-harm/instructions",
    "self_harm_intent": "self-harm/intent",
    "sexual_minors": "sexual/minors",
    "violence_graphic": "violence/graphic",
}


def release_schema(spellings):
    """Return the columns that matter here, moderation categories under `spellings`."""
    message = [("content", pa.string()), ("role", pa.string()), ("language", pa.string())]
    answer = [
        ("categories", pa.struct([(name, pa.bool_()) for name in spellings])),
        ("category_scores", pa.struct([(name, pa.float64()) for name in spellings])),
        ("flagged", pa.bool_()),
    ]
    heads = [(head, pa.float64()) for head in sorted(DETOXIFY_HEADS)]
    return pa.schema(
        [
            ("conversation_hash", pa.string()),
            ("conversation", pa.list_(pa.struct(message))),
            ("openai_moderation", pa.list_(pa.struct(answer))),
            ("detoxify_moderation", pa.list_(pa.struct(heads))),
        ]
    )


BOTH = [*MODERATION_CATEGORIES, *SLASHED.values()]


def answer(rng, spellings, flagged=None):
    categories = {name: rng.random() < 0.3 for name in MODERATION_CATEGORIES}
    scores = {name: rng.random() for name in MODERATION_CATEGORIES}
    spelled = {SLASHED.get(name, name): name for name in MODERATION_CATEGORIES}
    spelled.update({name: name for name in MODERATION_CATEGORIES})
    return {
        "categories": {name: categories[spelled[name]] for name in spellings},
        "category_scores": {name: scores[spelled[name]] for name in spellings},
        "flagged": any(categories.values()) if flagged is None else flagged,
    }


def labelled_row(rng, i, n_messages, spellings=BOTH):
    roles = ["user" if j % 2 == 0 else "assistant" for j in range(n_messages)]
    return {
        "conversation_hash": f"hash {i}",
        "conversation": [
            {"content": f"text {i} {j}", "role": role, "language": rng.choice(["English", "Thai"])}
            for j, role in enumerate(roles)
        ],
        "openai_moderation": [answer(rng, spellings) for _ in roles],
        "detoxify_moderation": [{h: rng.random() for h in DETOXIFY_HEADS} for _ in roles],
    }


def acquire(folder, *tables, name="wildchat-1m"):
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for i, table in enumerate(tables):
        files.append({"name": f"train-{i}.parquet"})
        pq.write_table(table, folder / f"train-{i}.parquet", row_group_size=7)
    release = {"name": name, "title": "t", "comparable": False, "why_not": "w", "simulated": True}
    content = {"dataset": "wildchat", "release": release, "files": files}
    (folder / "acquired.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "acquired.json"


def keep(acquired, out, names=NAMES, n_shards=1, **options):
    paths = [out / f"{n}-{i}.parquet" for n in names for i in range(n_shards)]
    options = {"dataset": "wildchat", "native_format": "wildchat-parquet", **options}
    keep_recorded(acquired, paths, names, **options)
    return {n: paths[i * n_shards : (i + 1) * n_shards] for i, n in enumerate(names)}


def by_key(paths):
    """Return {(source conversation, position): label row} of all shards of a label."""
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    keyed = {(row.pop("conversation_id"), row.pop("position")): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


def ingested(acquired, out, options=None):
    """Return {text: key} as ingest numbers the messages."""
    conversations, messages = out / "c.parquet", out / "m.parquet"
    ingest_dataset(acquired, [conversations], [messages], out / "q.parquet", out / "report.json",
                   out / "ledger.json", "wildchat", "wildchat-parquet", options)  # fmt: skip
    found = pq.read_table(messages).to_pylist()
    return {row["text"]: (row["conversation_id"], row["position"]) for row in found}
