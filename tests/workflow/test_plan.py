"""A plan is made or refused before any job starts, in words that help."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from wildpaper.config import DATASETS
from wildpaper.errors import WildpaperError
from wildpaper.plan import RAWLOGS, make_plan
from wildpaper.plan_restore import origins, path_names, records


@pytest.fixture
def folder(tmp_path, project):
    """Return a project's registries, without its code, with a package of a tokenizer."""
    (tmp_path / "data").mkdir()
    registries = ("data/sources.yaml", "data/artifacts.yaml", "data/detoxify.yaml")
    for name in (*registries, "pyproject.toml"):
        shutil.copyfile(project / name, tmp_path / name)
    shutil.copy(project / "data/models.yaml", tmp_path / "data")
    for name in ("recipes", "mtbench"):
        shutil.copytree(project / "data" / name, tmp_path / "data" / name)
    archive = "llama-tokenizer-js-1.2.2.tgz"
    (tmp_path / "data/raw/llama2-tokenizer").mkdir(parents=True)
    (tmp_path / "data/raw/llama2-tokenizer" / archive).write_bytes(b"")
    return tmp_path


def plan(folder, **raw):
    return make_plan({"preset": "test", **raw}, [], str(folder), "data/raw")


def from_path(path, name="alpaca"):
    return {"datasets": {name: {"source": "path", "path": str(path)}}}


def refused(folder, **raw):
    with pytest.raises(WildpaperError) as caught:
        plan(folder, **raw)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.hint
    return caught.value


def test_a_file_is_taken_whatever_its_name(folder):
    (folder / "mine.txt").write_text("[]", encoding="utf-8")
    found = plan(folder, **from_path(folder / "mine.txt")).datasets["alpaca"]
    assert found.files == [str(folder / "mine.txt")]
    assert found.version.startswith("local-")
    assert found.acquired == f"data/raw/alpaca/{found.version}/acquired.json"


def test_a_folder_gives_its_files_by_name(folder):
    files = folder / "files"
    for name in ("b.parquet", "a.parquet", "notes.txt", "._a.parquet"):
        files.mkdir(exist_ok=True)
        (files / name).touch()
    (files / "c.parquet").mkdir()
    found = plan(folder, **from_path(files, "wildchat")).datasets["wildchat"]
    assert found.files == [str(files / "a.parquet"), str(files / "b.parquet")]


def test_two_paths_do_not_share_a_folder(folder):
    versions = set()
    for name in ("a", "b"):
        (folder / name).write_text("[]", encoding="utf-8")
        versions.add(plan(folder, **from_path(folder / name)).datasets["alpaca"].version)
    assert len(versions) == 2


def test_a_missing_file_is_named_with_its_key(folder):
    error = refused(folder, **from_path(folder / "nothing.json"))
    assert str(folder / "nothing.json") in error.what
    assert error.where == "config key datasets.alpaca.path"


def test_a_folder_without_files_of_the_format(folder):
    (folder / "files").mkdir()
    (folder / "files" / "a.csv").touch()
    assert "No .json file" in refused(folder, **from_path(folder / "files")).what


def test_an_unknown_version_names_the_known_ones(folder):
    chosen = {"source": "url", "revision": "oficial"}
    error = refused(folder, datasets={"alpaca": chosen})
    assert "oficial" in error.what
    assert "Did you mean 'official'?" in error.hint


def test_the_tokenizer_must_be_there(folder):
    shutil.rmtree(folder / "data/raw")
    assert "make setup" in refused(folder).hint
    own = {"source": "path", "path": str(folder / "no.model")}
    assert refused(folder, tokenizer=own).where == "config key tokenizer.path"
    (folder / "no.model").touch()
    found = plan(folder, tokenizer=own)
    assert (found.tokenizer_file, found.tokenizer_sha256) == (str(folder / "no.model"), "")


def test_the_tokenizer_of_the_registry_comes_with_its_checksum(folder):
    assert len(plan(folder).tokenizer_sha256) == 64


def test_a_wrong_key_is_refused(folder):
    assert "shrads" in refused(folder, shrads=3).what


