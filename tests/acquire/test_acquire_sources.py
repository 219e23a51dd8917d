"""The registry of data sets: what it holds, and how its faults are told."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from wildpaper.acquire.dataset import acquire_path
from wildpaper.acquire.sources import load_sources, match_release
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

ROOT = Path(__file__).parents[2]
REGISTRY = ROOT / "data" / "sources.yaml"
ALPACA = "2eddafc6b977608d778aaab8dfc7e50e547b3af9826dfb9e909d9fc362e4a419"


@pytest.fixture
def tree() -> Any:
    return yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))


def write(tmp_path: Path, tree: Any) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def test_the_registry_of_the_project() -> None:
    sources = load_sources(REGISTRY)
    formats = {
        key: sources.dataset(key).native_format for key in type(sources.datasets).model_fields
    }
    assert formats == {
        "wildchat": "wildchat-parquet",
        "alpaca": "alpaca-json",
        "dolly": "dolly-jsonl",
        "open_assistant": "oasst-jsonl",
        "sharegpt": "sharegpt-json",
        "lmsys_chat_1m": "lmsys-parquet",
    }
    key, wildchat = sources.version("wildchat", None)
    assert (key, wildchat.comparable, len(wildchat.files)) == ("wildchat-1m", False, 14)
    assert sum(file.size_bytes or 0 for file in wildchat.files) == 3_360_836_020
    lmsys = sources.version("lmsys_chat_1m", None)[1]
    assert sum(file.size_bytes or 0 for file in lmsys.files) == 1_488_850_250
    assert sources.tokenizers.llama2.npm.archive == "llama-tokenizer-js-1.2.2.tgz"


def test_the_registry_names_no_checksum_twice() -> None:
    sources = load_sources(REGISTRY)
    checksums = [
        file.sha256
        for key in type(sources.datasets).model_fields
        for version in sources.dataset(key).versions.values()
        for file in version.files
        if file.sha256
    ]
    assert len(checksums) == len(set(checksums))


def test_match_release() -> None:
    sources = load_sources(REGISTRY)
    found = match_release(sources, "alpaca", {"whatever.json": ALPACA})
    assert found is not None
    assert (found[0], found[1].comparable) == ("official", True)
    assert match_release(sources, "dolly", {"alpaca_data.json": ALPACA}) is None
    assert match_release(sources, "alpaca", {"a": ALPACA, "b": "0" * 64}) is None
    assert match_release(sources, "alpaca", {"a": ALPACA, "b": ALPACA}) is None
    assert match_release(sources, "alpaca", {}) is None
    shards = {file.name: str(file.sha256) for file in sources.version("wildchat", None)[1].files}
    whole = match_release(sources, "wildchat", shards)
    assert whole is not None
    assert whole[0] == "wildchat-1m"
    shards.popitem()
    assert match_release(sources, "wildchat", shards) is None


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"licence": None}, "datasets.alpaca.licence", "valid string"),
        ({"lisence": "MIT"}, "datasets.alpaca.lisence", "not permitted"),
        ({"native_format": "csv"}, "datasets.alpaca.native_format", "alpaca-json"),
        ({"default_version": "v9"}, "datasets.alpaca", "'v9' is none of"),
        ({"home": "https://me:secret@host/"}, "datasets.alpaca.home", "match pattern"),
    ],
)
def test_faults_name_file_and_key(
    tmp_path: Path, tree: Any, change: dict[str, Any], key: str, words: str
) -> None:
    tree["datasets"]["alpaca"].update(change)
    path = write(tmp_path, tree)
    with pytest.raises(WildpaperError) as caught:
        load_sources(path)
    assert f"key {key}: " in caught.value.what
    assert words in caught.value.what
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"comparable": False}, "why_not is required"),
        ({"why_not": "because"}, "although comparable is true"),
        ({"simulated": True}, "never comparable"),
        ({"files": []}, "either files or hub_glob"),
        ({"files": [], "hub_glob": "*"}, "needs hub_repo"),
        ({"files": [{"name": "a"}, {"name": "a"}]}, "same name"),
        ({"files": [{"name": "../a"}]}, "bare file name"),
        ({"files": [{"name": "a", "sha256": "ABC"}]}, "pattern"),
        ({"files": [{"name": "a", "size_bytes": 0}]}, "greater than 0"),
        ({"revision": 12345}, "valid string"),
    ],
)
def test_faulty_versions(tmp_path: Path, tree: Any, change: dict[str, Any], words: str) -> None:
    tree["datasets"]["alpaca"]["versions"]["official"].update(change)
    with pytest.raises(WildpaperError, match=r"datasets\.alpaca\.versions\.official") as caught:
        load_sources(write(tmp_path, tree))
    assert words in caught.value.what


def test_a_missing_data_set_is_named(tmp_path: Path, tree: Any) -> None:
    del tree["datasets"]["dolly"]
    with pytest.raises(WildpaperError, match=r"key datasets\.dolly: Field required"):
        load_sources(write(tmp_path, tree))


@pytest.mark.parametrize("text", ["datasets: [", "just words", "", "\x00"])
def test_files_that_are_no_registry(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        load_sources(path)
    assert caught.value.where == str(path)


def test_a_registry_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WildpaperError, match="cannot be read"):
        load_sources(tmp_path / "none.yaml")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("dataset", "file", "version"),
    [
        ("alpaca", "alpaca/alpaca_data.json", "official"),
        ("wildchat", "wildchat/train-00000-of-00001.parquet", "wildchat-1m-extract-300"),
        ("open_assistant", "oasst1/en-validation.jsonl", "oasst1-en-validation"),
    ],
)
def test_real_files_are_recognised(
    dataset: str, file: str, version: str, realdata: Path, tmp_path: Path
) -> None:
    acquire_path([realdata / file], REGISTRY, dataset, tmp_path / "acquired.json")
    content = read_json(tmp_path / "acquired.json")
    assert content["version"] == version
    size = load_sources(REGISTRY).version(dataset, version)[1].files[0].size_bytes
    assert content["files"][0]["n_bytes"] == size


@pytest.mark.realdata
def test_the_tokenizer_of_meta_is_the_registered_one(realdata: Path) -> None:
    path = realdata / "llama2/tokenizer.model"
    known = load_sources(REGISTRY).tokenizers.llama2.path
    assert sha256(path.read_bytes()).hexdigest() == known.sha256
    assert path.stat().st_size == known.size_bytes
