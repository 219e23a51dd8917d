"""Fixtures of the acquire tests: a loopback server and a registry that points to it."""

import random
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from loopback_server import Loopback, serve

REGISTRY = Path(__file__).parents[2] / "data" / "sources.yaml"


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no token, no offline switch and no netrc of the machine reaches a test."""
    for name in ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def content() -> bytes:
    return random.Random(7).randbytes(1_500_000)


@pytest.fixture
def server(content: bytes) -> Iterator[Loopback]:
    with serve(content) as running:
        yield running


@pytest.fixture
def registry(tmp_path: Path, server: Loopback) -> Callable[..., Path]:
    """Return a function that writes the real registry plus a version `test` of alpaca."""

    def write(version: dict[str, Any] | None = None, **file: Any) -> Path:
        known = {
            "name": "data.bin",
            "sha256": sha256(server.content).hexdigest(),
            "size_bytes": len(server.content),
            "url": server.file_url,
            "hub_path": "folder/data.bin",
        }
        test = {
            "title": "a test", "revision": None, "gated": False, "comparable": True,
            "hub_repo": "owner/name", "files": [{**known, **file}],
        }  # fmt: skip
        tree = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
        tree["datasets"]["alpaca"]["versions"]["test"] = {**test, **(version or {})}
        path = tmp_path / "sources.yaml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return path

    return write


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "data.bin"


@pytest.fixture
def acquired(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "acquired.json"
