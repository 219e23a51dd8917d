"""Servers that refuse, redirect or are in trouble, and what becomes of secrets."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from fetching import fetch, leftovers, ranges
from loopback_server import SECRET, Loopback

from wildpaper.acquire import transfer
from wildpaper.acquire.download import download
from wildpaper.errors import WildpaperError


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (401, None, ["token is missing", "HF_TOKEN", "accept its terms"]),
        (403, None, ["token is missing", "HF_TOKEN", "accept its terms"]),
        (401, {"Authorization": "Bearer hf_secret"}, ["was not accepted", "HF_TOKEN"]),
        (403, {"Authorization": "Bearer hf_secret"}, ["no access yet", "Accept the terms"]),
        (404, None, ["no such file", "revision"]),
        (400, None, ["refuses the request"]),
    ],
)
def test_hopeless_answers_end_at_once(
    server: Loopback, target: Path, status: int, headers: Any, expected: list[str]
) -> None:
    server.always = {"status": status}
    with pytest.raises(WildpaperError) as caught:
        fetch(server, target, headers=headers)
    assert all(words in str(caught.value) for words in expected)
    assert "hf_secret" not in str(caught.value)
    assert len(server.transfers) == 1
    assert leftovers(target.parent) == []


def test_unreachable_server(server: Loopback, target: Path) -> None:
    with pytest.raises(WildpaperError, match="no connection") as caught:
        download("http://127.0.0.1:9/data.bin", target, attempts=2, backoff_s=0.001)
    assert "run again" in caught.value.hint


def test_unusable_address(target: Path) -> None:
    with pytest.raises(WildpaperError, match="address is unusable"):
        download("file:///etc/hostname", target)


def test_redirects_without_end(server: Loopback, target: Path) -> None:
    server.always = {"to": server.file_url}
    with pytest.raises(WildpaperError, match="address is unusable"):
        fetch(server, target)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_trouble(server: Loopback, target: Path, status: int) -> None:
    server.script = [{"cut": 300_000}, {"status": status}, {"status": status}]
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, 300_000, 300_000, 300_000]


def test_lasting_trouble_keeps_the_part(server: Loopback, target: Path) -> None:
    server.script = [{"cut": 300_000}]
    server.always = {"status": 503}
    with pytest.raises(WildpaperError, match="503") as caught:
        fetch(server, target, attempts=3)
    assert "wait a while" in caught.value.hint
    assert "300000 bytes" in caught.value.hint
    assert target.with_name("data.bin.part").read_bytes() == server.content[:300_000]
    assert not target.exists()
    assert ranges(server) == [None, 300_000, 300_000]


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("99999", 300, 300),
        ("a date in 100 s", 90, 100),
        ("soon", 1, 1),
        (None, 1, 1),
    ],
)
def test_pauses(
    server: Loopback, target: Path, monkeypatch: Any, retry_after: Any, low: float, high: float
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(transfer, "sleep", pauses.append)
    if retry_after == "a date in 100 s":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    headers = {"Retry-After": retry_after} if retry_after else {}
    server.script = [{"status": 429, "headers": headers}]
    fetch(server, target, backoff_s=1.0)
    assert len(pauses) == 1
    assert low <= pauses[0] <= high


def test_pauses_grow(server: Loopback, target: Path, monkeypatch: Any) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(transfer, "sleep", pauses.append)
    server.always = {"status": 503}
    with pytest.raises(WildpaperError):
        fetch(server, target, backoff_s=0.5, attempts=5)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_secrets_stay_with_their_host(
    server: Loopback, target: Path, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password netrc-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    caplog.set_level(logging.DEBUG, logger="wildpaper")
    there = f"http://localhost:{server.port}/cdn/data.bin?{SECRET}"
    server.script = [{"to": there}, {"cut": 300_000}, {"to": there}]
    headers = {"Authorization": "Bearer hf_secret", "X-Key": "key-secret"}
    fetch(server, target, headers=headers)
    assert target.read_bytes() == server.content
    here, there_seen = (
        [one for one in server.seen if one.host == host] for host in ("127.0.0.1", "localhost")
    )
    assert [one.authorization for one in here] == ["Bearer hf_secret"] * 2
    assert [one.headers.get("x-key") for one in here] == ["key-secret"] * 2
    assert [one.range for one in there_seen] == [None, "bytes=300000-"]
    assert [one.authorization for one in there_seen] == [None, None]
    assert not any("secret" in value for one in there_seen for value in one.headers.values())
    assert "secret" not in caplog.text
    assert SECRET not in caplog.text
    assert "trying again" in caplog.text


def test_the_token_survives_a_redirect_within_its_host(server: Loopback, target: Path) -> None:
    server.script = [{"to": f"{server.url}/files/moved.bin"}]
    fetch(server, target, headers={"Authorization": "Bearer hf_secret"})
    assert [one.authorization for one in server.seen] == ["Bearer hf_secret"] * 2


@pytest.mark.parametrize("fault", [{"status": 401}, {"status": 404}, {"status": 503}])
def test_credentials_in_the_address_are_used_and_not_shown(
    server: Loopback, target: Path, fault: dict[str, Any], caplog: Any
) -> None:
    server.always = fault
    url = f"http://me:pass%20word@127.0.0.1:{server.port}/files/data.bin?{SECRET}"
    with pytest.raises(WildpaperError) as caught:
        download(url, target, attempts=2, backoff_s=0.001)
    assert server.seen[0].authorization == "Basic bWU6cGFzcyB3b3Jk"
    written = str(caught.value) + caplog.text
    assert "/files/data.bin" in written
    assert not any(word in written for word in ("pass", "me:", SECRET))
    assert caught.value.__cause__ is None  # a chained error would print the whole address


def test_a_failed_connection_does_not_show_the_query(target: Path, caplog: Any) -> None:
    with pytest.raises(WildpaperError) as caught:
        download(f"http://127.0.0.1:9/x?{SECRET}", target, attempts=2, backoff_s=0.001)
    assert SECRET not in str(caught.value) + caplog.text
