"""The DAG on two files full of trouble: what comes out, what stays the same, what reruns."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest
import yaml
from troubled_inputs import CANARY, QUARANTINED

from wildpaper.schema import CONVERSATIONS, LABELS, MESSAGES, QUARANTINE, embedding_schema

pytestmark = pytest.mark.e2e

_AFTER_MEASURE = {
    "write_claims", "write_numbers", "write_origins", "write_claims_table", "write_context",
    "render_datasets", "render_near_duplicates", "run_notebook", "build_paper", "manifest",
    "write_report", "write_crate", "all",
}  # fmt: skip
_BOOTSTRAPPED = {
    "measure_datasets", "measure_apis", "measure_countries", "measure_languages", "measure_turns",
    "measure_language_tail", "measure_collection", "measure_language_agreement",
    "measure_near_duplicates",
}  # fmt: skip


def read(folder, name):
    return json.loads((folder / "results/troubled" / name).read_text(encoding="utf-8"))


def promised(folder):
    """Return the files whose bytes are promised to be the same."""
    base = folder / "results/troubled"
    files = [base / "ledger.json", *base.glob("publish/paper.pdf"), *base.glob("publish/claims.*")]
    files += [*base.glob("present/tables/*"), *base.glob("present/figures/*")]
    return {str(path.relative_to(base)): path.read_bytes() for path in sorted(files)}


def test_the_output_contract_holds(first_run, project):
    base = first_run / "results/troubled"
    artifacts = yaml.safe_load((project / "data/artifacts.yaml").read_text(encoding="utf-8"))
    for artifact in artifacts["artifacts"]:
        suffixes = {"table": ("csv", "tex"), "figure": ("pdf", "png"), "numbers": ()}
        for suffix in suffixes[artifact["kind"]]:
            path = base / f"present/{artifact['kind']}s/{artifact['id']}.{suffix}"
            assert path.stat().st_size > 0, path
    for name in (
        "paper.pdf",
        "claims.json",
        "claims.md",
        "claims.csv",
        "manifest.json",
        "report.html",
    ):
        assert (base / "publish" / name).stat().st_size > 0
    assert (base / "present/notebooks/01_statistics.html").stat().st_size > 0


def test_every_parquet_file_keeps_its_schema(first_run):
    schemas = {"conversations": CONVERSATIONS, "messages": MESSAGES, "quarantine": QUARANTINE}
    base = first_run / "results/troubled"
    files = list(base.rglob("*.parquet"))
    assert len(files) == 2 * (3 + 3 + 1 + 4 * 3)
    for path in files:
        if "annotate" in path.parts:
            label = path.parent.name.split("@")[0]
            schema = pq.read_schema(path)
            expected = embedding_schema(384) if label == "embedding" else LABELS[label]
            assert {b"annotator", b"route"} <= set(schema.metadata)
        else:
            schema, expected = pq.read_schema(path), schemas[path.stem.split("-")[0]]
        assert schema.remove_metadata().equals(expected), path


def test_every_json_file_keeps_its_schema(first_run, project):
    schemas = project / "data/schemas"
    names = {"claims": "publish/claims.json", "ledger": "ledger.json",
             "manifest": "publish/manifest.json"}  # fmt: skip
    for name, file in names.items():
        schema = json.loads((schemas / f"{name}.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(read(first_run, file), schema)


def test_bad_rows_are_counted_and_the_ledger_adds_up(first_run):
    rows = read(first_run, "ledger.json")
    assert {row["dataset"]: sum(row["dropped"].values()) for row in rows} == QUARANTINED
    assert {row["dataset"]: row["in"] for row in rows} == {"alpaca": 151, "wildchat": 60}
    report = read(first_run, "ingest/alpaca/report.json")
    assert report["quarantine"] == {
        "missing-field": 1, "non-string-text": 1, "null-conversation": 1, "truncated-file": 1,
    }  # fmt: skip
    assert report["surrogates_removed"] == {"n_characters": 1, "n_messages": 1}


def test_planted_counts_are_recovered(first_run):
    claims = {claim["id"]: claim for claim in read(first_run, "publish/claims.json")["claims"]}
    wildchat = [1 + i % 3 for i in range(60) if i not in (5, 6, 8)]
    assert claims["table-01.wildchat.conversations"]["obtained"] == 57
    assert claims["table-01.wildchat.users"]["obtained"] == 23
    obtained = claims["table-01.wildchat.turns-per-conversation"]["obtained"]
    assert obtained == pytest.approx(sum(wildchat) / len(wildchat))
    assert claims["table-01.alpaca.conversations"]["obtained"] == 147
    assert claims["table-01.alpaca.languages"]["obtained"] == 1
    assert claims["table-01.alpaca.conversations"]["verdict"] == "not-comparable"


def test_every_published_claim_is_answered_once(first_run, project):
    published = yaml.safe_load((project / "data/published.yaml").read_text(encoding="utf-8"))
    claims = read(first_run, "publish/claims.json")["claims"]
    counted = Counter(claim["id"] for claim in claims)
    assert all(counted[item["id"]] == 1 for item in published["claims"] + published["summary"])
    for claim in claims:
        assert claim["verdict"] in ("reproduced", None) or claim["reason"], claim["id"]


def test_no_message_text_outside_the_tables_of_messages(first_run):
    for path in (first_run / "results").rglob("*"):
        if path.is_file() and not path.name.startswith("messages-"):
            assert CANARY.encode() not in path.read_bytes(), path


def test_the_manifest_covers_and_matches_every_output(first_run):
    manifest = read(first_run, "publish/manifest.json")
    listed = {output["path"] for output in manifest["outputs"]}
    after = ("manifest.json", "report.html", "ro-crate.zip", "ro-crate-metadata.json")
    made = {
        str(path.relative_to(first_run))
        for path in (first_run / "results").rglob("*")
        if path.is_file() and "logs" not in path.parts and path.name not in after
    }
    assert made <= listed
    text = json.dumps(manifest)
    assert str(first_run) not in text
    assert str(first_run.parent) not in text


def test_a_strange_model_name_is_printed_literally(first_run, tmp_path):
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not on PATH (package poppler-utils)")
    text = tmp_path / "paper.txt"
    subprocess.run(
        [tool, str(first_run / "results/troubled/publish/paper.pdf"), str(text)], check=True
    )
    printed = re.sub(r"\s+", "", text.read_text(encoding="utf-8"))
    assert re.sub(r"\s+", "", r"gpt_4%#&{x}$^~\z<pro>") in printed


def test_a_second_run_has_nothing_to_do(study, first_run):
    assert "Nothing to be done" in study.snakemake(first_run, "--cores", "2")


def test_bytes_do_not_depend_on_cores_or_shards(first_run, second_run):
    left, right = promised(first_run), promised(second_run)
    left = {name: found for name, found in left.items() if name != "publish/paper.pdf"}
    assert left.keys() == right.keys()
    assert [name for name in left if left[name] != right[name]] == []


@pytest.mark.parametrize(
    ("module", "old", "new", "rules"),
    [
        pytest.param(
            "annotate/tokens/count.py", "def count_tokens(", "_EDITED = 1\n\n\ndef count_tokens(",
            {"count_tokens", "measure_datasets", "measure_token_lengths", "draw_token_lengths",
             "measure_near_duplicates"} | _AFTER_MEASURE,
            id="token counter",
        ),
        pytest.param(
            "annotate/language/detect.py", "_BATCH_TEXTS = 1000", "_BATCH_TEXTS = 999",
            {"detect_language", "measure_datasets", "measure_languages", "render_languages",
             "measure_language_tail", "draw_language_tail", "measure_language_agreement",
             "render_language_agreement", "measure_near_duplicates"} | _AFTER_MEASURE,
            id="language",
        ),
        pytest.param(
            "present/token_lengths.py", "alpha=0.55", "alpha=0.5",
            {"draw_token_lengths", "run_notebook", "build_paper", "manifest", "write_report",
             "write_crate", "all"},
            id="drawing function",
        ),
        pytest.param(
            "present/table_01_datasets.py", "_HEADINGS = (", "_EDITED = 1\n_HEADINGS = (",
            {"render_datasets", "write_context", "build_paper", "manifest", "write_report",
             "write_crate", "all"},
            id="table layout",
        ),
        pytest.param(
            "annotate/tokens/count.py", "def count_tokens(", "# a comment\n\n\ndef count_tokens(",
            set(), id="comment",
        ),
        pytest.param(
            "files.py", '"""Write UTF-8 text atomically."""', '"""Write text, atomically."""',
            set(), id="docstring",
        ),
        pytest.param(
            "../scripts/run.py", "import importlib", "# a comment\nimport importlib",
            set(), id="comment in the bridge",
        ),
    ],
)  # fmt: skip
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(
    study, first_run, module, old, new, rules
):
    path = study.project / "workflow/wildpaper" / module
    before = path.read_text(encoding="utf-8")
    assert old in before
    try:
        path.write_text(before.replace(old, new, 1), encoding="utf-8")
        assert study.would_run(first_run) == rules
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "rules"),
    [
        ("annotate={tokens: {memo_max_units: 5000}}", {"count_tokens"}),
        ("measure={bootstrap_replicates: 201}", _BOOTSTRAPPED),
    ],
)
def test_a_changed_key_reruns_only_who_reads_it(study, first_run, key, rules):
    output = study.snakemake(first_run, "--dry-run", "--config", key)
    reason = re.search(r"params have changed since last execution:\n +(.*)\n", output)
    assert reason is not None, output[-3000:]
    assert set(reason[1].split(", ")) - {"manifest"} == rules


def test_an_unknown_key_stops_before_any_job(study, tmp_path):
    output = study.snakemake(tmp_path, "--cores", "1", "--config", "shard=3", check=False)
    assert "Unknown key 'shard' (did you mean 'shards'?)" in output
    assert "Traceback" not in output
    assert not Path(tmp_path, "results").exists()


def test_a_run_without_any_data_still_makes_the_paper(study, tmp_path, project):
    none = "datasets={alpaca: {source: none}, wildchat: {source: none}}"
    study.snakemake(tmp_path, "--cores", "2", "--config", none)
    assert (tmp_path / "results/troubled/publish/paper.pdf").stat().st_size > 0
    claims = read(tmp_path, "publish/claims.json")["claims"]
    published = [claim for claim in claims if claim["kind"] == "published"]
    assert {claim["verdict"] for claim in published} == {"not-run"}
    assert all(claim["reason"] for claim in published)
