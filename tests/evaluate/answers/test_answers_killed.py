"""Answering is killed in the middle of a write; who goes on asks for the rest only."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from answering import write_world

from wildpaper.evaluate.answers.local import answer_questions
from wildpaper.evaluate.answers.two_turns import Speaker

WORKFLOW = Path(__file__).parents[3] / "workflow"
CHILD = """
import json, os, signal, sys
from pathlib import Path
from wildpaper.evaluate.answers.local import answer_questions
from wildpaper.interfaces.appended import AppendedFile

real, n_written = AppendedFile.add, 0

def add(self, lines):
    global n_written
    n_written += 1
    if n_written == 3:
        end = lines.index(b"\\n") + 1
        real(self, lines[: end + (len(lines) - end) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, lines)

AppendedFile.add = add
given = json.loads(sys.argv[1])
paths = ("questions", "model", "recipe", "tokenizer", "answers")
answer_questions(**{k: Path(v) if k in paths else v for k, v in given.items()})
"""


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_killed_while_it_writes_it_ends_with_the_same_bytes(tmp_path, monkeypatch, caplog):
    world = write_world(tmp_path / "world", n_questions=16) | {"batch": 3}
    answers = tmp_path / "out" / "a.jsonl"
    given = {k: str(v) if isinstance(v, Path) else v for k, v in world.items()}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(given | {"answers": str(answers)})],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not answers.exists()
    (kept,) = answers.parent.glob("answers-of-a-*/*.jsonl")
    lines = kept.read_bytes().split(b"\n")
    before = {json.loads(line)["question_id"] for line in lines[:-1]}
    assert len(before) == 7
    assert lines[-1]

    real, asked = Speaker.answer, []

    def answer(self, questions):
        asked.extend(question.question_id for question in questions)
        return real(self, questions)

    monkeypatch.setattr(Speaker, "answer", answer)
    with caplog.at_level("INFO", "wildpaper"):
        answer_questions(**world, answers=answers)
    assert sorted([*asked, *before]) == list(range(81, 97))
    assert "unfinished last line" in caplog.text
    assert "9 of 16 questions are left" in caplog.text
    assert list(answers.parent.iterdir()) == [answers]

    answer_questions(**world, answers=tmp_path / "whole.jsonl")
    assert (tmp_path / "whole.jsonl").read_bytes() == answers.read_bytes()
