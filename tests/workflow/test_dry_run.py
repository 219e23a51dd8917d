"""The whole demo can be planned: no rule is lacking, and none that an artifact names."""

import subprocess

import pytest
from calling_snakemake import rules_of, snakemake_command

from wildpaper.artifacts import load_artifacts

AT_HAND = ("llama2-tokenizer", "mtbench")


@pytest.fixture(scope="module")
def planned(project, tmp_path_factory):
    """Return the rules that a first run of the demo would execute."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "data/raw").mkdir(parents=True)
    for name in AT_HAND:
        if not (project / "data/raw" / name).is_dir():
            pytest.skip(f"data/raw/{name} is absent; run 'make setup'")
        (folder / "data/raw" / name).symlink_to(project / "data/raw" / name)
    command = snakemake_command(project, folder, project / "config/demo.yaml", "--dry-run")
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return rules_of(done.stdout)


def test_every_rule_that_an_artifact_names_would_run(project, planned):
    named = {one.rule for one in load_artifacts(project / "data/artifacts.yaml") if one.rule}
    assert len(named) > 30
    assert named <= planned


def test_each_stage_has_its_part(planned):
    assert planned >= {
        "simulate_study", "link_calls", "ingest_dataset", "score_detoxify", "train_coverage_models",
        "judge_answers", "write_claims", "run_notebook", "build_paper", "write_crate",
        "scan_results",
    }  # fmt: skip