def test_a_registry_entry_needs_a_rule_or_a_reason(folder):
    path = folder / "data/artifacts.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["artifacts"][0]["not_built"] = "both"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(WildpaperError, match="give a rule or the reason"):
        plan(folder)


def test_without_data_sets_everything_is_blank_and_says_why(folder):
    made = plan(folder)
    assert made.datasets == {}
    for kind in ("table", "figure"):
        assert set(made.blanks(kind)) == set(made.ids(kind))
        assert all(made.blanks(kind).values())
    reason = made.blanks("table")["table-01-datasets"]
    assert "none of its data sets is in this run" in reason
    assert "wildchat" in reason


SIMULATED = {
    "datasets": {name: {"source": "simulate"} for name in DATASETS},
    "train": {"recipe": "tiny"},
}


def test_a_simulated_study_builds_whatever_has_a_rule(folder):
    made = plan(folder, **SIMULATED)
    for kind in ("table", "figure", "numbers"):
        built = {artifact.id for artifact in made.artifacts if artifact.rule}
        assert set(made.ids(kind)) - set(made.blanks(kind)) == built & set(made.ids(kind))
        for name, reason in made.blanks(kind).items():
            (artifact,) = [a for a in made.artifacts if a.id == name]
            assert reason == artifact.not_built


def test_what_a_run_lacks_is_why_an_artifact_is_blank(folder):
    (folder / "a.parquet").touch()
    made = plan(folder, **from_path(folder / "a.parquet", "wildchat"))
    assert "Detoxify" in made.blanks("table")["table-06-toxicity-overlap"]
    assert "train.recipe" in made.blanks("figure")["loss-curve"]
    assert "table-02-apis" not in made.blanks("table")


def test_the_simulated_study_is_named_after_its_parameters(folder):
    before = plan(folder, **SIMULATED).simulation
    assert plan(folder, **SIMULATED, shards=9).simulation == before
    for other in ({"seed": 1}, {"simulate": {"length_scale": 0.5}}):
        assert plan(folder, **SIMULATED, **other).simulation.folder != before.folder
    assert before.file("truth.json").startswith("data/raw/simulated/")
    assert plan(folder).simulation is None


def test_an_unknown_recipe_names_the_known_ones(folder):
    error = refused(folder, train={"recipe": "huge"})
    assert error.where == "config key train.recipe"
    assert "tiny" in error.hint


def test_what_is_trained_is_what_the_run_has_the_data_of(folder):
    made = plan(folder, **SIMULATED).training
    assert made.models == {"wildllama": "wildchat", "baseline": "sharegpt"}
    assert (made.device, made.n_gpus, made.recipe.base_folder) == ("cpu", 0, "")
    assert made.compared == list(DATASETS)
    fewer = {name: {"source": "simulate"} for name in ("wildchat", "dolly")}
    made = plan(folder, datasets=fewer, train={"recipe": "tiny"}).training
    assert (made.models, made.compared) == ({"wildllama": "wildchat"}, ["wildchat", "dolly"])
    blank = plan(folder, datasets={"dolly": {"source": "simulate"}}, train={"recipe": "tiny"})
    assert blank.training.models == {}
    assert "recipe trains on" in blank.blanks("figure")["loss-curve"]
    assert "no two data sets" in blank.blanks("figure")["figure-03-coverage"]


def test_questions_that_are_not_there_say_how_to_get_them(folder):
    error = refused(folder, **SIMULATED, evaluate={"questions": "mtbench"})
    assert "make mtbench" in error.hint
    assert refused(folder, **SIMULATED, evaluate={"questions": "nowhere.jsonl"}).where.endswith(
        "evaluate.questions"
    )


def test_only_a_run_that_reaches_out_has_something_to_check_first(folder):
    assert plan(folder, **SIMULATED).needs == {}
    assert plan(folder, datasets={"dolly": {"source": "hub"}}).needs
    assert plan(folder, **(SIMULATED | {"train": {"recipe": "wildllama-7b"}})).needs


