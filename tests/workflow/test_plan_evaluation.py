"""Who answers and who judges is known, or refused, before any job starts."""

import shutil

import pytest

from wildpaper.config import load_config
from wildpaper.errors import WildpaperError
from wildpaper.plan_evaluation import plan_evaluation, published_rows
from wildpaper.plan_training import plan_training

ALL = ("wildchat", "sharegpt", "alpaca")


@pytest.fixture
def home(tmp_path, project, monkeypatch):
    """Return a project with recipes and questions, and the files that MT-bench would add."""
    for name in ("recipes", "mtbench"):
        shutil.copytree(project / "data" / name, tmp_path / "data" / name)
    shutil.copyfile(project / "data/models.yaml", tmp_path / "data/models.yaml")
    (tmp_path / "judgments.jsonl").touch()
    (tmp_path / "answers.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(home, recipe="tiny", **evaluate):
    config = load_config({"preset": "test", "train": {"recipe": recipe}, "evaluate": evaluate})
    training = plan_training(recipe, str(home), "data/raw", ALL)
    return plan_evaluation(config, training, str(home))


def refused(home, **options):
    with pytest.raises(WildpaperError) as caught:
        planned(home, **options)
    assert caught.value.hint
    return caught.value


def test_the_models_of_a_run_are_judged_by_likelihood_unless_another_judge_is_chosen(home):
    found = planned(home)
    assert found.judge.kind == "likelihood"
    assert (found.models, found.base) == (["wildllama", "baseline"], False)
    assert found.pairs == [("wildllama", "baseline")]
    assert found.titles["wildllama"] == "WildLLaMA (tiny)"
    assert planned(home, judge={"kind": "none"}) is None
    assert planned(home, recipe="none") is None


def test_a_pretrained_base_answers_too(home):
    config = load_config({"preset": "test", "evaluate": {"models": {"wildllama": {"title": "W"}}}})
    training = plan_training("wildllama-7b", str(home), "data/raw", ALL)
    found = plan_evaluation(config, training, str(home))
    assert found.models == ["wildllama", "base"]
    assert found.titles == {"wildllama": "W", "base": "Llama-2 7B"}


def test_replayed_judgments_need_no_answers_and_bring_their_own_models(home):
    judge = {"kind": "replay", "judgments": ["judgments.jsonl"], "names": {"v-1.3": "vicuna"}}
    for recipe in ("none", "tiny"):
        found = planned(home, recipe=recipe, judge=judge, models={"vicuna": {"title": "Vicuna"}})
        assert (found.models, found.trained, found.pairs) == (["vicuna"], [], [])
        assert found.titles["vicuna"] == "Vicuna"
    error = refused(home, judge=judge | {"judgments": ["nowhere.jsonl"]})
    assert error.where == "config key evaluate.judge.judgments"


def test_other_models_answer_from_where_the_configuration_says(home):
    models = {
        "local": {"model": "meta-llama/Llama-2-7b-chat-hf", "revision": "abc"},
        "far": {"endpoint": "http://localhost:1/v1", "served": "x"},
        "stored": {"answers": "answers.jsonl"},
    }
    found = planned(home, models=models)
    assert found.models == ["wildllama", "baseline", *models]
    assert [list(found.answering(s)) for s in ("model", "endpoint", "answers")] == [
        ["local"], ["far"], ["stored"],
    ]  # fmt: skip
    assert found.from_hub() == {"local": ("meta-llama/Llama-2-7b-chat-hf", "abc")}
    assert len(found.pairs) == 10
    error = refused(home, models={"lost": {"title": "Lost"}})
    assert error.where == "config key evaluate.models.lost"
    assert "answers" in refused(home, models={"s": {"answers": "nowhere"}}).where


def test_pairs_name_models_of_the_run(home):
    error = refused(home, judge={"pairs": [["wildllama", "nobody"]]})
    assert "wildllama, baseline" in error.hint
    with pytest.raises(WildpaperError, match="itself"):
        planned(home, judge={"pairs": [["wildllama", "wildllama"]]})


def test_prompts_of_mtbench_are_wanted_where_a_judge_is_asked_only(home):
    assert planned(home, judge={"prompts": "mtbench"}).prompts == ""
    error = refused(home, judge={"kind": "ask", "prompts": "mtbench"})
    assert "make mtbench" in error.hint
    found = planned(home, judge={"kind": "ask"})
    assert found.prompts.endswith("judge-prompts.jsonl")
    assert found.log == "data/private/test/judge"


def test_two_sources_of_answers_are_refused(home):
    with pytest.raises(WildpaperError, match="not both"):
        planned(home, models={"m": {"answers": "answers.jsonl", "model": "a/b"}})


def test_rows_of_the_published_tables_are_named_not_guessed(home):
    models = {
        "wildllama": {"published_as": "wildllama_7b"},
        "vicuna": {"answers": "answers.jsonl", "published_as": "vicuna_7b", "differs": "older"},
    }
    config = load_config({"preset": "test", "evaluate": {"models": models}})
    assert published_rows(config, ["wildllama", "vicuna"]) == (
        {"wildllama": "wildllama_7b", "vicuna": "vicuna_7b"}, {"vicuna_7b": "older"},
    )  # fmt: skip
    assert published_rows(config, ["baseline"]) == ({}, {})
