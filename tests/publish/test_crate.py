"""A run as a crate: whole, true to the files, and valid by the public validator's own rules."""

import datetime
import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.publish.crate import read_crate, write_crate
from wildpaper.publish.crate_inputs import licence_entity
from wildpaper.publish.manifest import write_manifest

WORKFLOW = "https://w3id.org/ro/wfrun/workflow/0.5"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = ROOT / ".venv-validator/bin/python"
RESULTS = {
    "results/test/publish/paper.pdf": b"%PDF-1.4 made up",
    "results/test/publish/claims.json": b"{}\n",
    "results/test/present/tables/table-01-datasets.csv": b"row,column\n",
    "results/test/present/figures/token-lengths.png": b"\x89PNG",
    "results/test/ledger.json": b"[]\n",
}
STEPS = {"results/test/annotate/tokens/alpaca-0.parquet": b"labels", "data/private/x": b"secret"}


def leave_record(outputs, inputs, seconds, end):
    record = Path("results/test/logs/make", f"{len(outputs)}-{end}.provenance.json")
    record.parent.mkdir(parents=True, exist_ok=True)
    content = {"rule": "make", "wildcards": {}, "inputs": inputs, "outputs": outputs}
    content |= {"code_digest": "0" * 16, "seconds": seconds, "peak_mb": 10.0}
    record.write_text(json.dumps(content), encoding="utf-8")
    os.utime(record, (end, end))


