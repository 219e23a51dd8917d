"""Before a long run, everything that is missing is said at once, and no secret is."""

import json
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from loopback_server import COMMIT, Loopback
from needing import gpu_need, needs, plan_needs, recipe

from wildpaper.acquire import preflight as module
from wildpaper.acquire.preflight import check_requirements
from wildpaper.acquire.transfer import Patience
from wildpaper.errors import WildpaperError
from wildpaper.train import hardware
from wildpaper.train.hardware import Gpu

HASTY = Patience(attempts=2, backoff_s=0.001, timeout_s=2.0)
OPEN = {"what": "wildchat wildchat-1m", "repo": "owner/open", "repo_type": "dataset",
        "file": "data/a.parquet", "glob": None, "revision": None, "gated": False}  # fmt: skip
GATED = OPEN | {"what": "lmsys_chat_1m official", "repo": "owner/gated", "gated": True}
MODEL = GATED | {"what": "the tokenizer", "repo": "meta/model", "repo_type": "model",
                 "file": "tokenizer.json"}  # fmt: skip
REFUSED = {"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}


def check(folder: Path, wanted: dict[str, Any], server: Loopback | None = None) -> list[dict]:
    path = folder / "preflight.json"
    endpoint = server.url if server else "http://127.0.0.1:9"
    check_requirements(wanted, path, endpoint, patience=HASTY)
    found: list[dict] = json.loads(path.read_text(encoding="utf-8"))["checked"]
    return found


def refused(folder: Path, wanted: dict[str, Any], server: Loopback | None = None) -> list[str]:
    """Return the numbered lines of the one error."""
    with pytest.raises(WildpaperError) as caught:
        check(folder, wanted, server)
    assert not (folder / "preflight.json").exists()
    head, *lines = caught.value.what.splitlines()
    assert f"{len(lines)} of " in head
    return lines


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return "hf_secret"


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that gives this machine GPUs of so many bytes."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def put(*memories: int, name: str = "NVIDIA A100") -> None:
        found = tuple(Gpu(i, name, n_bytes) for i, n_bytes in enumerate(memories))
        monkeypatch.setattr(hardware, "_all_gpus", lambda: found)

    return put


def free_space(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> None:
    status = SimpleNamespace(f_bavail=n_bytes, f_frsize=1)
    monkeypatch.setattr(module.os, "statvfs", lambda _: status)


def test_all_is_there(tmp_path: Path, server: Loopback, token: str, gpus: Any) -> None:
    gpus(85 * 10**9)
    disk = {"what": "raw", "folder": str(tmp_path / "raw"), "bytes": 10, "estimated": False}
    wanted = needs(
        OPEN, GATED, MODEL, disk=[disk], memory_gb=0.001,
        addresses=[{"what": "alpaca official", "url": server.file_url}],
        gpus=gpu_need(1, 80.0),
    )  # fmt: skip
    found = check(tmp_path, wanted, server)
    assert len(found) == 1 + 1 + 3 + 1 + 1 + 1 + 1
    assert not any(one["mend"] for one in found)
    assert sum(COMMIT in one["found"] for one in found) == 3
    text = (tmp_path / "preflight.json").read_text(encoding="utf-8")
    assert token not in text
    assert [one.path for one in server.seen if one.method == "GET"] == ["/files/data.bin"]
    assert server.seen[-2].path == "/meta/model/resolve/main/tokenizer.json"
    assert {one.authorization for one in server.seen if "/resolve/" in one.path} == {
        f"Bearer {token}"
    }


def test_everything_missing_is_said_at_once(
    tmp_path: Path, server: Loopback, gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus()
    free_space(monkeypatch, 5)
    server.hub_script = [{"status": 200}, {"status": 404}]
    disk = {"what": "raw", "folder": str(tmp_path / "raw"), "bytes": 10**9, "estimated": True}
    wanted = needs(
        OPEN, GATED, disk=[disk], memory_gb=10.0**9,
        addresses=[{"what": "alpaca official", "url": server.url + "/resolve/gone"}],
        gpus=gpu_need(4, 75.0),
    )  # fmt: skip
    server.hub_status = 404
    lines = refused(tmp_path, wanted, server)
    for line, words in zip(
        lines,
        [
            ["a token", "HF_TOKEN", f"{server.url}/datasets/owner/gated"],
            ["owner/open", "no such file", "wildchat wildchat-1m"],
            ["alpaca official", "no such file"],
            ["4 GPU(s) with 75 GB", "the recipe big", "found none"],
            ["1.0 GB of disk", "about", "Make room"],
            ["of memory", "more memory"],
        ],
        strict=True,
    ):
        assert all(word in line for word in words), line
    assert not any("/owner/gated/resolve" in one.path for one in server.seen)


def test_terms_not_accepted_name_each_page(tmp_path: Path, server: Loopback, token: str) -> None:
    server.hub_script = [{"status": 200}, {"status": 200}, REFUSED, REFUSED]
    lines = refused(tmp_path, needs(OPEN, GATED, MODEL), server)
    assert len(lines) == 2
    assert f"{server.url}/datasets/owner/gated " in lines[0]
    assert f"{server.url}/meta/model " in lines[1]
    assert all("no access yet" in line and "Accept the terms" in line for line in lines)
    assert token not in "".join(lines)


def test_a_token_that_is_not_accepted(tmp_path: Path, server: Loopback, token: str) -> None:
    server.hub_script = [{"status": 200}, {"status": 401}]
    (line,) = refused(tmp_path, needs(GATED), server)
    assert "token was not accepted" in line
    assert token not in line


def test_a_base_model_that_turns_out_to_be_gated(tmp_path: Path, server: Loopback) -> None:
    server.hub_script = [{"status": 200}, {"status": 401}]
    (line,) = refused(tmp_path, needs(MODEL | {"gated": False}), server)
    assert "token is missing" in line
    assert "HF_TOKEN" in line


def test_a_hub_out_of_reach_is_one_line_and_not_one_for_each_repository(tmp_path: Path) -> None:
    lines = refused(tmp_path, needs(OPEN, OPEN | {"repo": "owner/other"}, GATED))
    assert len(lines) == 2
    assert "a token" in lines[0]
    assert "no connection" in lines[1]
    assert "HF_ENDPOINT" in lines[1]


def test_a_hub_in_trouble_is_asked_again(tmp_path: Path, server: Loopback) -> None:
    server.hub_script = [{"status": 503}]
    assert len(check(tmp_path, needs(OPEN), server)) == 2
    server.hub_status = 503
    (tmp_path / "preflight.json").unlink()
    (line,) = refused(tmp_path, needs(OPEN), server)
    assert "503" in line


def test_the_endpoint_of_the_environment_is_asked(
    tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    check_requirements(needs(OPEN), tmp_path / "p.json", patience=HASTY)
    assert [one.path for one in server.seen] == [
        "/", "/datasets/owner/open/resolve/main/data/a.parquet"
    ]  # fmt: skip


def test_offline_is_said_and_nobody_is_asked(
    tmp_path: Path, server: Loopback, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (line,) = refused(tmp_path, needs(OPEN, GATED), server)
    assert "HF_HUB_OFFLINE is set" in line
    assert "Unset HF_HUB_OFFLINE" in line
    assert server.seen == []


def test_a_listed_release_is_asked_for_its_first_file(
    tmp_path: Path, server: Loopback, token: str
) -> None:
    names = ["README.md", "data/b.parquet", "data/a.parquet"]
    server.listing = {"sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
    check(tmp_path, needs(GATED | {"file": None, "glob": "data/*.parquet"}), server)
    assert server.seen[-1].path == f"/datasets/owner/gated/resolve/{COMMIT}/data/a.parquet"


@pytest.mark.parametrize(
    ("memories", "met"),
    [((80, 80, 80, 80), True), ((80, 80, 80), False), ((80, 80, 80, 40), False), ((), False),
     ((40, 80, 80, 80, 80), True)],
)  # fmt: skip
def test_gpus_are_counted_by_their_memory(
    memories: tuple[int, ...], met: bool, tmp_path: Path, gpus: Any
) -> None:
    gpus(*(n * 10**9 for n in memories))
    wanted = needs(gpus=gpu_need(4, 75.0))
    if met:
        assert len(check(tmp_path, wanted)) == 1
    else:
        assert "CUDA_VISIBLE_DEVICES" in refused(tmp_path, wanted)[0]


def test_only_gpus_that_the_environment_shows_count(
    tmp_path: Path, gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(*[80 * 10**9] * 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    assert len(check(tmp_path, needs(gpus=gpu_need(2, 75.0)))) == 1
    (tmp_path / "preflight.json").unlink()
    (line,) = refused(tmp_path, needs(gpus=gpu_need(3, 75.0)))
    assert line.count("80 GB") == 2


def test_gpus_that_do_not_know_bf16(tmp_path: Path, gpus: Any) -> None:
    gpus(80 * 10**9, name="Tesla V100")
    assert "and bf16" in refused(tmp_path, needs(gpus=gpu_need(1, 75.0, bf16=True)))[0]
    assert len(check(tmp_path, needs(gpus=gpu_need(1, 75.0)))) == 1


def test_the_plan_of_the_training_stands_in_the_log_whatever_is_missing(
    tmp_path: Path, gpus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gpus()
    wanted = plan_needs(how=recipe()) | {"hub": [], "disk": []}
    with caplog.at_level(logging.INFO, "wildpaper"):
        lines = refused(tmp_path, wanted)
    assert "parameters: 6,738,415,616" in caplog.text
    assert "estimated from Table 1" in caplog.text
    assert "4 GPU(s) with 75 GB each and bf16, for the recipe wildllama-7b" in lines[0]


def test_needs_on_one_disk_are_added_up_less_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_space(monkeypatch, 1000)
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "part").write_bytes(b"x" * 300)
    (raw / "link").symlink_to(raw / "part")
    (tmp_path / "elsewhere").write_bytes(b"x" * 5000)
    one = {"what": "raw", "folder": str(raw), "estimated": False}
    two = {"what": "results", "folder": str(tmp_path / "a/b/c"), "estimated": False}
    for n_raw, n_results, met in ((800, 500, True), (801, 500, False), (100, 1000, True)):
        wanted = needs(disk=[one | {"bytes": n_raw}, two | {"bytes": n_results}])
        if met:
            assert len(check(tmp_path, wanted)) == 1
            (tmp_path / "preflight.json").unlink()
        else:
            refused(tmp_path, wanted)


def test_the_disk_is_really_asked(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    n_bytes = status.f_bavail * status.f_frsize * 100
    need = {"what": "x", "folder": str(tmp_path), "bytes": n_bytes, "estimated": False}
    assert "are free" in refused(tmp_path, needs(disk=[need]))[0]


def test_the_hub_s_cache_is_where_a_base_model_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_space(monkeypatch, 0)
    monkeypatch.setattr(module.constants, "HF_HUB_CACHE", str(tmp_path / "cache/hub"))
    need = {"what": "base", "folder": None, "bytes": 9, "estimated": True}
    (line,) = refused(tmp_path, needs(disk=[need]))
    assert str(tmp_path) in line
