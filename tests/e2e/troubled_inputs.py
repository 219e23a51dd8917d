"""A troubled study: one Alpaca file and one WildChat file with all kinds of trouble in them."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CANARY = "canary-5b1c"
STRANGE_MODEL = r"gpt_4%#&{x}$^~\z <pro>"
QUARANTINED = {"alpaca": 4, "wildchat": 3}

_TOPICS = ("rivers", "bread", "clocks", "maps", "bridges", "kites", "lamps", "wool")
_GERMAN = "Erkläre bitte in einem kurzen Satz, warum die Brücke im Winter gesperrt wird."


def write_alpaca(path: Path) -> None:
    items: list[object] = []
    for i in range(150):
        topic = _TOPICS[i % len(_TOPICS)]
        items.append(
            {
                "instruction": f"Please explain to a child how people use {topic}, part {i % 40}.",
                "input": "Keep it short and friendly." if i % 3 == 0 else "",
                "output": f"People have used {topic} for a long time. " * (1 + i % 7),
            }
        )
    items[7] = {"instruction": _GERMAN, "input": "", "output": "Wegen des Eises."}
    items[11] = None
    items[12] = {"instruction": CANARY, "input": ["no", "text"], "output": "x"}
    items[13] = {"instruction": CANARY}
    items[14] = {"instruction": "Repeat.", "input": "", "output": CANARY + " word" * 200_000}
    text = json.dumps(items)
    text = text.replace("Keep it short", "Keep \\ud800it short", 1)
    path.write_text(text[:-1] + ', {"instruction": "cut o', encoding="utf-8")


def write_wildchat(path: Path) -> None:
    rows = []
    for i in range(60):
        messages: list[dict[str, object]] = []
        for turn in range(1 + i % 3):
            question = f"What should I know about {_TOPICS[i % 8]} before day {turn}?"
            messages.append({"role": "user", "content": question})
            messages.append({"role": "assistant", "content": f"Mostly patience. {CANARY} {i}"})
        rows.append(_row(messages, i))
    rows[5]["conversation"] = None
    rows[6]["conversation"][0]["role"] = "narrator"
    rows[8]["conversation"][1]["content"] = None
    pq.write_table(pa.Table.from_pylist(rows), path)


def _row(messages: list[dict[str, object]], i: int) -> dict:
    digest = hashlib.sha256(
        json.dumps([{"content": m["content"], "role": m["role"]} for m in messages]).encode()
    ).hexdigest()[:32]
    return {
        "conversation_hash": digest,
        "model": STRANGE_MODEL if i % 4 == 0 else "gpt-3.5-turbo-0301",
        "timestamp": datetime(2023, 5, 1, tzinfo=UTC) + timedelta(hours=i),
        "conversation": messages,
        "turn": len(messages) // 2,
        "hashed_ip": hashlib.sha256(str(i % 23).encode()).hexdigest(),
    }


def write_study(folder: Path) -> Path:
    """Write both files and a configuration; return the configuration."""
    folder.mkdir(parents=True)
    write_alpaca(folder / "alpaca.json")
    write_wildchat(folder / "wildchat.parquet")
    config = folder / "troubled.yaml"
    config.write_text(
        f"""\
preset: troubled
shards: 3
datasets:
  alpaca: {{source: path, path: {folder / "alpaca.json"}}}
  wildchat: {{source: path, path: {folder / "wildchat.parquet"}}}
annotate:
  language: {{languages: [English, German, Spanish, French]}}
measure: {{bootstrap_replicates: 200, minimum_prompts: 40}}
""",
        encoding="utf-8",
    )
    return config
