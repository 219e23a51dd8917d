"""Asking for moderation is killed three times; the store has what came, and it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from moderation_asking import OPTIONS, ask, sha256, stored, texts, write_shard
from moderation_server import at_random

pytest_plugins = ["moderation_fixtures"]

WORKFLOW = Path(__file__).parents[2] / "workflow"

CHILD = """
import json, sys
from pathlib import Path
from wildpaper.annotate.moderation.ask import ask_moderation
from wildpaper.interfaces import patience
patience.FIRST_WAIT_S = 0.005
messages, report, options = sys.argv[1:]
ask_moderation([Path(messages)], Path(report), **json.loads(options))
"""


def test_killed_three_times_it_asks_for_the_rest_only(tmp_path, interface):
    interface.fault = at_random(9, share=0.3)
    interface.delay_s = 0.01
    said = texts(400)
    shard = write_shard(tmp_path / "wildchat-0.parquet", said)
    store = tmp_path / "store" / "moderation-asked.jsonl"
    options = {"endpoint": interface.url, "answers": str(store.parent), **OPTIONS}
    command = [sys.executable, "-c", CHILD, str(shard), str(tmp_path / "r"), json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    have: set[str] = set()
    for n_lines in (30, 150, 270):
        before = len(interface.requests)
        child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while not (store.exists() and store.read_bytes().count(b"\n") >= n_lines):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not have & {sha256(t) for one in interface.requests[before:] for t in one.texts}
        lines = store.read_bytes().split(b"\n")[:-1]
        have = {json.loads(line)["sha256"] for line in lines}
        assert len(have) == len(lines) < len(said)
        with store.open("ab") as torn:
            torn.write(b'{"sha256": "' + b"0" * 40)
    before = len(interface.requests)
    report = ask(tmp_path, interface, said)
    asked = [t for one in interface.requests[before:] for t in one.texts]
    assert not have & set(map(sha256, asked))
    assert Counter(line["sha256"] for line in stored(tmp_path)) == Counter(map(sha256, said))
    assert (report["in_store"], report["asked"]) == (len(have), 400 - len(have))
