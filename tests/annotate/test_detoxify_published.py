"""Fetching a published model, from a server on the loopback address."""

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from detoxify import detoxify as library
from detoxify_forms import write_form

from wildpaper.__main__ import main
from wildpaper.acquire.transfer import Patience
from wildpaper.annotate.detoxify.checkpoint import load_detoxify
from wildpaper.annotate.detoxify.published import (
    BASE_FILES,
    PUBLISHED_DETOXIFY,
    fetch_detoxify,
    published_paths,
    read_published,
)
from wildpaper.errors import WildpaperError

sys.path.append(str(Path(__file__).parents[1] / "acquire"))
from loopback_server import COMMIT, serve

CONTENT = bytes(range(256)) * 3_000
DIGEST = sha256(CONTENT).hexdigest()
QUICK = Patience(attempts=2, backoff_s=0.001, timeout_s=5.0)


@pytest.fixture
def server():
    with serve(CONTENT) as state:
        yield state


@pytest.fixture(autouse=True)
def no_token(monkeypatch, tmp_path):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))


def entry(server, start=DIGEST[:8], **more):
    found = {
        "url": f"{server.url}/files/toxic-{start}.ckpt",
        "sha256_start": start,
        "n_bytes": len(CONTENT),
        "base": "bert-base",
        "repo": "someone/bert-base",
        "revision": None,
    }
    return found | more


def register(folder, found):
    path = folder / "detoxify.yaml"
    path.write_text(yaml.safe_dump(dict.fromkeys(PUBLISHED_DETOXIFY, found)), encoding="utf-8")
    return path


def fetch(server, folder, found, patience=QUICK):
    registry = register(folder, found)
    paths = published_paths(registry, "unbiased")
    target = folder / "model"
    fetch_detoxify(
        registry, target / paths["checkpoint"], [target / path for path in paths["base"]],
        target / "acquired.json", "unbiased", server.url, patience,
    )  # fmt: skip
    return target


def test_the_registry_is_the_table_of_detoxify_itself(project):
    found = read_published(project / "data" / "detoxify.yaml")
    assert {name: model.url for name, model in found.items()} == {
        name: library.MODEL_URLS[name] for name in PUBLISHED_DETOXIFY
    }
    paths = published_paths(project / "data" / "detoxify.yaml", "multilingual")
    assert paths["checkpoint"] == "multilingual_debiased-0b549669.ckpt"
    assert paths["base"][0] == "xlm-roberta-base/config.json"


def test_all_files_are_fetched_and_recorded(server, tmp_path):
    target = fetch(server, tmp_path, entry(server))
    names = [*(f"bert-base/{file}" for file in BASE_FILES), f"toxic-{DIGEST[:8]}.ckpt"]
    files = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert files == {*names, "acquired.json"}
    for name in names:
        assert (target / name).read_bytes() == CONTENT
    acquired = json.loads((target / "acquired.json").read_bytes())
    assert acquired["model"] == "unbiased"
    assert {held["sha256"] for held in acquired["files"]} == {DIGEST}
    assert [held["commit"] for held in acquired["files"]] == [COMMIT] * 3 + [None]
    asked = [one.path for one in server.seen if one.method == "HEAD"]
    assert asked == [f"/someone/bert-base/resolve/main/{file}" for file in BASE_FILES]


def test_a_broken_transfer_is_continued_by_the_next_run(server, tmp_path):
    server.script = [{}, {}, {}, {"cut": 400_000}]
    with pytest.raises(WildpaperError, match="did not succeed"):
        fetch(server, tmp_path, entry(server), Patience(1, 0.001, 5.0))
    assert not list((tmp_path / "model").glob("*.ckpt"))
    server.seen.clear()
    target = fetch(server, tmp_path, entry(server))
    last = [one for one in server.transfers if one.path.endswith(".ckpt")]
    assert len(last) == 1
    assert last[0].first_byte > 0
    assert (target / f"toxic-{DIGEST[:8]}.ckpt").read_bytes() == CONTENT


def test_another_file_is_thrown_away(server, tmp_path):
    with pytest.raises(WildpaperError, match="begin with 00000000") as caught:
        fetch(server, tmp_path, entry(server, "00000000"))
    assert DIGEST in str(caught.value)
    assert not [p for p in (tmp_path / "model").rglob("*") if "ckpt" in p.name]


def test_offline_asks_nobody(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WildpaperError, match="HF_HUB_OFFLINE"):
        fetch(server, tmp_path, entry(server))
    assert not server.seen


@pytest.mark.parametrize(
    "change",
    [
        {"sha256_start": "0123abcd"},
        {"url": "file:///toxic-00000000.ckpt"},
        {"base": "../elsewhere"},
        {"repo": "no-owner"},
        {"extra": 1},
        {"n_bytes": 0},
    ],
)
def test_a_bad_entry_is_refused(server, tmp_path, change):
    path = register(tmp_path, entry(server) | change)
    with pytest.raises(WildpaperError) as caught:
        read_published(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("text", ["", "original: {", "original: {}"])
def test_another_registry_is_refused(tmp_path, text):
    (tmp_path / "detoxify.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError, match="registry"):
        read_published(tmp_path / "detoxify.yaml")


def test_the_command_converts_what_was_fetched_and_asks_nobody_twice(tmp_path, capsys):
    made = write_form("original", tmp_path / "made")
    start = sha256(made.read_bytes()).hexdigest()[:8]
    nobody = {"url": f"http://127.0.0.1:9/toxic-{start}.ckpt", "sha256_start": start}
    found = nobody | {"n_bytes": 1, "base": "bert-base-uncased", "repo": "a/b"}
    registry = register(tmp_path, found)
    fetched = tmp_path / "model" / "fetched"
    shutil.copytree(made.parent / "bert-base-uncased", fetched / "bert-base-uncased")
    shutil.copy(made, fetched / f"toxic-{start}.ckpt")
    (fetched / "acquired.json").write_text("{}", encoding="utf-8")
    arguments = ["original", "--out", str(tmp_path / "model"), "--registry", str(registry)]
    for _ in range(2):
        assert main(["fetch-detoxify", *arguments]) == 0
    assert "score-toxicity" in capsys.readouterr().out
    wanted = load_detoxify(made).predict("ba bo")
    assert load_detoxify(tmp_path / "model").predict("ba bo") == wanted