def test_labels_are_recorded_computed_or_lacking(folder):
    made = plan(folder, **SIMULATED)
    labels = ("language", "tokens", "detoxify", "moderation")
    routes = {name: [made.route(name, label) for label in labels] for name in DATASETS}
    assert routes["wildchat"] == ["recorded", "computed", "recorded", "recorded"]
    assert routes["alpaca"] == ["computed", "computed", "computed", "replayed"]
    assert routes["lmsys_chat_1m"] == ["computed", "computed", "computed", "recorded"]
    assert made.replayed() == [RAWLOGS, "sharegpt", "open_assistant", "dolly", "alpaca"]
    assert made.having("detoxify_check") == ["wildchat"]
    assert [made.route(RAWLOGS, label) for label in labels] == [
        "computed", "computed", "computed", "replayed",
    ]  # fmt: skip
    own = {"wildchat": {"source": "hub", "revision": "wildchat-1m", "recorded": ["moderation"]}}
    assert plan(folder, datasets=own).datasets["wildchat"].recorded == ["moderation"]
    own["wildchat"].pop("recorded")
    assert len(plan(folder, datasets=own).datasets["wildchat"].recorded) == 3


def test_digests_follow_meaning_not_words(folder):
    before = plan(folder)
    assert plan(folder, shards=before.config.shards).config_digest == before.config_digest
    assert plan(folder, shards=7).config_digest != before.config_digest
    path = folder / "data/sources.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text("# a comment\n" + text, encoding="utf-8")
    assert plan(folder).registry() == before.registry()
    path.write_text(text.replace("gated: true", "gated: false", 1), encoding="utf-8")
    assert plan(folder).registry() != before.registry()


def test_titles_of_all_six(folder):
    assert len(plan(folder).titles()) == 6


def test_a_file_replaced_by_an_older_one_has_changed(folder):
    path = folder / "mine.json"
    path.write_text("[1]", encoding="utf-8")
    before = plan(folder, **from_path(path)).datasets["alpaca"].registry
    assert plan(folder, **from_path(path)).datasets["alpaca"].registry == before
    path.write_text("[2]", encoding="utf-8")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert plan(folder, **from_path(path)).datasets["alpaca"].registry != before


def test_a_path_with_braces_is_refused(folder):
    (folder / "a{b}.json").touch()
    assert "braces" in str(refused(folder, **from_path(folder / "a{b}.json")))


def own_logs(folder, checkpoint="multilingual"):
    chosen = {"source": "rawlogs", "path": str(folder / "logs")}
    annotate = {"detoxify": {"checkpoint": checkpoint}} if checkpoint else {}
    return {"datasets": {"wildchat": chosen}, "annotate": annotate}


def test_raw_logs_of_ones_own_are_found_with_their_databases(folder):
    for name in ("calls-b.jsonl.zst", "calls-a.jsonl", "consents-1.jsonl.gz", "wildbench.jsonl",
                 "moderation-1.jsonl", "geoip/City-20230404.mmdb", "notes.txt"):  # fmt: skip
        (folder / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "logs" / name).touch()
    found = plan(folder, **own_logs(folder))
    names = [os.path.relpath(file, folder / "logs") for file in found.rawlogs.files]
    assert sorted(names) == ["calls-a.jsonl", "calls-b.jsonl.zst", "consents-1.jsonl.gz",
                             "geoip/City-20230404.mmdb", "moderation-1.jsonl",
                             "wildbench.jsonl"]  # fmt: skip
    assert found.datasets["wildchat"].acquired.endswith("release/wildchat-full/acquired.json")
    assert found.datasets["wildchat"].recorded == ["language", "detoxify", "moderation"]
    assert found.simulation is None
    blank = found.blanks("table", "numbers")
    assert "nothing is planted" in blank["privacy-report"]
    assert "release-text" not in blank


def test_a_folder_without_calls_is_no_raw_log(folder):
    (folder / "logs").mkdir()
    (folder / "logs" / "calls.txt").touch()
    assert "No calls" in refused(folder, **own_logs(folder)).what
    (folder / "logs" / "calls.txt").unlink()
    (folder / "logs").rmdir()
    assert "No such folder" in refused(folder, **own_logs(folder)).what


