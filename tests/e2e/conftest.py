"""A copy of the project in which whole runs are made, and edits that do no harm."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from calling_snakemake import rules_of, snakemake_command
from troubled_inputs import write_study

ARCHIVE = Path("data/raw/llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz")
_PARTS = ("Snakefile", "pyproject.toml", "environment.yml", "CITATION.cff", "benchmarks", "config",
          "data", "notebooks", "paper", "profiles", "workflow")  # fmt: skip


CUT_OFF = ("unshare", "--map-root-user", "--net")


class Study:
    """A project copy and a configuration; runs Snakemake in a folder of its own."""

    def __init__(self, project: Path, config: Path) -> None:
        self.project, self.config = project, config

    def command(self, folder: Path, *arguments: str) -> list[str]:
        return snakemake_command(self.project, folder, self.config, *arguments)

    def snakemake(
        self, folder: Path, *arguments: str, check: bool = True, cut_off: bool = False
    ) -> str:
        folder.mkdir(exist_ok=True)
        command = [*(CUT_OFF if cut_off else ()), *self.command(folder, *arguments)]
        done = subprocess.run(
            command, cwd=folder, text=True, capture_output=True, timeout=900, env=dict(os.environ)
        )
        output = done.stdout + done.stderr
        if check:
            assert done.returncode == 0, output[-6000:]
        return output

    def start_and_kill(self, folder: Path, after_s: float, *arguments: str) -> bool:
        """Start a run, kill it and all its jobs after some seconds; say whether it was running."""
        folder.mkdir(exist_ok=True)
        run = subprocess.Popen(
            self.command(folder, *arguments), cwd=folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=after_s)
        alive = run.poll() is None
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in [*psutil.Process(run.pid).children(recursive=True), run]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        run.wait()
        return alive

    def would_run(self, folder: Path) -> set[str]:
        """Return the rules that a run in the folder would execute."""
        return rules_of(self.snakemake(folder, "--dry-run"))


@pytest.fixture(scope="session")
def project_copy(project, tmp_path_factory):
    if not (project / ARCHIVE).is_file():
        pytest.skip(f"{ARCHIVE} is absent; run 'make setup'")
    if not (shutil.which("latexmk") or shutil.which("tectonic")):
        pytest.skip("neither latexmk nor tectonic is on PATH; run 'make tex'")
    base = tmp_path_factory.mktemp("study")
    copy = base / "project"
    copy.mkdir()
    for part in _PARTS:
        source = project / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("raw", "*.pyc")
            shutil.copytree(source, copy / part, ignore=ignore)
        else:
            shutil.copyfile(source, copy / part)
    (copy / ARCHIVE).parent.mkdir(parents=True)
    shutil.copyfile(project / ARCHIVE, copy / ARCHIVE)
    return copy


@pytest.fixture(scope="session")
def study(project_copy):
    return Study(project_copy, write_study(project_copy.parent / "inputs"))


@pytest.fixture(scope="session")
def first_run(study):
    """Return the folder of a finished run: two cores, three shards."""
    folder = study.project.parent / "run-1"
    study.snakemake(folder, "--cores", "2")
    return folder


@pytest.fixture(scope="session")
def may_cut_off():
    """Say whether this user may run a program without any network, not even loopback."""
    if shutil.which(CUT_OFF[0]) is None:
        return False
    return subprocess.run([*CUT_OFF, "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def second_run(study):
    """Return the folder of another run, up to tables, figures and claims: one core, one shard."""
    folder = study.project.parent / "run-2"
    targets = ("tables", "figures", "claims", "results/troubled/ledger.json")
    study.snakemake(folder, *targets, "--cores", "1", "--config", "shards=1")
    return folder


@pytest.fixture(scope="session")
def simulated(project_copy):
    """Return the study of the preset `micro`: the demo's DAG, small."""
    return Study(project_copy, project_copy / "config" / "micro.yaml")


@pytest.fixture(scope="session")
def simulated_run(simulated):
    """Return the folder of a finished run on two cores with three shards, and its seconds."""
    folder = simulated.project.parent / "micro-1"
    started = time.monotonic()
    simulated.snakemake(folder, "--cores", "2", "--config", "shards=3")
    return folder, time.monotonic() - started
