"""Asking a judge is killed three times; the log has what came, and it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chat_server import at_random
from judge_asking import OPTIONS, PROMPTS, ask, logged, write_material

pytest_plugins = ["judge_fixtures"]

WORKFLOW = Path(__file__).parents[3] / "workflow"

CHILD = """
import json, sys
from pathlib import Path
from wildpaper.evaluate.judging.ask import ask_judge
from wildpaper.interfaces import patience
patience.FIRST_WAIT_S = 0.005
options = json.loads(sys.argv[1])
for name in ("questions", "prompts", "judgments", "report"):
    options[name] = Path(options[name])
options["answers"] = [Path(path) for path in options["answers"]]
ask_judge(**options)
"""


def test_killed_three_times_it_asks_for_the_rest_only(tmp_path, judge):
    judge.fault = at_random(9, share=0.3)
    judge.delay_s = 0.01
    material = write_material(tmp_path, 60)
    log = tmp_path / "private" / "judge" / "judgments.jsonl"
    options = {
        "endpoint": judge.url, "prompts": PROMPTS, "log_folder": log.parent, "pairs": [],
        "judgments": tmp_path / "j.parquet", "report": tmp_path / "r.json", **OPTIONS, **material,
    }  # fmt: skip
    command = [sys.executable, "-c", CHILD, json.dumps(options, default=str)]
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    have: set[str] = set()
    for n_lines in (20, 90, 160):
        before = len(judge.requests)
        child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (log.exists() and log.read_bytes().count(b"\n") >= n_lines):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
        sent = {json.dumps(one.body["messages"]) for one in judge.requests[before:]}
        assert not have & sent
        lines = log.read_bytes().split(b"\n")[:-1]
        have = {json.dumps(json.loads(line)["messages"]) for line in lines}
        assert len(have) == len(lines) < 240
        with log.open("ab") as torn:
            torn.write(b'{"request": "' + b"0" * 40)
    before = len(judge.requests)
    report, rows = ask(tmp_path, judge, material)
    assert not have & {json.dumps(one.body["messages"]) for one in judge.requests[before:]}
    assert len({line["request"] for line in logged(tmp_path)}) == len(logged(tmp_path)) == 240
    assert (report["asked"], report["verdicts"]) == (240 - len(have), 240)
    assert len(rows) == 240
