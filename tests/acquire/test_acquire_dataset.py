"""Bringing a data set in from an address, and what addresses and the hub share."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from acquiring import Registry, assert_nothing_finished, bring
from loopback_server import COMMIT, SECRET, Loopback

from wildpaper.acquire.dataset import acquire_url
from wildpaper.errors import WildpaperError


@pytest.fixture(params=["url", "hub"])
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


MENDABLE = {
    "nothing": ([], [None]),
    "cut": ([{"cut": 300_000}, {"cut": 300_000}], [None, 300_000, 600_000]),
    "ignored range": ([{"cut": 300_000}, {"ignore_range": True}], [None, 300_000]),
    "wrong range": (
        [{"cut": 300_000}, {"content_range": "bytes 5-9/10"}],
        [None, 300_000, None],
    ),
    "wrong byte": ([{"wrong_byte": 5}], [None, None]),
    "429": ([{"status": 429, "headers": {"Retry-After": "0"}}], [None, None]),
    "503": ([{"cut": 300_000}, {"status": 503}], [None, 300_000, 300_000]),
    "redirect": ([{"to": "/files/moved.bin"}], [None, None]),
}
"""Name: (faults of the server, first byte of each range that must be asked for)."""


@pytest.mark.parametrize("fault", MENDABLE)
def test_mendable_faults(
    fault: str, source: str, server: Loopback, registry: Registry, acquired: Path
) -> None:
    faults, expected = MENDABLE[fault]
    server.script = [dict(one) for one in faults]
    content = bring(source, server, registry(), acquired)
    assert (acquired.parent / "data.bin").read_bytes() == server.content
    assert [one.first_byte for one in server.transfers] == expected
    assert server.script == []
    assert content["files"] == [
        {
            "name": "data.bin",
            "sha256": sha256(server.content).hexdigest(),
            "n_bytes": 1_500_000,
            "verified": "registry",
        }
    ]


def test_announced_longer_than_sent_with_unknown_size(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    server.script = [{"announce": 1_500_100}]
    bring("url", server, registry(size_bytes=None), acquired)
    assert (acquired.parent / "data.bin").read_bytes() == server.content
    assert [one.first_byte for one in server.transfers] == [None, 1_500_000]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 401}, ["HF_TOKEN", "accept"]),
        ({"status": 403}, ["HF_TOKEN", "accept"]),
        ({"status": 404}, ["revision"]),
        ({"status": 429, "headers": {"Retry-After": "0"}}, ["429", "wait a while"]),
        ({"status": 503}, ["503", "wait a while"]),
        ({"wrong_byte": 5}, ["expected SHA-256", "data/sources.yaml"]),
        ({"announce": 1000}, ["1000 bytes", "check revision and size"]),
        ({"announce": 1_500_001}, ["1500001 bytes", "check revision and size"]),
    ],
)
def test_lasting_faults_say_what_to_do(
    fault: dict[str, Any], expected: list[str], source: str, server: Loopback,
    registry: Registry, acquired: Path,
) -> None:  # fmt: skip
    server.always = fault
    with pytest.raises(WildpaperError) as caught:
        bring(source, server, registry(), acquired)
    assert all(words in str(caught.value) for words in expected)
    assert caught.value.hint
    assert "alpaca test: data.bin" in caught.value.what
    assert SECRET not in str(caught.value)
    assert_nothing_finished(acquired)


def test_a_later_run_continues(
    source: str, server: Loopback, registry: Registry, acquired: Path
) -> None:
    server.script, server.always = [{"cut": 900_000}], {"status": 503}
    with pytest.raises(WildpaperError, match="503"):
        bring(source, server, registry(), acquired)
    assert_nothing_finished(acquired)
    server.always = {}
    server.seen.clear()
    bring(source, server, registry(), acquired)
    assert [one.range for one in server.transfers] == ["bytes=900000-"]
    assert (acquired.parent / "data.bin").read_bytes() == server.content


def test_verified_files_are_not_fetched_again(
    source: str, server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any
) -> None:
    before = bring(source, server, registry({"revision": COMMIT}), acquired)
    acquired.unlink()
    server.seen.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert bring(source, server, registry({"revision": COMMIT}), acquired) == before
    assert server.seen == []


def test_a_damaged_file_is_fetched_again(
    source: str, server: Loopback, registry: Registry, acquired: Path
) -> None:
    bring(source, server, registry(), acquired)
    (acquired.parent / "data.bin").write_bytes(b"damaged")
    bring(source, server, registry(), acquired)
    assert (acquired.parent / "data.bin").read_bytes() == server.content


def test_unregistered_checksum_is_recorded(
    server: Loopback, registry: Registry, acquired: Path
) -> None:
    content = bring("url", server, registry(sha256=None, size_bytes=None), acquired)
    assert content["files"][0]["verified"] == "recorded"
    assert content["files"][0]["sha256"] == sha256(server.content).hexdigest()
    assert content["release"]["revision"] is None


def test_url_without_address(registry: Registry, acquired: Path) -> None:
    with pytest.raises(WildpaperError, match=r"no address for data\.bin") as caught:
        acquire_url(registry(url=None), "alpaca", "test", acquired)
    assert "source: hub" in caught.value.hint


def test_url_never_sends_the_token(
    server: Loopback, registry: Registry, acquired: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    bring("url", server, registry(), acquired)
    assert [one.authorization for one in server.seen] == [None]
