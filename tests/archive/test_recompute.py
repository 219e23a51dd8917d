"""Results computed anew: equal, almost equal where models compute, or refused by name."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import RESULTS, pack

from wildpaper.archive.recompute import check_restored
from wildpaper.archive.same import difference
from wildpaper.errors import WildpaperError

FUNCTIONS = """
import pyarrow as pa, pyarrow.parquet as pq
def label(messages, labels, factor, n_workers):
    assert n_workers == 2
    labels[0].parent.mkdir(parents=True, exist_ok=True)
    n = len(messages.read_text().splitlines())
    pq.write_table(pa.table({"n": [n], "score": pa.array([factor], pa.float32())}), labels[0])
"""
LABEL = f"{RESULTS}/annotate/detoxify@computed/alpaca-0.parquet"
MESSAGES = f"{RESULTS}/ingest/alpaca/messages-0.parquet"


@pytest.fixture
def functions(tmp_path, monkeypatch):
    (tmp_path / "made_up_functions.py").write_text(FUNCTIONS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("made_up_functions", None)


def job(factor):
    return {
        "rule": "score_detoxify", "call": "made_up_functions:label",
        "inputs": {"messages": MESSAGES}, "outputs": {"labels": [LABEL]},
        "params": {"factor": factor},
    }  # fmt: skip


def check(drawn, computed=()):
    Path("verified.json").write_text('{"n_members": 3}', encoding="utf-8")
    check_restored(
        Path("tiny.tar"), Path("verified.json"), [Path(one) for one in computed],
        Path("restored.json"), drawn, {"train_model": "too long"}, [], RESULTS, n_workers=2,
    )  # fmt: skip
    return json.loads(Path("restored.json").read_text(encoding="utf-8"))


def keep(n, factor):
    Path(LABEL).parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"n": [n], "score": pa.array([factor], pa.float32())})
    pq.write_table(table, LABEL)


def test_the_same_bytes_and_almost_the_same_floats_pass(run_files, functions):
    pack(run_files)
    keep(40, 0.25)
    found = check([job(0.25)])
    assert found["computed_anew"] == [
        {"file": LABEL, "rule": "score_detoxify", "identical": True, "furthest": 0.0}
    ]
    assert found["n_members"] == 3
    assert found["not_computed_anew"] == {"train_model": "too long"}
    found = check([job(0.2501)])["computed_anew"][0]
    assert not found["identical"]
    assert found["furthest"] == pytest.approx(0.0001, rel=1e-3)
    assert not list(Path(RESULTS, "restored").iterdir())


@pytest.mark.parametrize(("n", "factor", "what"), [(41, 0.25, "n"), (40, 0.75, "score")])
def test_another_result_stops_the_run_and_is_named(run_files, functions, n, factor, what):
    pack(run_files)
    keep(n, factor)
    with pytest.raises(WildpaperError, match=f"alpaca-0.parquet differs in the columns {what}"):
        check([job(0.25)])
    assert not Path("restored.json").exists()


def test_texts_that_were_made_anew_must_be_the_archived_ones(run_files):
    pack(run_files, texts=False)
    assert check([], [MESSAGES])["computed_as_archived"] == [MESSAGES]
    Path(MESSAGES).write_text("another text", encoding="utf-8")
    with pytest.raises(WildpaperError, match=r"messages-0\.parquet differs in its checksum"):
        check([], [MESSAGES])


def test_nulls_rows_columns_and_vectors_are_compared(tmp_path):
    def write(name, **columns):
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    floats = pa.array([0.1, None, float("nan")])
    a = write("a", x=floats, y=["p", None, "q"])
    assert difference(a, write("b", x=floats, y=["p", None, "q"])) == (0.0, "")
    assert "x" in difference(a, write("c", x=[0.1, 0.2, float("nan")], y=["p", None, "q"]))[1]
    assert "y" in difference(a, write("d", x=floats, y=["p", "", "q"]))[1]
    assert "rows" in difference(a, write("e", x=floats[:2], y=["p", None]))[1]
    assert "columns" in difference(a, write("f", x=floats))[1]
    vectors = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2)
    moved = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.1]), 2)
    assert difference(write("g", v=vectors), write("h", v=moved))[1] == "the columns v"
