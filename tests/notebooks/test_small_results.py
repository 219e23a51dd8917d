"""Small results have the form of a run's, say what they are, and hold what was planted."""

import os

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.present.teaching import run as opening
from wildpaper.present.teaching.run import AUTO, open_run
from wildpaper.present.teaching.small_judge import BIAS
from wildpaper.present.teaching.small_run import make_small_results


def test_all_numbers_are_simulated(small):
    assert small.simulated
    assert small.preset == "small"
    for path in (small.folder / "measure").glob("*.csv"):
        table = small.table(path.stem)
        assert set(table["route"].dropna()) == {"simulated"}, path.name
    verdicts = {claim["verdict"] for claim in small.claims if claim["kind"] == "published"}
    assert verdicts == {"not-comparable", "not-run"}
    assert "small results" in small.why_not("table-02-apis")


def test_no_text_and_no_address_is_kept(small):
    kept = sorted(path.suffix for path in small.folder.rglob("*") if path.is_file())
    assert set(kept) == {".csv", ".json", ".md"}
    assert sorted(path.name for path in small.folder.iterdir()) == [
        "ledger.json", "measure", "publish",
    ]  # fmt: skip


def test_the_bias_of_the_planted_judge_is_found(small):
    (cell,) = [c for c in small.cells("judge-robustness") if c.column == "position-bias"]
    assert cell.ci_low < 100 * BIAS < cell.ci_high
    moved = small.found("judge-robustness")
    assert moved["repeated", "change"].ci_low < 0 < moved["repeated", "change"].ci_high
    assert moved["quoted-verdict", "change"].ci_low > 0


def test_more_data_cost_less_and_own_prompts_least(small):
    sizes = small.found("data-size")
    losses = [sizes[f"random-{size}", "held-out-nll"].value for size in ("12-5", "25", "50", "100")]
    assert losses == sorted(losses, reverse=True)
    matrix = {key: cell.value for key, cell in small.found("figure-03-coverage").items()}
    assert matrix["dolly", "dolly"] < matrix["alpaca", "dolly"]
    curve = small.table("loss-curve")
    held_out = curve[(curve["share"] == "held-out") & (curve["model"] == "wildllama")]["loss_nats"]
    assert held_out.iloc[-1] < held_out.iloc[0] - 1


def test_the_threshold_matters(small):
    found = small.found("threshold-sweep")
    shares = [found["wildchat user", at].value for at in ("0.01", "0.1", "0.5", "0.9")]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[1] > shares[3] > 0


def test_what_is_there_is_not_made_again(small, home, monkeypatch):
    before = {path: os.stat(path).st_mtime_ns for path in small.folder.rglob("*")}
    monkeypatch.chdir(home)
    found = open_run(AUTO)
    assert found.folder == small.folder
    assert found.small
    assert before == {path: os.stat(path).st_mtime_ns for path in small.folder.rglob("*")}


def test_a_finished_demo_is_preferred(tmp_path, monkeypatch):
    (tmp_path / "results/demo/publish").mkdir(parents=True)
    (tmp_path / "results/demo/publish/claims.json").write_text("{}", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    found = open_run(AUTO)
    assert (found.folder, found.small) == (tmp_path / "results/demo", False)


def test_outside_a_project_they_go_to_the_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    (tmp_path / "tmp/wildpaper-notebooks/small-5/publish").mkdir(parents=True)
    (tmp_path / "tmp/wildpaper-notebooks/small-5/publish/claims.json").write_text("{}")
    assert open_run(AUTO).folder == tmp_path / "tmp/wildpaper-notebooks/small-5"


def test_an_unfinished_run_is_refused(tmp_path):
    (tmp_path / "measure").mkdir()
    with pytest.raises(WildpaperError, match=r"is not finished: it has no publish/claims\.json"):
        open_run(str(tmp_path))


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr("wildpaper.present.teaching.small_run.make_corpus", fail)
    with pytest.raises(OSError, match="no room"):
        make_small_results(tmp_path / "results/small-1", 1)
    assert list((tmp_path / "results").iterdir()) == []