def leave_acquired(dataset, simulated, licence):
    path = Path(f"data/raw/{dataset}/acquired.json")
    path.parent.mkdir(parents=True)
    release = {"name": "r", "title": f"{dataset} (release)", "comparable": False, "why_not": "w"}
    release |= {"simulated": simulated, "licence": licence, "gated": False, "citation": "c"}
    release |= {"revision": None}
    files = [{"name": "f.json", "sha256": "a" * 64, "n_bytes": 12, "verified": "recorded"}]
    known = {"dataset": dataset, "source": "path", "version": "v1", "release": release}
    path.write_text(json.dumps(known | {"files": files}), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path, monkeypatch, project):
    """A made-up project that has run; returns the arguments of `write_crate`."""
    monkeypatch.chdir(tmp_path)
    for name, content in (RESULTS | STEPS).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)
    for name in ("Snakefile", "LICENSE", "README.md", "requirements.lock"):
        shutil.copyfile(project / name, name)
    for name in ("data/sources.yaml", "data/models.yaml", "config/micro.yaml"):
        Path(name).parent.mkdir(exist_ok=True)
        shutil.copyfile(project / name, name)
    for name in ("workflow/rules/a.smk", "workflow/wildpaper/a.py", "data/own.parquet"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x", encoding="utf-8")
    Path("workflow/__pycache__").mkdir()
    Path("workflow/__pycache__/a.py").touch()
    acquired = [
        leave_acquired("alpaca", False, "CC-BY-NC-4.0"),
        leave_acquired("lmsys_chat_1m", True, "CC0-1.0"),
    ]
    steps = ["data/raw/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "data/x.yaml"]
    leave_record(list(STEPS), steps, 60, 1_700_000_060)
    leave_record(list(RESULTS), list(STEPS), 30, 1_700_000_200)
    manifest = Path("results/test/publish/manifest.json")
    write_manifest([Path(name) for name in RESULTS], acquired, manifest, ["results/test/logs"],
                   "test", "0.1.0", "f" * 16)  # fmt: skip
    return {
        "manifest": manifest,
        "configuration": [Path("config/micro.yaml")],
        "acquired": acquired,
        "sources": Path("data/sources.yaml"),
        "models": Path("data/models.yaml"),
        "crate": Path("results/test/publish/ro-crate.zip"),
        "metadata": Path("results/test/publish/ro-crate-metadata.json"),
        "project": ".",
        "logs": ["results/test/logs"],
    }


@pytest.fixture
def crate(run, tmp_path):
    """(the crate unpacked, its entities)."""
    write_crate(**run)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(run["crate"]) as archive:
        archive.extractall(folder)
    copy = (folder / "ro-crate-metadata.json").read_bytes()
    assert copy == run["metadata"].read_bytes()
    return folder, read_crate(run["metadata"])


def many(value):
    return value if isinstance(value, list) else [value]


def references(value):
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        else:
            for inner in value.values():
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_to_an_entity_or_is_an_address(crate):
    _, entities = crate
    for entity in entities.values():
        for name in references({k: v for k, v in entity.items() if k != "@id"}):
            assert name in entities or name.startswith("https://"), (entity["@id"], name)


def test_every_file_is_there_with_its_checksum_and_size(crate):
    folder, entities = crate
    files = [e for e in entities.values() if "File" in many(e["@type"])]
    assert len(files) > len(RESULTS)
    for entity in files:
        content = (folder / entity["@id"]).read_bytes()
        assert entity["sha256"] == hashlib.sha256(content).hexdigest(), entity["@id"]
        assert entity["contentSize"] == str(len(content))
        assert {"@id": entity["@id"]} in many(entities["./"]["hasPart"])
    for entity in entities.values():
        if entity["@type"] == "Dataset":
            assert (folder / entity["@id"]).is_dir()


def test_what_is_no_source_and_no_result_is_not_in_it(crate):
    folder, entities = crate
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(RESULTS) <= names
    assert not set(STEPS) & names
    assert "workflow/wildpaper/a.py" in names
    assert not [n for n in names if "raw" in n or "private" in n or "pycache" in n or "own" in n]
    assert not set(STEPS) & set(entities)


def test_profiles_and_the_main_workflow_are_as_the_profiles_ask(crate):
    _, entities = crate
    root, run, main = entities["./"], entities["#run"], entities["Snakefile"]
    assert {"@id": CONTEXT.removesuffix("/context")} in many(
        entities["ro-crate-metadata.json"]["conformsTo"]
    )
    profiles = [one["@id"] for one in root["conformsTo"]]
    assert WORKFLOW in profiles
    assert "https://w3id.org/ro/wfrun/process/0.5" in profiles
    assert all(entities[name]["@type"] == "CreativeWork" for name in profiles)
    assert root["mainEntity"] == {"@id": "Snakefile"}
    assert set(main["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert entities[main["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    assert run["@type"] == "CreateAction"
    assert run["instrument"] == {"@id": "Snakefile"}
    assert entities[run["agent"]["@id"]] == {
        "@id": "#contributors", "@type": "Organization", "name": "The wildpaper contributors",
    }  # fmt: skip
    for one in (*many(main["input"]), *many(main["output"])):
        parameter = entities[one["@id"]]
        assert parameter["@type"] == "FormalParameter"
        assert parameter["additionalType"] == "File"
        for example in many(parameter["workExample"]):
            assert entities[example["@id"]]["exampleOfWork"] == one


def test_results_objects_and_times_are_those_of_the_run(crate):
    _, entities = crate
    run = entities["#run"]
    made = {one["@id"] for one in run["result"]}
    assert made == {*RESULTS, "results/test/publish/manifest.json"}
    used = [entities[one["@id"]] for one in run["object"]]
    assert [one["@id"] for one in used] == [
        "config/micro.yaml", "#data-0-alpaca", "#data-1-lmsys_chat_1m",
        "#data-0-alpaca-0", "#data-1-lmsys_chat_1m-0", "#model-smollm2-135m-instruct",
    ]  # fmt: skip
    start, end = (datetime.datetime.fromisoformat(run[k]) for k in ("startTime", "endTime"))
    assert (start.timestamp(), end.timestamp()) == (1_700_000_000, 1_700_000_200)


def test_code_data_and_models_have_licences_of_their_own(crate):
    _, entities = crate

    def licence(name):
        return entities[entities[name]["license"]["@id"]]["name"]

    assert licence("./") == licence("Snakefile") == "MIT"
    assert licence("#data-0-alpaca") == licence("#data-0-alpaca-0") == "CC-BY-NC-4.0"
    assert licence("#data-1-lmsys_chat_1m") == "CC0-1.0"
    assert licence("#model-smollm2-135m-instruct") == "Apache-2.0"
    assert "invented" in entities["#data-1-lmsys_chat_1m"]["description"]


def test_a_licence_without_an_spdx_id_keeps_its_words():
    assert licence_entity("ODC-BY-1.0")["@id"] == "https://spdx.org/licenses/ODC-By-1.0"
    odd = licence_entity("LLAMA 2 Community License")
    assert odd["@id"] == "#licence-llama-2-community-license"
    assert odd["name"] == "LLAMA 2 Community License"


def test_no_path_of_this_machine_is_in_it(crate, tmp_path):
    folder, _ = crate
    assert str(tmp_path) not in (folder / "ro-crate-metadata.json").read_text(encoding="utf-8")


def test_a_result_that_has_changed_is_refused(run):
    Path("results/test/publish/claims.json").write_text("[]", encoding="utf-8")
    with pytest.raises(WildpaperError, match="not what the manifest says") as caught:
        write_crate(**run)
    assert caught.value.where == "results/test/publish/claims.json"
    assert not run["crate"].exists()


def test_without_records_there_are_no_times(run):
    with pytest.raises(WildpaperError, match="No provenance record"):
        write_crate(**run | {"logs": ["nowhere"]})


def test_configuration_from_elsewhere_gets_a_place(run, tmp_path):
    other = tmp_path.parent / f"{tmp_path.name}-mine.yaml"
    other.write_text("preset: mine\npurpose: Mine.\n", encoding="utf-8")
    write_crate(**run | {"configuration": [other]})
    entities = read_crate(run["metadata"])
    assert f"config/{other.name}" in entities
    assert entities["./"]["description"].startswith("Mine. ")


def validated(folder):
    command = [VALIDATOR, ROOT / "tools/validate_crate.py", folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(not VALIDATOR.is_file(), reason="no validator of crates: 'make validator'")
def test_the_public_validator_finds_nothing_that_is_required(crate, run):
    folder, _ = crate
    for place in (folder, run["crate"]):
        done = validated(place)
        assert done.returncode == 0, done.stdout + done.stderr
    broken = folder / "ro-crate-metadata.json"
    text = broken.read_text(encoding="utf-8").replace('"CreateAction"', '"CreativeWork"')
    broken.write_text(text, encoding="utf-8")
    done = validated(folder)
    assert done.returncode == 1
    assert "MUST reference the root data entity" in done.stdout
