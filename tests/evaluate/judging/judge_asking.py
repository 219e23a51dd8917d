"""Asking a loopback judge about some answers."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from chat_server import Judge

from wildpaper.evaluate.judging.ask import ask_judge

KEY = "sk-planted-0123456789abcdef"
PROMPTS = Path(__file__).resolve().parents[3] / "data/mtbench/judge-prompts.jsonl"
OPTIONS = {
    "judge": "judge-latest",
    "key_variable": "JUDGE_KEY",
    "concurrency": 8,
    "requests_per_minute": 60_000,
    "timeout_s": 2.0,
    "attempts": 5,
    "max_tokens": 64,
    "usd_per_million_in": 0.0,
    "usd_per_million_out": 0.0,
    "most_requests": 10_000,
    "most_usd": 0.0,
    "seed": 1,
}


def write_lines(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def question(number: int, category: str = "writing", **more) -> dict:
    turns = [f"question {number}, first", f"question {number}, second"]
    return {"question_id": number, "category": category, "turns": turns, **more}


def answer(number: int, model: str, *turns: str) -> dict:
    said = list(turns) or [f"{model} on {number}, first", f"{model} on {number}, second"]
    return {"question_id": number, "model_id": model, "choices": [{"index": 0, "turns": said}]}


def write_material(folder: Path, n: int, models: tuple[str, ...] = ("a", "b")) -> dict:
    """Write `n` questions and the answers of some models; return arguments of `ask_judge`."""
    files = [
        write_lines(folder / f"{model}.jsonl", [answer(i, model) for i in range(1, n + 1)])
        for model in models
    ]
    questions = write_lines(folder / "q.jsonl", [question(i) for i in range(1, n + 1)])
    return {"questions": questions, "answers": files, "models": list(models)}


def ask(folder: Path, interface: Judge | str, material: dict, **changes) -> tuple[dict, list[dict]]:
    """Return the report and the rows of the judgments."""
    options = {
        "endpoint": interface if isinstance(interface, str) else interface.url,
        "prompts": PROMPTS,
        "log_folder": str(folder / "private" / "judge"),
        "judgments": folder / "judgments.parquet",
        "report": folder / "report.json",
        "pairs": [],
        **OPTIONS,
        **material,
        **changes,
    }
    ask_judge(**options)
    report = json.loads(options["report"].read_text())
    return report, pq.read_table(options["judgments"]).to_pylist()


def logged(folder: Path) -> list[dict]:
    text = (folder / "private" / "judge" / "judgments.jsonl").read_text()
    return [json.loads(line) for line in text.split("\n")[:-1]]
