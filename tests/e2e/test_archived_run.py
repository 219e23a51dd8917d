"""A run is packed, and restored where there is no raw data: the same paper, nothing trained."""

import json
import re
import shutil

import pytest
from calling_snakemake import rules_of
from jsonschema import Draft202012Validator

from wildpaper.archive.layout import open_archive

pytestmark = pytest.mark.e2e

PROMISED = ("present/tables", "present/figures", "publish/claims.json", "publish/claims.md",
            "publish/claims.csv", "publish/paper.pdf", "ledger.json")  # fmt: skip
ALWAYS = re.compile(
    r"restore_\w+|verify_archive|check_restored|measure_\w+|render_\w+|draw_\w+|leave_\w+_blank|"
    r"write_(?!archive|model_card)\w+|merge_ledgers|run_notebook|build_paper|manifest|all|"
    r"convert_tokenizer"
)
"""The tokenizer's package is at hand, so token counts can be among what is computed anew."""
SHARDS = ("--config", "shards=3")


@pytest.fixture(scope="module")
def packed(simulated, simulated_run):
    """Return the finished run and its archive."""
    folder, _ = simulated_run
    simulated.snakemake(folder, "archive", "--cores", "2", *SHARDS)
    return folder, folder / "archives" / "micro.tar"


@pytest.fixture(scope="module")
def restored(simulated, packed):
    """Return the folder of a run that restored the archive, and what was said before it."""
    _, archive = packed
    folder = simulated.project.parent / "micro-restored"
    options = (*SHARDS, f"restore={archive}", "archive={check_seconds: 10}")
    return folder, simulated.snakemake(folder, "--cores", "2", *options)


def told(output, status):
    """Return what is said of a status before the DAG, line breaks removed."""
    text = re.sub(r"\n {10,}", " ", output)
    return [line.strip() for line in text.splitlines() if line.startswith(f"  {status}: ")]


def promised_files(folder):
    results = folder / "results" / "micro"
    paths = [results / name for name in PROMISED]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    return {file.relative_to(results): file.read_bytes() for file in files if file.is_file()}


def test_nothing_is_trained_or_scored(restored):
    _, output = restored
    rules = rules_of(output)
    assert not [rule for rule in rules if not ALWAYS.fullmatch(rule)]
    assert "restore_train" in rules
    assert "scan_results" not in rules


def test_tables_figures_claims_and_paper_are_the_same_bytes(packed, restored):
    first, again = promised_files(packed[0]), promised_files(restored[0])
    assert first.keys() == again.keys()
    assert all(any(str(name).startswith(part) for name in first) for part in PROMISED)
    assert not [str(name) for name, data in first.items() if again[name] != data]


def test_no_raw_data_comes_in_and_no_weights(restored):
    folder, _ = restored
    raw = folder / "data" / "raw"
    assert not [path for path in raw.rglob("*") if path.suffix in (".jsonl", ".json", ".parquet")]
    assert not (folder / "data" / "private").exists()
    assert not (folder / "results/micro/train/wildllama/model.safetensors").exists()


def test_what_was_restored_is_told_and_recorded(project, restored):
    folder, output = restored
    publish = folder / "results" / "micro" / "publish"
    assert "train_model (2)" in told(output, "restored")[0]
    assert any("scan_results - it compares" in line for line in told(output, "left out"))
    report = json.loads((publish / "restored.json").read_text(encoding="utf-8"))
    schema = json.loads((project / "data/schemas/restored.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(report)
    assert report["computed_anew"]
    assert report["not_computed_anew"]["train_model"] == "only labels and scores are computed anew"
    outputs = json.loads((publish / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    routes = {one["path"]: one["route"] for one in outputs}
    assert routes["results/micro/evaluate/judgments.parquet"] == "restored"
    assert routes["results/micro/measure/token-lengths.csv"] == "simulated"


def test_nothing_is_done_twice(simulated, packed, restored):
    options = (*SHARDS, f"restore={packed[1]}", "archive={check_seconds: 10}")
    assert "Nothing to be done" in simulated.snakemake(restored[0], "--dry-run", *options)


def test_a_run_that_restores_is_not_packed_again(simulated, packed, restored):
    options = (*SHARDS, f"restore={packed[1]}")
    output = simulated.snakemake(restored[0], "archive", "--dry-run", *options, check=False)
    assert "is not packed again" in output


def test_a_changed_setting_is_computed_and_named(simulated, packed, tmp_path):
    options = (*SHARDS, f"restore={packed[1]}", "annotate={near_duplicate: {threshold: 0.71}}")
    output = simulated.snakemake(tmp_path / "other", "--dry-run", *options)
    lines = told(output, "computed")
    assert any("find_near_duplicates (6) - its settings changed: threshold" in s for s in lines)
    rules = rules_of(output)
    assert "find_near_duplicates" in rules
    assert not [rule for rule in rules if rule.startswith(("train_", "score_", "ingest_"))]


def test_a_damaged_archive_is_refused_by_the_name_of_the_member(simulated, packed, tmp_path):
    damaged = tmp_path / "damaged.tar"
    shutil.copyfile(packed[1], damaged)
    data = bytearray(damaged.read_bytes())
    name = "train/wildllama/losses.json"
    data[open_archive(damaged).starts[name] + 600] ^= 1
    damaged.write_bytes(data)
    folder = tmp_path / "run"
    output = simulated.snakemake(
        folder, "tables", "--cores", "1", *SHARDS, f"restore={damaged}", check=False
    )
    assert f"The archive is damaged: {name} is not what was packed" in output
    assert not (folder / "results" / "micro" / "ingest").exists()
