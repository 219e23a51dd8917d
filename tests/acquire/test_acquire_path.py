"""Bringing in files of the user: linked, checked, recognised."""

from pathlib import Path
from typing import Any

import pytest
from acquiring import Registry, read
from loopback_server import Loopback

from wildpaper.acquire.dataset import acquire_hub, acquire_path, acquire_url
from wildpaper.acquire.local_files import links_into
from wildpaper.errors import WildpaperError


def test_path_of_a_registered_release(
    server: Loopback, registry: Registry, acquired: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "renamed.bin"
    mine.write_bytes(server.content)
    acquire_path([mine], registry(), "alpaca", acquired)
    content = read(acquired)
    assert content["version"] == content["release"]["name"] == "test"
    assert content["release"]["comparable"] is True
    assert content["release"]["citation"] == "taori2023alpaca"
    assert content["files"][0]["verified"] == "registry"
    link = acquired.parent / "renamed.bin"
    assert link.is_symlink()
    assert link.readlink() == mine


def test_path_of_unknown_files(
    registry: Registry, acquired: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.json").write_bytes(b"[]")
    Path("a.json").write_bytes(b"[1]")
    acquire_path([Path("b.json"), Path("a.json")], registry(), "alpaca", acquired)
    content = read(acquired)
    assert [file["name"] for file in content["files"]] == ["a.json", "b.json"]
    assert {file["verified"] for file in content["files"]} == {"recorded"}
    assert content["version"] == content["release"]["name"] == "local"
    assert content["release"]["comparable"] is False
    assert content["release"]["why_not"] == "its checksum matches no registered release"
    assert (acquired.parent / "a.json").readlink() == tmp_path / "a.json"
    acquire_path([Path("a.json")], registry(), "alpaca", acquired)
    read(acquired)  # the link to b.json is gone


def test_path_of_some_files_of_a_release(
    server: Loopback, registry: Registry, acquired: Path, tmp_path: Path
) -> None:
    (tmp_path / "data.bin").write_bytes(server.content)
    (tmp_path / "more.bin").write_bytes(b"more")
    files = [tmp_path / "data.bin", tmp_path / "more.bin"]
    acquire_path(files, registry(), "alpaca", acquired)
    assert "1 of the 1 files of test" in read(acquired)["release"]["why_not"]


def test_path_faults(registry: Registry, acquired: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.touch()
    good, twin = tmp_path / "good.json", tmp_path / "twin" / "good.json"
    twin.parent.mkdir()
    good.write_bytes(b"[]")
    twin.write_bytes(b"[]")
    inside = acquired.parent / "inside.json"
    inside.parent.mkdir()
    inside.write_bytes(b"[]")
    for files, words in [
        ([tmp_path / "missing.json"], "no such file"),
        ([empty], "empty"),
        ([tmp_path], "folder"),
        ([good, twin], "same name"),
        ([inside], "same name"),
        ([], "No file"),
    ]:
        with pytest.raises(WildpaperError, match=words) as caught:
            acquire_path(files, registry(), "alpaca", acquired)
        assert caught.value.hint
        assert not acquired.exists()
    assert inside.read_bytes() == b"[]"


def test_path_that_cannot_be_read(
    registry: Registry, acquired: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_bytes(b"[]")

    def refuse(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("wildpaper.acquire.local_files.sha256_file", refuse)
    with pytest.raises(WildpaperError, match="Permission denied"):
        acquire_path([mine], registry(), "alpaca", acquired)


def test_unknown_names(registry: Registry, acquired: Path) -> None:
    with pytest.raises(WildpaperError, match="alpacca") as caught:
        acquire_url(registry(), "alpacca", None, acquired)
    assert "Did you mean 'alpaca'?" in caught.value.hint
    with pytest.raises(WildpaperError, match="tset") as caught:
        acquire_hub(registry(), "alpaca", "tset", acquired)
    assert "Did you mean 'test'?" in caught.value.hint


def test_the_name_of_our_own_record_is_reserved(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "acquired.json"
    mine.parent.mkdir()
    mine.write_text("[]", encoding="utf-8")
    with pytest.raises(WildpaperError, match="may not be named") as caught:
        links_into([mine], tmp_path / "raw")
    assert "Rename" in caught.value.hint
