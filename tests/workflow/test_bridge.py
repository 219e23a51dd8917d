"""What a job leaves behind: plain lines for mendable errors, a traceback for others, a record."""

import json
import logging
from contextlib import contextmanager
from pathlib import Path

import pytest

from wildpaper import bridge
from wildpaper.errors import WildpaperError

FUNCTIONS = """
import logging
from wildpaper.errors import WildpaperError

def work(sources, one, made, factor):
    assert [path.name for path in sources] == ["a.txt", "b.txt"] and one.name == "a.txt"
    made.write_text(str(factor * len(sources)))

def mendable(sources, one, made, factor):
    logging.getLogger("wildpaper").info("began")
    raise WildpaperError("It is broken", where="row 3", hint="Mend it.")

def look(sources, one, made, factor):
    import os
    made.write_text(os.environ["CUDA_VISIBLE_DEVICES"])

def unexpected(sources, one, made, factor):
    logging.getLogger("wildpaper").info("a line before, long enough to be written over")
    raise KeyError("odd")
"""


class Named(list):
    """A list some of whose parts have names, as Snakemake passes files and values."""

    def __init__(self, **parts):
        self.parts = parts
        super().__init__(
            path for part in parts.values() for path in (part if isinstance(part, list) else [part])
        )

    def items(self):
        return self.parts.items()

    def __getattr__(self, name):
        return self.parts[name]

    def get(self, name, default=None):
        return self.parts.get(name, default)


class Job:
    def __init__(self, folder, function, n_gpus=0):
        self.rule = "make_it"
        self.log = ["logs/make_it/a.log"]
        self.wildcards = Named(dataset="alpaca")
        self.input = Named(sources=[str(folder / "a.txt"), "b.txt"], one="a.txt")
        self.output = Named(made=str(folder / "made.txt"))
        self.resources = Named(gpu=n_gpus)
        self.params = Named(call=f"bridge_functions:{function}", code="abc", watch="x", factor=21)


@pytest.fixture
def job(tmp_path, monkeypatch):
    (tmp_path / "bridge_functions.py").write_text(FUNCTIONS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return lambda function, **options: Job(tmp_path, function, **options)


def log_text():
    return Path("logs/make_it/a.log").read_text(encoding="utf-8")


def test_names_become_arguments_and_a_record_is_left(job):
    assert bridge.run(job("work")) == 0
    assert Path("made.txt").read_text(encoding="utf-8") == "42"
    text = Path("logs/make_it/a.provenance.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["rule"] == "make_it"
    assert record["wildcards"] == {"dataset": "alpaca"}
    assert record["inputs"] == ["a.txt", "b.txt", "a.txt"]
    assert record["outputs"] == ["made.txt"]
    assert record["code_digest"] == "abc"
    assert record["seconds"] >= 0
    assert record["peak_mb"] > 1
    assert str(Path.cwd()) not in text


@pytest.mark.parametrize(("n_gpus", "seen"), [(0, ""), (2, "4,7")])
def test_a_job_sees_the_gpus_that_it_was_given(job, monkeypatch, n_gpus, seen):
    @contextmanager
    def hold(n):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(["4", "7"][:n]))
        yield

    monkeypatch.setattr(bridge, "hold", hold)
    assert bridge.run(job("look", n_gpus=n_gpus)) == 0
    assert Path("made.txt").read_text(encoding="utf-8") == seen


def test_a_record_names_no_folder_of_the_machine(job, project):
    inside = str(project / "data" / "published.yaml")
    assert bridge.relative_path(inside) == "data/published.yaml"
    assert bridge.relative_path("/somewhere/else/file.json") == "file.json"
    assert bridge.relative_path("results/x.csv") == "results/x.csv"


def test_a_mendable_error_is_three_plain_lines(job, capfd):
    assert bridge.run(job("mendable")) == 1
    error = capfd.readouterr().err
    for text in (error, log_text()):
        assert "ERROR It is broken\n  Where: row 3\n  Hint:  Mend it.\n" in text
        assert "Traceback" not in text
        assert "began" in text
    assert not Path("logs/make_it/a.provenance.json").exists()


def test_the_traceback_of_another_error_is_in_the_log_only(job, capfd):
    assert bridge.run(job("unexpected")) == 1
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert "Unexpected KeyError in rule make_it" in error
    assert "logs/make_it/a.log" in error
    log = log_text()
    assert "a line before, long enough to be written over\n" in log
    assert "Traceback (most recent call last):\n" in log
    assert "in unexpected\n" in log
    assert "\nKeyError: 'odd'\n" in log
    assert "Unexpected KeyError in rule make_it" in log


def test_a_second_run_starts_its_log_anew_and_writes_to_it_alone(job, tmp_path):
    bridge.run(job("mendable"))
    first = log_text()
    other = job("mendable")
    other.log = ["logs/other.log"]
    bridge.run(other)
    assert log_text() == first
    bridge.run(job("work"))
    assert log_text() == ""
    assert logging.getLogger("wildpaper").handlers == []


def test_a_function_that_is_not_there_is_reported(job, capfd):
    assert bridge.run(job("nothing")) == 1
    assert "Unexpected AttributeError" in capfd.readouterr().err


def test_errors_read_as_text():
    assert str(WildpaperError("What")) == "What"
    assert str(WildpaperError("What", hint="Do")) == "What\n  Hint:  Do"
