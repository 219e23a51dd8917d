"""The benchmark of answers: its check runs, compares texts, and writes nothing."""

import subprocess
import sys


def test_check_compares_the_texts_and_writes_nothing(project):
    results = project / "benchmarks" / "results"
    before = sorted(results.iterdir()) if results.is_dir() else []
    done = subprocess.run(
        [sys.executable, project / "benchmarks" / "answers.py", "--check", "--questions", "5",
         "--batch", "3", "--max-new-tokens", "20"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "- yes: the same texts at temperature 0: 0 of 10 texts differ" in done.stdout
    assert "| one by one, `generate` | 10 |" in done.stdout
    assert (sorted(results.iterdir()) if results.is_dir() else []) == before
