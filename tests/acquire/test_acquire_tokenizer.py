"""Meta's tokenizer from the hub: a model repository, gated."""

from pathlib import Path
from typing import Any

import pytest
from acquiring import HASTY, ROOT
from loopback_server import COMMIT, Loopback

from wildpaper.acquire.tokenizer_source import convert_tokenizer, fetch_tokenizer
from wildpaper.errors import WildpaperError

SOURCES = ROOT / "data/sources.yaml"


def test_the_tokenizer_is_fetched_at_the_resolved_commit(
    server: Loopback, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    target = tmp_path / "tokenizer.json"
    server.script = [{"cut": 300_000}]
    fetch_tokenizer(SOURCES, target, endpoint=server.url, patience=HASTY)
    assert target.read_bytes() == server.content
    asked = {(one.method, one.path) for one in server.seen if one.host == "127.0.0.1"}
    base = "/meta-llama/Llama-2-7b-hf/resolve"
    assert asked == {
        ("HEAD", f"{base}/main/tokenizer.json"),
        ("GET", f"{base}/{COMMIT}/tokenizer.json"),
    }


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_what_to_do(server: Loopback, tmp_path: Path, status: int) -> None:
    server.hub_status = status
    with pytest.raises(WildpaperError) as caught:
        fetch_tokenizer(SOURCES, tmp_path / "tokenizer.json", endpoint=server.url, patience=HASTY)
    assert "HF_TOKEN" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WildpaperError, match="Unknown kind") as caught:
        convert_tokenizer(tmp_path / "vocab.txt", tmp_path / "out.json", "")
    assert "tokenizer.model" in caught.value.hint
