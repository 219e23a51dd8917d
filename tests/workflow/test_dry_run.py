"""The whole demo can be planned: no rule is lacking, and none that an artifact names."""

import re
import subprocess
import sys

import pytest

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
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--directory", str(folder),
               "--snakefile", str(project / "Snakefile"),
               "--configfile", str(project / "config/demo.yaml"),
               "--workflow-profile", str(project / "profiles/default")]  # fmt: skip
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", done.stdout, re.MULTILINE | re.DOTALL)
    return {line.split()[0] for line in table[1].splitlines()}


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
