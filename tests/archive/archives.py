"""Small made-up runs to pack, and what is in their archives."""

import json
from pathlib import Path

from wildpaper.archive.layout import open_archive
from wildpaper.archive.pack import write_archive
from wildpaper.files import sha256_file

RESULTS = "results/tiny"
FOLDERS = {f"{RESULTS}/": "{results}/", "data/private/tiny/release/": "{private}/"}
RECORD = "data/raw/simulated/1/alpaca/acquired.json"
TRUTH = "data/raw/simulated/1/truth.json"


def simple_job(rule, inputs, outputs, wildcards=None, seconds=1.0, params=None):
    """Write outputs that say what they are, and the record that the bridge leaves."""
    for name in outputs:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(f"{rule}: {name}\n" * 40, encoding="utf-8")
    record = {
        "rule": rule, "wildcards": wildcards or {}, "inputs": inputs, "outputs": outputs,
        "code_digest": f"code-of-{rule}"[:16], "params": params or {"seed": "11111111"},
        "seconds": seconds, "peak_mb": 1.0,
    }  # fmt: skip
    of = "-".join((wildcards or {}).values()) or "all"
    place = Path(RESULTS, "logs", rule, f"{of}.provenance.json")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(record), encoding="utf-8")


def write_run():
    """Write a run in the working folder: simulate, ingest, label, train, measure, claims."""
    simple_job("simulate_study", [], [RECORD, TRUTH])
    messages = [f"{RESULTS}/ingest/alpaca/messages-{i}.parquet" for i in range(2)]
    ledger = f"{RESULTS}/ingest/alpaca/ledger.json"
    simple_job("ingest_dataset", [RECORD], [*messages, ledger], {"dataset": "alpaca"})
    labels = [f"{RESULTS}/annotate/tokens@computed/alpaca-{i}.parquet" for i in range(2)]
    for i in range(2):
        of = {"dataset": "alpaca", "shard": str(i)}
        simple_job("count_tokens", [messages[i], "data/patterns.yaml"], [labels[i]], of)
    weights = [f"{RESULTS}/train/wildllama/{n}" for n in ("model.safetensors", "losses.json")]
    simple_job("train_model", messages, weights, {"model": "wildllama"}, 500.0)
    score = f"{RESULTS}/evaluate/scores.parquet"
    simple_job("score_models", [weights[0]], [score], seconds=20.0)
    table = f"{RESULTS}/measure/table.csv"
    simple_job("measure_all", [*labels, messages[0], weights[1], score], [table])
    claims = f"{RESULTS}/publish/claims.json"
    simple_job("write_claims", [table, RECORD, TRUTH, ledger], [claims])
    Path("data/patterns.yaml").write_text("a: b\n", encoding="utf-8")
    files = [*messages, *labels, *weights, score, table, claims, ledger]
    outputs = [{"path": name, "sha256": sha256_file(Path(name))} for name in files]
    Path("manifest.json").write_text(json.dumps({"outputs": outputs}), encoding="utf-8")
    return [Path(claims)]


def pack(files, to="tiny.tar", texts=True, models=True):
    """Pack the run, and open the archive."""
    write_archive(
        files, Path("manifest.json"), Path(to), [f"{RESULTS}/logs"], "tiny", "0.1",
        {"alpaca": {"source": "simulate", "version": "1", "files": ""}},
        {"restored/alpaca/acquired.json": RECORD, "restored/truth.json": TRUTH},
        FOLDERS, texts, models,
    )  # fmt: skip
    return open_archive(Path(to))
