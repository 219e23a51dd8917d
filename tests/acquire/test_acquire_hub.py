"""Bringing a data set in from the hub: commit, checksum, token, file list."""

import logging
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from acquiring import HASTY, Registry, assert_nothing_finished, bring
from loopback_server import COMMIT, SECRET, Loopback

from wildpaper.acquire.dataset import acquire_hub
from wildpaper.errors import WildpaperError


def test_hub_checks_against_the_checksum_that_it_states(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    sources = registry(sha256=None, size_bytes=None)
    content = bring("hub", server, sources, acquired)
    assert content["files"][0]["verified"] == "server"
    assert content["release"]["revision"] == COMMIT
    (acquired.parent / "data.bin").unlink()
    acquired.unlink()
    server.always = {"wrong_byte": 5}
    with pytest.raises(WildpaperError, match=sha256(server.content).hexdigest()):
        bring("hub", server, sources, acquired)
    assert_nothing_finished(acquired)


def test_hub_has_another_file_than_registered(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    server.hub_sha256 = "d" * 64
    with pytest.raises(WildpaperError, match="d" * 64) as caught:
        bring("hub", server, registry(), acquired)
    assert "Pin `revision`" in caught.value.hint
    assert server.transfers == []


def test_hub_addresses_and_token(
    server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG, logger="wildpaper")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.script = [{"cut": 300_000}]
    acquire_hub(registry(), "alpaca", "test", acquired, patience=HASTY)
    asked = [one for one in server.seen if one.host == "127.0.0.1"]
    base = "/datasets/owner/name/resolve"
    assert [(one.method, one.path) for one in asked] == [
        ("HEAD", f"{base}/main/folder/data.bin"),
        ("GET", f"{base}/{COMMIT}/folder/data.bin"),
        ("GET", f"{base}/{COMMIT}/folder/data.bin"),
    ]
    assert {one.authorization for one in asked} == {"Bearer hf_secret"}
    stored = [one for one in server.seen if one.host == "localhost"]
    assert [one.authorization for one in stored] == [None, None]
    assert "hf_secret" not in caplog.text + acquired.read_text(encoding="utf-8")
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("status", "headers", "token", "expected"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, None, ["token is missing", "HF_TOKEN"]),
        (403, {"X-Error-Code": "GatedRepo"}, "hf_secret", ["no access yet", "Accept the terms"]),
        (401, {}, "hf_secret", ["was not accepted", "HF_TOKEN"]),
        (404, {}, None, ["no such file", "revision"]),
    ],
)
def test_hub_refuses(
    status: int, headers: dict[str, str], token: str | None, expected: list[str],
    server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any,
) -> None:  # fmt: skip
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    server.hub_script = [{"status": status, "headers": headers}]
    with pytest.raises(WildpaperError) as caught:
        bring("hub", server, registry(), acquired)
    assert all(words in str(caught.value) for words in expected)
    if status != 404:
        assert f"{server.url}/datasets/owner/name" in caught.value.hint  # where to accept terms
    assert "hf_secret" not in str(caught.value)
    assert len(server.seen) == 1
    assert_nothing_finished(acquired)


def test_hub_in_passing_and_lasting_trouble(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    server.hub_script = [{"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}]
    bring("hub", server, registry(), acquired)
    acquired.unlink()
    (acquired.parent / "data.bin").unlink()
    server.hub_status = 503
    with pytest.raises(WildpaperError, match=r"no answer in 3 attempts.*503") as caught:
        bring("hub", server, registry(), acquired)
    assert "wait a while" in caught.value.hint


def test_hub_moved_the_repository(
    server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    moved = "/datasets/new/name/resolve/main/folder/data.bin"
    server.hub_script = [{"status": 307, "headers": {"Location": moved}}]
    content = bring("hub", server, registry(), acquired)
    assert content["release"]["revision"] == COMMIT
    assert server.seen[1].path == moved
    assert server.seen[1].authorization == "Bearer hf_secret"


def test_hub_head_does_not_take_the_token_elsewhere(
    server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    elsewhere = f"http://localhost:{server.port}/datasets/owner/name/resolve/main/data.bin"
    server.hub_script = [{"status": 307, "headers": {"Location": elsewhere}}]
    content = bring("hub", server, registry(), acquired)
    assert content["files"][0]["verified"] == "registry"
    assert not any(one.authorization for one in server.seen if one.host == "localhost")


def test_hub_offline(
    server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WildpaperError, match="HF_HUB_OFFLINE is set") as caught:
        bring("hub", server, registry(), acquired)
    assert "source: path" in caught.value.hint
    assert server.seen == []


def test_hub_lists_files_of_one_commit(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    names = ["README.md", "data/b.parquet", "data/a.parquet"]
    server.listing = {"sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
    sources = registry({"files": [], "hub_glob": "data/*.parquet"})
    content = bring("hub", server, sources, acquired)
    assert [file["name"] for file in content["files"]] == ["a.parquet", "b.parquet"]
    assert content["release"]["revision"] == COMMIT
    assert server.seen[0].path == "/api/datasets/owner/name/revision/main"
    assert all(
        f"/resolve/{COMMIT}/data/" in one.path for one in server.seen if "HEAD" in one.method
    )


def test_hub_lists_two_files_of_one_name(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    server.listing = {"sha": COMMIT, "siblings": [{"rfilename": "x/a"}, {"rfilename": "y/a"}]}
    with pytest.raises(WildpaperError, match="same name"):
        bring("hub", server, registry({"files": [], "hub_glob": "*/a"}), acquired)
    assert server.transfers == []


@pytest.mark.parametrize("listing", [{"sha": COMMIT, "siblings": []}, {"error": "no"}, None])
def test_hub_lists_nothing_useful(
    listing: Any, server: Loopback, registry: Registry, acquired: Path
) -> None:
    server.listing = listing
    with pytest.raises(WildpaperError, match=r"no file matches|not understood"):
        bring("hub", server, registry({"files": [], "hub_glob": "data/*.parquet"}), acquired)


def test_hub_version_that_is_not_there(registry: Registry, acquired: Path) -> None:
    with pytest.raises(WildpaperError, match="not registered as a repository"):
        acquire_hub(registry({"hub_repo": None}), "alpaca", "test", acquired)