def test_raw_logs_need_a_checkpoint_and_are_wildchat_alone(folder):
    error = refused(folder, **own_logs(folder, checkpoint=""))
    assert "annotate.detoxify.checkpoint" in str(error)
    other = {"dolly": {"source": "rawlogs", "path": str(folder)}}
    assert "only wildchat" in str(refused(folder, datasets=other))


def test_a_release_that_is_given_tells_nothing_of_raw_logs(folder):
    (folder / "a.parquet").touch()
    blank = plan(folder, **from_path(folder / "a.parquet", "wildchat")).blanks("numbers", "table")
    assert "starts from a release" in blank["release-text"]
    assert "nothing is planted" in blank["linking-causes"]


HUB = "valpy/prompt-classification"


def blanks(found):
    return found.blanks("table", "figure", "numbers")


def test_prompts_are_sorted_by_a_named_classifier_or_in_a_simulated_study(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    reasons = blanks(plan(folder, **given))
    assert "annotate.category.model" in reasons["table-04-prompt-categories"]
    named = {"annotate": {"category": {"model": HUB, "revision": "abc"}}}
    assert "table-04-prompt-categories" not in blanks(plan(folder, **given, **named))
    simulated = {"datasets": {"wildchat": {"source": "simulate"}}}
    assert "table-04-prompt-categories" not in blanks(plan(folder, **simulated))


def test_the_small_checkpoint_scores_invented_texts_only(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    given["datasets"]["alpaca"] = {"source": "simulate"}
    made = plan(folder, **given)
    assert (made.route("alpaca", "detoxify"), made.route("wildchat", "detoxify")) == (
        "computed", "",
    )  # fmt: skip
    own = {"annotate": {"detoxify": {"checkpoint": str(folder / "w.parquet")}}}
    assert plan(folder, **given, **own).route("wildchat", "detoxify") == "computed"


def test_stored_answers_label_what_records_none(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    assert "moderation" in blanks(plan(folder, **given))["table-07-toxicity-datasets"]
    store = folder / "answers"
    store.mkdir()
    chosen = {"annotate": {"moderation": {"answers": str(store)}}}
    with pytest.raises(WildpaperError, match=r"No moderation-.*jsonl"):
        plan(folder, **given, **chosen).stored_answers()
    (store / "moderation-000.jsonl").touch()
    made = plan(folder, **given, **chosen)
    assert made.stored_answers() == [str(store / "moderation-000.jsonl")]
    assert made.route("wildchat", "moderation") == "replayed"
    assert "table-07-toxicity-datasets" not in blanks(made)


def test_a_run_that_asks_has_a_store_of_its_own(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    made = plan(folder, **given, annotate={"moderation": {"ask": True}})
    assert made.moderation_store == f"data/private/{made.config.preset}/moderation"
    assert made.stored_answers() == []
    assert made.replayed() == ["wildchat"]


def test_a_published_checkpoint_is_fetched_and_asked_for_before_the_run(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    made = plan(folder, **given, annotate={"detoxify": {"checkpoint": "multilingual"}})
    assert made.detoxify.checkpoint.startswith("data/raw/detoxify/multilingual/multilingual_")
    assert [need["repo"] for need in made.needs["hub"]] == ["FacebookAI/xlm-roberta-base"]
    assert [need["url"] for need in made.needs["addresses"]] == [made.detoxify.url]
    assert any(need["bytes"] > 1e9 for need in made.needs["disk"])


def test_a_checkpoint_that_is_not_there_is_refused(folder):
    error = refused(folder, annotate={"detoxify": {"checkpoint": "multilingul"}})
    assert error.where == "config key annotate.detoxify.checkpoint"
    assert "multilingual" in error.hint


def test_models_of_the_hub_are_asked_for_before_the_run(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    named = {"annotate": {"category": {"model": HUB, "revision": "abc"}}}
    (need,) = plan(folder, **given, **named).needs["hub"]
    assert (need["repo"], need["repo_type"], need["revision"]) == (HUB, "model", "abc")
    local = {"annotate": {"category": {"model": str(folder)}}}
    assert plan(folder, **given, **local).needs == {}


def test_prompts_are_embedded_only_where_there_is_something_to_compare(folder):
    (folder / "w.parquet").touch()
    (folder / "a.json").touch()
    one = from_path(folder / "w.parquet", "wildchat")
    reason = "this run has no data set to compare WildChat with"
    assert blanks(plan(folder, **one))["figure-04-embeddings"] == reason
    two = {"datasets": one["datasets"] | from_path(folder / "a.json")["datasets"]}
    assert "figure-04-embeddings" not in blanks(plan(folder, **two))


def test_recorded_languages_are_checked_where_there_are_any(folder):
    (folder / "w.parquet").touch()
    given = from_path(folder / "w.parquet", "wildchat")
    assert plan(folder, **given).checked() == []
    given["datasets"]["wildchat"]["recorded"] = ["language"]
    assert plan(folder, **given).checked() == ["wildchat"]
    off = {"annotate": {"language": {"check_messages": 0}}}
    assert plan(folder, **given, **off).checked() == []


def test_a_run_that_restores_need_not_have_files(folder):
    shutil.rmtree(folder / "data/raw")
    nowhere = {
        "datasets": {
            "wildchat": {"source": "rawlogs", "path": "no/logs"},
            "alpaca": {"source": "path", "path": "no/alpaca.json"},
        },
        "annotate": {
            "detoxify": {"checkpoint": "no/checkpoint.ckpt"},
            "moderation": {"answers": "no/answers"},
        },
        "train": {"recipe": "smollm2-135m"},
        "evaluate": {"questions": "mtbench"},
    }
    refused(folder, **nowhere)
    found = plan(folder, **nowhere, restore="archives/test.tar")
    assert found.datasets["alpaca"].files == ["no/alpaca.json"]
    assert found.rawlogs.files == ["no/logs"]
    assert found.stored_answers() == []
    assert found.config_digest == plan(folder, **nowhere, restore="other.tar").config_digest


def test_an_archive_knows_data_sets_by_source_version_and_sizes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "alpaca.json").write_text("[]", encoding="utf-8")
    sets = {"alpaca": {"source": "path", "path": "alpaca.json"}, "dolly": {"source": "hub"}}
    found = plan(folder, datasets=sets)
    files = origins(found)
    assert files["alpaca"] == {"source": "path", "version": "", "files": "alpaca.json: 2"}
    assert files["dolly"]["version"] == found.datasets["dolly"].version
    names = path_names(found, "results/test", "data/private/test/release")
    assert names[found.datasets["alpaca"].acquired] == "{acquired}/alpaca"
    assert set(records(found, "results/test").values()) == {
        one.acquired for one in found.datasets.values()
    }


def test_raw_data_that_is_simulated_is_known_by_its_parameters(folder):
    found = plan(folder, datasets={"wildchat": {"source": "simulate"}})
    assert origins(found)["wildchat"]["version"] == found.simulation.folder.rpartition("/")[2]
    assert records(found, "results/test") == {
        "restored/rawlogs/acquired.json": found.rawlogs.acquired,
        "restored/truth.json": found.simulation.file("truth.json"),
    }
    assert not [name for name in path_names(found, "results/test", "p").values() if "wild" in name]


def test_what_every_call_of_snakemake_imports_is_light(project):
    """Each job parses the rules anew: half a second here is minutes of a run."""
    texts = [path.read_text("utf-8") for path in (project / "workflow/rules").glob("*.smk")]
    imported = sorted(
        {name for text in texts for name in re.findall(r"^from (wildpaper[\w.]*)", text, re.M)}
    )
    assert "wildpaper.archive.restorations" in imported
    heavy = ("torch", "pyarrow", "numpy", "pandas", "transformers", "httpx")
    code = f"import sys, {', '.join(imported)}; print([m for m in {heavy} if m in sys.modules])"
    path = {"PYTHONPATH": str(project / "workflow")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ) | path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
