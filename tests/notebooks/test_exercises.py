"""Checkers know the right answer of a run, and tell what is wrong without telling it."""

import csv
import json
import math
from collections import Counter

import pytest
from running_notebooks import run_here

from wildpaper.errors import WildpaperError
from wildpaper.present.teaching.exercises import check, judge
from wildpaper.present.teaching.questions import EXERCISES
from wildpaper.present.teaching.run import Run


class Read:
    """The results of a run as plain rows, read without the library."""

    def __init__(self, folder):
        self.folder = folder

    def rows(self, artifact):
        with (self.folder / f"measure/{artifact}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def cell(self, artifact, row, column):
        chosen = [r for r in self.rows(artifact) if (r["row"], r["column"]) == (row, column)]
        assert len(chosen) == 1
        return {
            k: float(v)
            for k, v in chosen[0].items()
            if k in ("value", "ci_low", "ci_high", "n") and v
        }

    def value(self, artifact, row, column):
        return self.cell(artifact, row, column)["value"]

    def json(self, name):
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def expected(read):
    """Return {exercise: right answer}, computed from the files in another way."""
    published = [c for c in read.json("publish/claims.json")["claims"] if c["kind"] == "published"]
    ledger = read.json("ledger.json")[0]
    user = [r for r in read.rows("token-lengths") if r["role"] == "user"]
    tails = Counter()
    for r in user:
        tails[r["dataset"]] += int(r["n_messages"]) * (int(r["low_tokens"]) >= 128)
    totals = Counter()
    for r in user:
        totals[r["dataset"]] += int(r["n_messages"])
    lengths = [int(r["low_tokens"]) for r in user if r["dataset"] == "wildchat"
               for _ in range(int(r["n_messages"]))]  # fmt: skip
    mean = read.cell("table-01-datasets", "wildchat", "user-tokens-mean")
    calls = {r["column"]: int(r["value"]) for r in read.rows("release-text") if r["row"] == "calls"}
    reasons = {k: n for k, n in calls.items() if k not in ("all", "kept", "new-address")}
    flagged = {c: read.value("table-06-toxicity-overlap", "user", c) for c in ("either", "both")}
    overlap = read.rows("embedding-overlap")
    mixing = {r["row"]: float(r["value"]) for r in overlap if r["column"] == "mixing"}
    lows = {r["row"]: float(r["value"]) for r in overlap if r["column"] == "mixing-random-low"}
    repeated = read.cell("near-duplicates", "wildchat", "messages-in-clusters")
    matrix = {(r["row"], r["column"]): float(r["value"]) for r in read.rows("figure-03-coverage")}
    sets = {row for row, _ in matrix}
    lowest = [min(sets, key=lambda row, c=c: matrix[row, c]) == c for c in sets]
    pair = "planted_a-vs-planted_b"
    game = {c: read.value("table-10-mtbench-pairs", pair, c)
            for c in ("games-win", "games-tie", "consistent")}  # fmt: skip
    grades = {r["column"]: float(r["value"]) for r in read.rows("figure-06-mtbench-categories")
              if r["row"] == "planted_a"}  # fmt: skip
    sweep = {at: read.value("threshold-sweep", "wildchat user", at) for at in ("0.1", "0.5")}
    fall = read.value("data-size", "random-100", "held-out-nll")
    return {
        "tour.obtained": sum(c["obtained"] is not None for c in published),
        "tour.verdict": Counter(c["verdict"] for c in published).most_common(1)[0][0],
        "tour.kept": 100 * ledger["kept"] / ledger["in"],
        "statistics.long": max(tails, key=lambda name: tails[name] / totals[name]),
        "statistics.median": sorted(lengths)[(len(lengths) - 1) // 2],
        "statistics.width": 100 * (mean["ci_high"] - mean["ci_low"]) / mean["value"],
        "release.kept": 100 * calls["kept"] / calls["all"],
        "release.reason": max(reasons, key=reasons.get),
        "release.recovered": 100 * read.value("linking-causes", "total", "recovered")
        / read.value("linking-causes", "total", "n"),
        "toxicity.one": flagged["either"] - flagged["both"],
        "toxicity.agreed": 100 * flagged["both"] / flagged["either"],
        "toxicity.fall": sweep["0.1"] - sweep["0.5"],
        "embeddings.least": min(mixing, key=mixing.get),
        "embeddings.chance": sum(mixing[name] < lows[name] for name in mixing),
        "embeddings.repeated": repeated["value"] * repeated["n"] / 100,
        "training.diagonal": sum(lowest),
        "training.perplexity": math.exp(matrix["wildchat", "wildchat"]),
        "training.gain": read.value("data-size", "random-50", "held-out-nll") - fall,
        "evaluation.rate": game["games-win"] + game["games-tie"] / 2,
        "evaluation.order": 100 - game["consistent"],
        "evaluation.category": min(grades, key=grades.get),
    }  # fmt: skip


ROUNDED = {0.05: 1, 0.005: 2, 0.5: 0, 1.0: 0}


@pytest.fixture(scope="module")
def right(small):
    return expected(Read(small.folder))


@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_answer_is_accepted_rounded_as_asked(name, right, small):
    answer = right[name]
    given = [answer]
    if isinstance(answer, str):
        given.append(f" {answer.upper()} ")
    elif EXERCISES[name].within:
        given.append(round(answer, ROUNDED[EXERCISES[name].within]))
    for one in given:
        assert judge(name, one, small).message == "Right.", one


@pytest.mark.parametrize("name", EXERCISES)
def test_wrong_answers_are_refused_with_a_hint_that_does_not_tell(name, right, small):
    answer = right[name]
    within = EXERCISES[name].within
    if isinstance(answer, str):
        wrong = ["", "something else", answer + "x", 3, True]
    else:
        off = 2.2 * within + (1 if float(answer).is_integer() else 0.001)
        wrong = [answer + off, answer - off, -answer - 1, 1e9, float("nan"), "3", str(answer), True]
    for one in wrong:
        verdict = judge(name, one, small)
        assert verdict.state == "wrong", one
        assert verdict.message.startswith("Not yet. ")
        assert len(verdict.message) > 25
        told = answer if isinstance(answer, str) else f"{answer:.1f}"
        assert told not in verdict.message


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_easily_mistaken_is_recognised(name, right, small):
    exercise = EXERCISES[name]
    for said, mistaken in exercise.mistakes.items():
        other = mistaken(small)
        if abs(other - right[name]) > exercise.within:
            assert judge(name, other, small).message == f"Not yet. {said}"


@pytest.mark.parametrize("name", EXERCISES)
def test_no_answer_and_no_results_are_said(name, small, tmp_path, capsys):
    check(name, None, small)
    assert capsys.readouterr().out == "Not answered yet.\n"
    (tmp_path / "publish").mkdir()
    document = {"preset": "p", "release": {}, "claims": []}
    (tmp_path / "publish/claims.json").write_text(json.dumps(document), encoding="utf-8")
    empty = Run(tmp_path)
    wanted = "wrong" if name == "tour.obtained" else "not possible"
    assert judge(name, 3, empty).state == wanted
    if name == "tour.obtained":
        assert judge(name, 0, empty).state == "right"


def test_an_unknown_exercise_is_named(small):
    with pytest.raises(WildpaperError, match=r"There is no exercise 'tour\.x'"):
        judge("tour.x", 1, small)


def test_answers_are_checked_in_a_notebook(project, small, right):
    answers = {1: right["release.kept"], 2: "no-such-reason", 3: None}
    notebook = project / "notebooks/02_release.ipynb"
    ran = run_here(notebook, answers, results=str(small.folder))
    said = [line for line in ran.all.splitlines() if line.startswith(("Right", "Not "))]
    assert said[0] == "Right."
    assert said[1].startswith("Not yet. ")
    assert said[2] == "Not answered yet."
