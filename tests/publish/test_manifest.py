"""The manifest covers every output, with the checksum of what lies there now."""

import hashlib
import json
import os
from pathlib import Path

import jsonschema
import pytest

from wildpaper.errors import WildpaperError
from wildpaper.publish.manifest import write_manifest


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def leave_record(rule, outputs, when=None, inputs=("data/x.yaml",), **wildcards):
    record = Path("logs", rule, f"{'-'.join(wildcards.values()) or 'all'}.provenance.json")
    record.parent.mkdir(parents=True, exist_ok=True)
    content = {"rule": rule, "wildcards": wildcards, "inputs": inputs, "outputs": outputs}
    content |= {"code_digest": "0" * 16, "seconds": 1.0, "peak_mb": 10.0}
    record.write_text(json.dumps(content), encoding="utf-8")
    if when:
        os.utime(record, (when, when))


def leave_release(dataset, simulated):
    path = Path(f"{dataset}-acquired.json")
    content = {"dataset": dataset, "release": {"simulated": simulated}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def manifest(*files, acquired=()):
    path = Path("manifest.json")
    wanted = [Path(f) for f in files]
    write_manifest(wanted, list(acquired), path, ["logs"], "test", "0.1.0", "f" * 16)
    return json.loads(path.read_text(encoding="utf-8"))


def test_an_output_is_listed_with_its_checksum(run_folder, project):
    Path("a.csv").write_bytes(b"hello")
    leave_record("make_a", ["a.csv"])
    result = manifest("a.csv")
    (entry,) = result["outputs"]
    assert entry["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert (entry["path"], entry["bytes"], entry["rule"]) == ("a.csv", 5, "make_a")
    schema = json.loads((project / "data/schemas/manifest.schema.json").read_text("utf-8"))
    jsonschema.validate(result, schema)
    assert str(run_folder) not in json.dumps(result)
    assert result["packages"]["pyarrow"]


def test_outputs_are_in_the_order_of_their_paths_and_gone_ones_left_out(run_folder):
    for name in ("b", "a", "c"):
        Path(name).touch()
    leave_record("make", ["c", "gone", "a"])
    leave_record("more", ["b"])
    assert [entry["path"] for entry in manifest("a", "b")["outputs"]] == ["a", "b", "c"]


def test_what_a_file_was_made_from_is_listed_and_what_is_left_over_is_not(run_folder):
    for name in ("paper", "table", "labels-0", "labels-1"):
        Path(name).touch()
    leave_record("build", ["paper"], inputs=["table", "paper.tex"])
    leave_record("measure", ["table"], inputs=["labels-0"])
    leave_record("label", ["labels-0"], shard="0")
    leave_record("label", ["labels-1"], shard="1")
    listed = [entry["path"] for entry in manifest("paper")["outputs"]]
    assert listed == ["labels-0", "paper", "table"]


def test_the_route_follows_from_the_data(run_folder):
    for name in ("a", "w", "both", "blank"):
        Path(name).touch()
    releases = [leave_release("alpaca", False), leave_release("wildchat", True)]
    leave_record("read", ["a"], dataset="alpaca")
    leave_record("read", ["w"], dataset="wildchat")
    leave_record("measure", ["both"], inputs=["a", "w"])
    leave_record("leave_tables_blank", ["blank"])
    entries = manifest("both", "blank", acquired=releases)["outputs"]
    routes = {entry["path"]: entry["route"] for entry in entries}
    assert routes == {"a": "computed", "w": "simulated", "both": "simulated", "blank": None}
    entries = manifest("both", acquired=releases[:1])["outputs"]
    assert {entry["route"] for entry in entries} == {"computed"}


def test_the_later_of_two_records_counts(run_folder):
    Path("a").touch()
    leave_record("a_new_rule", ["a"], when=2_000)
    leave_record("z_old_rule", ["a"], when=1_000)
    assert manifest("a")["outputs"][0]["rule"] == "a_new_rule"


def test_an_output_without_a_record_is_an_error(run_folder):
    Path("a").touch()
    Path("b").touch()
    leave_record("make", ["a"])
    with pytest.raises(WildpaperError, match="for 1 outputs, the first: b") as caught:
        manifest("a", "b")
    assert "--forcerun b" in caught.value.hint
    assert not Path("manifest.json").exists()
