"""Others read a release as they read the published one, through `datasets` and our ingest."""

import hashlib
import json

import jsonschema
import pyarrow.parquet as pq
import pytest
from assembling import after_redaction, assemble, flagged, random_calls, read_json, read_release
from rawlog_writing import RELEASE, Logs, chat, release

from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.ingest.records import Conversation
from wildpaper.ingest.wildchat import read_wildchat
from wildpaper.release.published_features import hub_features


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """Return the library, which asks nobody and writes nowhere else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        library = pytest.importorskip("datasets")
        patch.setattr(library.config, "HF_HUB_OFFLINE", True)
        library.disable_progress_bars()
        yield library


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linked")
    released = release(folder, Logs(random_calls(6, 40)), 3)
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    return released, assemble(folder, released, rawlogs, n_files=3), rawlogs


@pytest.fixture(scope="module")
def published(project, datasets):
    """Return the features of the published schema."""
    path = project.parent / "shared" / "contracts" / "wildchat-1m-empty.parquet"
    if not path.is_file():
        pytest.skip(f"the published schema is absent: {path}")
    return datasets.Features.from_arrow_schema(pq.read_schema(path))


def recomputed(row):
    listed = [{"content": m["content"], "role": m["role"]} for m in row["conversation"]]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]


def load(datasets, paths, cache):
    names = [str(path) for path in paths]
    return datasets.load_dataset(
        "parquet", data_files=names, split="train", cache_dir=str(cache)
    )  # fmt: skip


def without_times(rows):
    """Return rows whose times are microseconds, since libraries differ in their zones."""
    return json.loads(json.dumps(rows, default=lambda time: int(time.timestamp() * 1e6)))


@pytest.mark.parametrize("variant", ["full", "public"])
def test_datasets_opens_the_files_with_the_published_features(
    tmp_path, whole, datasets, published, variant
):
    paths = sorted((whole[1] / f"wildchat-{variant}").glob("*.parquet"))
    loaded = load(datasets, paths, tmp_path)
    assert loaded.features == published
    rows = read_release(whole[1], variant)
    assert without_times(loaded.to_list()) == without_times(rows)
    assert [row["conversation_hash"] for row in loaded] == list(map(recomputed, loaded))


@pytest.mark.parametrize("variant", ["full", "public"])
def test_datasets_opens_the_folder_through_its_card(tmp_path, whole, datasets, published, variant):
    """The card's features and sizes are checked by the library against what it reads."""
    folder = whole[1] / f"wildchat-{variant}"
    loaded = datasets.load_dataset(
        str(folder), cache_dir=str(tmp_path), verification_mode="all_checks"
    )
    assert list(loaded) == ["train"]
    assert loaded["train"].features == published
    rows = read_release(whole[1], variant)
    assert loaded["train"]["conversation_hash"] == [row["conversation_hash"] for row in rows]
    built = datasets.load_dataset_builder(str(folder), cache_dir=str(tmp_path)).info
    files = sorted(folder.glob("*.parquet"))
    assert built.splits["train"].num_examples == len(rows)
    assert built.download_size == sum(path.stat().st_size for path in files)
    assert built.features == published


def test_features_are_written_as_the_library_writes_them(published):
    assert hub_features() == published._to_yaml_list()


def test_a_release_without_rows_tells_the_published_features(tmp_path, datasets, published):
    """The library opens no data set without rows, whoever wrote it; it reads the card."""
    released = release(tmp_path, Logs([]))
    out = assemble(tmp_path, released, tmp_path / "raw" / "rawlogs" / "acquired.json")
    folder = str(out / "wildchat-full")
    info = datasets.load_dataset_builder(folder, cache_dir=str(tmp_path / "cache")).info
    assert info.features == published
    assert info.splits["train"].num_examples == info.dataset_size == 0


