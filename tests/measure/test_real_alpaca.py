"""The Alpaca row of Table 1 from the real file: the published lengths, to the last digit."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.acquire.sources import load_sources
from wildpaper.acquire.tokenizer import from_npm
from wildpaper.annotate.tokens.count import count_tokens
from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.long_table import read_long_table
from wildpaper.measure.table_01_datasets import measure_datasets
from wildpaper.publish.claims import agrees
from wildpaper.publish.published import load_published, tolerance_of
from wildpaper.schema import write_labels

RELEASE = {"name": "official", "title": "Alpaca", "comparable": True, "simulated": False}


@pytest.fixture
def tokenizer(project, tmp_path):
    npm = load_sources(project / "data/sources.yaml").tokenizers.llama2.npm
    archive = project / "data/raw/llama2-tokenizer" / npm.archive
    if not archive.is_file():
        pytest.skip("the Llama-2 tokenizer is absent: make setup")
    from_npm(archive, npm.sha256, tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


@pytest.mark.realdata
def test_lengths_turns_and_size_are_those_published(tmp_path, project, realdata, tokenizer):
    (tmp_path / "alpaca.json").symlink_to(realdata / "alpaca" / "alpaca_data.json")
    acquired = {"dataset": "alpaca", "release": RELEASE, "files": [{"name": "alpaca.json"}]}
    (tmp_path / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    names = ("conversations", "messages", "tokens", "languages", "quarantine")
    paths = {name: tmp_path / f"{name}.parquet" for name in names}
    conversations, messages = [paths["conversations"]], [paths["messages"]]
    report, ledger = tmp_path / "report.json", tmp_path / "ledger.json"
    ingest_dataset(tmp_path / "acquired.json", conversations, messages, paths["quarantine"],
                   report, ledger, "alpaca", "alpaca-json")  # fmt: skip
    count_tokens(paths["messages"], tokenizer, paths["tokens"], 2_000_000)
    keys = pq.read_table(paths["messages"], columns=["conversation_id", "position"])
    stub = keys.append_column("language", pa.array(["English"] * len(keys)))
    stub = stub.append_column("confidence", pa.array([1.0] * len(keys), pa.float32()))
    write_labels(paths["languages"], "language", stub, "stub", "computed")
    table = tmp_path / "table.csv"
    measure_datasets([report], conversations, messages, [paths["tokens"]], [paths["languages"]],
                     table, tmp_path / "notes.json", "population", 100, 0, 1)  # fmt: skip
    published = {claim.id: claim for claim in load_published(project / "data/published.yaml")[0]}
    judged = {
        cell.column: agrees(
            cell.value, published[cell.claim].value, tolerance_of(published[cell.claim])
        )
        for cell in read_long_table(table)
        if cell.claim in published and cell.column != "languages"
    }
    assert len(judged) == 6
    assert all(judged.values()), judged
