"""One set of versions: requirements.in, requirements.lock, environment.yml and the Makefile."""

import re

import pytest
import yaml

_CONDA_NAMES = {"python-duckdb": "duckdb", "bioconda::snakemake": "snakemake", "pytorch": "torch"}
_NOT_PYTHON = {"python", "pip", "nodejs", "tectonic"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def locked(project):
    """Return {package: version} of the lock for Python 3.11."""
    text = (project / "requirements.lock").read_text(encoding="utf-8")
    found = {}
    for line in re.findall(r"^[A-Za-z].*$", text, re.MULTILINE):
        match = re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]*))?", line)
        assert match, line
        if ">= '3.12'" not in (match[3] or ""):
            found[canonical(match[1])] = match[2]
    return found


@pytest.fixture(scope="module")
def conda(project):
    """Return {package: version} of environment.yml."""
    raw = yaml.safe_load((project / "environment.yml").read_text(encoding="utf-8"))
    found = {}
    for item in raw["dependencies"]:
        for line in item["pip"] if isinstance(item, dict) else [item]:
            name, _, version = re.sub(r"(==|>=|=)", " ", line).partition(" ")
            if name not in _NOT_PYTHON:
                found[canonical(_CONDA_NAMES.get(name, name))] = version
    return found


def torch_version(project):
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    return re.search(r"^TORCH := torch==(.+)$", makefile, re.MULTILINE)[1]


def wanted(project):
    lines = (project / "requirements.in").read_text(encoding="utf-8").splitlines()
    names = (re.split(r"[=<>]", line)[0] for line in lines if line and not line.startswith("#"))
    return {canonical(name) for name in names}


def test_conda_names_the_locked_versions(project, locked, conda):
    assert conda.pop("torch") == torch_version(project)
    assert conda == {name: locked[name] for name in conda}


def test_conda_names_all_that_is_wanted(project, conda):
    assert wanted(project) == set(conda) - {"torch"}


def test_the_lock_holds_hashes_and_no_host(project):
    text = (project / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--?[a-z]*(index|find-links)", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) > 100
    assert [b.splitlines()[0] for b in blocks if "--hash=sha256:" not in b] == []


def test_torch_stays_out_of_the_lock(locked):
    heavy = [name for name in locked if re.match(r"(torch|triton|nvidia|cuda)(-|$)", name)]
    assert heavy == []


def test_every_dependency_is_explained(project):
    text = (project / "docs/architecture.md").read_text(encoding="utf-8")
    section = (
        text.partition("## Dependencies")[2]
        .lower()
        .replace("types-*", "types-pyyaml types-requests")
    )
    assert [name for name in sorted(wanted(project)) if name not in canonical(section)] == []