def test_a_card_that_counts_wrong_is_noticed_by_datasets(tmp_path, datasets):
    """So that the tests above can fail."""
    released = release(tmp_path, Logs(chat(0, "Hi.", "Hello.")), 1)
    out = assemble(tmp_path, released, tmp_path / "raw" / "rawlogs" / "acquired.json")
    card = out / "wildchat-full" / "README.md"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("num_examples: 1", "num_examples: 2"), encoding="utf-8")
    with pytest.raises(Exception, match=r"expected.*num_examples=2") as caught:
        datasets.load_dataset(str(card.parent), cache_dir=str(tmp_path / "cache"))
    assert type(caught.value).__name__ == "NonMatchingSplitsSizesError"


@pytest.mark.realdata
def test_real_rows_pass_the_same_readers_and_their_hashes_recompute(
    tmp_path, realdata, datasets, published
):
    path = realdata / "wildchat" / "train-00000-of-00001.parquet"
    loaded = load(datasets, [path], tmp_path)
    assert loaded.features == published
    assert len(loaded) == 300
    assert sum(row["conversation_hash"] == recomputed(row) for row in loaded) == 300
    read = list(read_wildchat(path))
    assert all(isinstance(one, Conversation) for one in read)
    assert sum(one.checks["conversation_hash"] for one in read) == 300


def test_ingest_reads_the_release_and_verifies_every_hash(tmp_path, whole):
    released, out, _ = whole
    paths = {kind: [tmp_path / f"{kind}.parquet"] for kind in ("conversations", "messages")}
    ingest_dataset(
        out / "wildchat-full" / "acquired.json", **paths,
        quarantine=tmp_path / "quarantine.parquet", report=tmp_path / "report.json",
        ledger=tmp_path / "ledger.json", dataset="wildchat", native_format="wildchat-parquet",
    )  # fmt: skip
    (before,) = [row for row in read_json(out / "ledger.json") if row["unit"] == "conversation"]
    n = before["kept"]
    assert read_json(tmp_path / "report.json")["checks"] == {
        "conversation_hash": {"checked": n, "verified": n},
        "turn": {"checked": n, "verified": n},
    }
    assert read_json(tmp_path / "ledger.json")[0]["in"] == n
    texts = released.texts()
    kept = [
        row for row in released.rows("conversations")
        if not any(flagged(text, "sexual_minors") for text in texts[row["conversation_id"]])
    ]  # fmt: skip
    again = pq.read_table(paths["conversations"][0]).to_pylist()
    for name in ("model", "country", "state", "user", "timestamp", "n_turns", "n_messages"):
        assert [row[name] for row in again] == [row[name] for row in kept]
    wanted = [after_redaction(text) for row in kept for text in texts[row["conversation_id"]]]
    assert pq.read_table(paths["messages"][0])["text"].to_pylist() == wanted


@pytest.mark.parametrize("simulated", [True, False])
def test_acquired_says_what_the_release_was_made_of(tmp_path, project, monkeypatch, simulated):
    monkeypatch.setenv("WILDPAPER_IP_SALT", "5e" * 32)
    block = RELEASE | {"simulated": simulated, "licence": "ODC-BY-1.0"}
    released = release(tmp_path, Logs(chat(0, "Hi.", "Hello."), release=block))
    out = assemble(tmp_path, released, tmp_path / "raw" / "rawlogs" / "acquired.json")
    acquired = read_json(out / "wildchat-full" / "acquired.json")
    assert (acquired["dataset"], acquired["source"]) == ("wildchat", "release")
    assert acquired["release"]["name"] == ("simulated" if simulated else "own")
    assert acquired["release"]["simulated"] is simulated
    assert acquired["release"]["licence"] == "ODC-BY-1.0"
    schema = read_json(project / "data" / "schemas" / "acquired.schema.json")
    schema["properties"]["source"] = {"const": "release"}
    jsonschema.validate(acquired, schema)
    for listed in acquired["files"]:
        path = out / "wildchat-full" / listed["name"]
        assert path.stat().st_size == listed["n_bytes"]
