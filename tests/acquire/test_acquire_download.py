"""Downloads that break off or bring wrong bytes: continued, verified, atomic."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fetching import break_off, fetch, leftovers, ranges
from loopback_server import Loopback

from wildpaper.acquire.download import download
from wildpaper.acquire.partial import Part
from wildpaper.errors import WildpaperError


def test_plain_download(server: Loopback, target: Path) -> None:
    done = fetch(server, target, size_bytes=len(server.content))
    assert target.read_bytes() == server.content
    assert (done.sha256, done.n_bytes) == (sha256(server.content).hexdigest(), 1_500_000)
    assert done.etag == '"v1"'
    assert leftovers(target.parent) == ["data.bin"]


def test_cut_connections_are_continued_with_ranges(server: Loopback, target: Path) -> None:
    server.script = [{"cut": 300_000}, {"cut": 400_000}, {"cut": 200_000}]
    fetch(server, target, attempts=2)  # progress renews the patience
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, 300_000, 700_000, 900_000]
    assert leftovers(target.parent) == ["data.bin"]


def test_a_part_of_an_earlier_run_is_continued(server: Loopback, target: Path) -> None:
    size = break_off(server, target)
    assert not target.exists()
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [size]


def test_a_complete_part_needs_no_request(server: Loopback, target: Path, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Part, "publish", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fetch(server, target)
    server.seen.clear()
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert server.seen == []


def test_a_server_that_ignores_ranges_starts_over(server: Loopback, target: Path) -> None:
    server.script = [{"cut": 300_000}]
    server.always = {"ignore_range": True}
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, 300_000]


def test_a_server_that_ignores_ranges_and_always_cuts_ends(server: Loopback, target: Path) -> None:
    server.always = {"ignore_range": True, "cut": 300_000}
    with pytest.raises(WildpaperError, match="300000 of 1500000 bytes"):
        fetch(server, target, attempts=3)
    assert ranges(server) == [None, 300_000, 300_000]


@pytest.mark.parametrize(
    "stated", ["bytes 0-1499999/1500000", "bytes 300000-1499999/1600000", "nonsense"]
)
def test_a_wrong_content_range_is_rejected(server: Loopback, target: Path, stated: str) -> None:
    server.script = [{"cut": 300_000}, {"content_range": stated}]
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, 300_000, None]


@pytest.mark.parametrize("known", [True, False])
def test_a_part_of_another_version_is_not_continued(
    server: Loopback, target: Path, known: bool
) -> None:
    break_off(server, target, **({} if known else {"sha256": None}))
    server.content, server.etag = server.content[::-1], '"v2"'
    fetch(server, target, **({} if known else {"sha256": None}))
    assert target.read_bytes() == server.content
    # another checksum: the part goes at once; unknown checksum: If-Range lets the server decide
    assert ranges(server) == ([None] if known else [700_000])


def test_without_validator_and_checksum_nothing_is_continued(
    server: Loopback, target: Path
) -> None:
    server.etag = None
    server.script = [{"cut": 300_000}]
    fetch(server, target, sha256=None)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, None]


def test_a_weak_etag_does_not_vouch_for_a_part(server: Loopback, target: Path) -> None:
    server.etag = 'W/"v1"'
    server.script = [{"cut": 300_000}]
    fetch(server, target, sha256=None)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, None]


def test_a_part_of_another_address_is_not_continued(server: Loopback, target: Path) -> None:
    break_off(server, target, sha256=None)
    download(f"{server.url}/files/other.bin", target, backoff_s=0.001)
    assert ranges(server) == [None]


def test_the_rest_of_another_version_is_rejected(server: Loopback, target: Path) -> None:
    break_off(server, target, sha256=None)
    server.content, server.etag = server.content[::-1], '"v2"'
    server.script = [{"ignore_condition": True}]
    fetch(server, target, sha256=None)
    assert target.read_bytes() == server.content
    assert ranges(server) == [700_000, None]


def test_chunked_body_that_is_shorter_than_registered(server: Loopback, target: Path) -> None:
    server.always = {"chunked": True}
    with pytest.raises(WildpaperError, match="ended after 1500000 of 1500001 bytes"):
        fetch(server, target, size_bytes=1_500_001, sha256=None, attempts=1)
    assert not target.exists()


def test_a_part_without_record_is_not_trusted(server: Loopback, target: Path) -> None:
    target.with_name("data.bin.part").write_bytes(b"something else")
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None]


def test_announced_longer_than_sent(server: Loopback, target: Path) -> None:
    server.script = [{"announce": 1_500_100}]
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, 1_500_000]  # answered 416: there is no more, checksum fits


def test_announced_longer_than_sent_without_checksum(server: Loopback, target: Path) -> None:
    server.always = {"announce": 1_500_100}
    with pytest.raises(WildpaperError, match="of 1500100 bytes"):
        fetch(server, target, sha256=None, attempts=3)
    assert not target.exists()


def test_announced_shorter_than_the_file(server: Loopback, target: Path) -> None:
    server.always = {"announce": 1_000_000}
    with pytest.raises(WildpaperError, match="expected SHA-256"):
        fetch(server, target)
    assert leftovers(target.parent) == []


@pytest.mark.parametrize("size_bytes", [1_499_999, 1_500_001])
def test_size_that_contradicts_the_registry(
    server: Loopback, target: Path, size_bytes: int
) -> None:
    with pytest.raises(WildpaperError, match=r"1500000 bytes, registered are") as caught:
        fetch(server, target, size_bytes=size_bytes)
    assert "check revision and size" in caught.value.hint
    assert len(server.transfers) == 1
    assert leftovers(target.parent) == []


def test_chunked_body_without_length(server: Loopback, target: Path) -> None:
    server.always = {"chunked": True}
    fetch(server, target)
    assert target.read_bytes() == server.content


def test_chunked_body_that_breaks_is_continued(server: Loopback, target: Path) -> None:
    server.script = [{"chunked": True, "cut": 300_000}]
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server)[1] is not None


def test_compressed_answer_is_refused(server: Loopback, target: Path) -> None:
    server.always = {"encoding": "gzip"}
    with pytest.raises(WildpaperError, match="compressed"):
        fetch(server, target)


def test_wrong_byte_once(server: Loopback, target: Path) -> None:
    server.script = [{"wrong_byte": 1_000_000}]
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, None]


def test_wrong_byte_always(server: Loopback, target: Path) -> None:
    server.always = {"wrong_byte": 1_000_000}
    with pytest.raises(WildpaperError) as caught:
        fetch(server, target)
    wrong = bytearray(server.content)
    wrong[1_000_000] ^= 1
    assert sha256(server.content).hexdigest() in caught.value.what
    assert sha256(wrong).hexdigest() in caught.value.what
    assert "data/sources.yaml" in caught.value.hint
    assert ranges(server) == [None, None]
    assert leftovers(target.parent) == []


def test_a_stalled_server_is_left_and_asked_again(server: Loopback, target: Path) -> None:
    server.script = [{"stall": 300_000}]
    fetch(server, target, timeout_s=0.3)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, 300_000]
