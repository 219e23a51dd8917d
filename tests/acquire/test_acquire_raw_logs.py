"""Raw logs of one's own are linked with their checksums, and never copied."""

import hashlib
import json

import jsonschema
import pytest

from wildpaper.acquire.raw_logs import link_raw_logs
from wildpaper.errors import WildpaperError


def test_files_are_linked_and_recorded(tmp_path, project):
    logs = tmp_path / "logs"
    (logs / "geoip").mkdir(parents=True)
    files = [logs / "calls-1.jsonl", logs / "consents-1.jsonl", logs / "geoip/City_20230404.mmdb"]
    for number, file in enumerate(files):
        file.write_bytes(b"x" * (number + 1))
    acquired = tmp_path / "raw" / "acquired.json"
    link_raw_logs(files, acquired)
    record = json.loads(acquired.read_text(encoding="utf-8"))
    schema = json.loads((project / "data/schemas/acquired.schema.json").read_text("utf-8"))
    jsonschema.validate(record, schema)
    assert record["dataset"] == "rawlogs"
    assert not record["release"]["simulated"]
    for file in files:
        link = acquired.parent / file.name
        assert link.is_symlink()
        assert link.resolve() == file
        (held,) = [one for one in record["files"] if one["name"] == file.name]
        assert held["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_two_files_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "calls-1.jsonl").write_text("{}", encoding="utf-8")
    files = [tmp_path / "a/calls-1.jsonl", tmp_path / "b/calls-1.jsonl"]
    with pytest.raises(WildpaperError, match="same name"):
        link_raw_logs(files, tmp_path / "raw" / "acquired.json")
    assert not (tmp_path / "raw" / "acquired.json").exists()


def test_an_empty_log_is_named(tmp_path):
    (tmp_path / "calls-1.jsonl").touch()
    with pytest.raises(WildpaperError, match="empty") as error:
        link_raw_logs([tmp_path / "calls-1.jsonl"], tmp_path / "raw" / "acquired.json")
    assert "calls-1.jsonl" in str(error.value.where)
