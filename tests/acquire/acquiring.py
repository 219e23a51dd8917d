"""What the tests of whole data sets share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
from loopback_server import Loopback

from wildpaper.acquire.dataset import acquire_hub, acquire_url
from wildpaper.acquire.transfer import Patience

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "data/schemas/acquired.schema.json").read_text(encoding="utf-8"))
HASTY = Patience(attempts=3, backoff_s=0.001, timeout_s=5.0)
Registry = Callable[..., Path]


def bring(source: str, server: Loopback, sources: Path, acquired: Path) -> dict[str, Any]:
    """Acquire the version `test` of alpaca from the loopback server."""
    if source == "url":
        acquire_url(sources, "alpaca", "test", acquired, patience=HASTY)
    else:
        acquire_hub(sources, "alpaca", "test", acquired, endpoint=server.url, patience=HASTY)
    return read(acquired)


def read(acquired: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(acquired.read_text(encoding="utf-8"))
    jsonschema.validate(content, SCHEMA)
    names = sorted(path.name for path in acquired.parent.iterdir())
    assert names == sorted(["acquired.json", *(file["name"] for file in content["files"])])
    return content


def assert_nothing_finished(acquired: Path) -> None:
    assert not acquired.exists()
    assert not (acquired.parent / "data.bin").exists()
