"""What a run takes from an archive, what it computes, what it leaves out, and why."""

from dataclasses import replace
from pathlib import Path

import pytest
from archives import RECORD, pack

from wildpaper.archive.decide import COMPUTED, RESTORED, UNNEEDED, Now, decide
from wildpaper.archive.draw import draw_jobs
from wildpaper.archive.pack import source_file
from wildpaper.archive.restorations import computed_as_known, draw_restored, restorations
from wildpaper.archive.tell import statuses, told
from wildpaper.errors import WildpaperError

DATA = {"alpaca": {"source": "simulate", "version": "1", "files": ""}}


def decided(opened, datasets=DATA, **changed):
    """Return {rule: (status, reason)}, for a run that differs as `changed` says of some rules."""

    def now(rule, wildcards):
        job = next(j for j in opened.index.jobs if (j.rule, j.wildcards) == (rule, wildcards))
        same = Now(job.code, job.params, job.inputs, job.outputs)
        if rule not in changed:
            return same
        return replace(same, **changed[rule]) if changed[rule] is not None else None

    decisions = decide(opened.index, now, datasets, source_file)
    return decisions, {group.rule: (group.status, group.reason) for group in decisions.groups}


def test_the_same_run_restores_all_that_measures_read(run_files):
    decisions, found = decided(pack(run_files))
    assert found == {
        "count_tokens": (RESTORED, ""),
        "ingest_dataset": (RESTORED, ""),
        "score_models": (RESTORED, ""),
        "simulate_study": (UNNEEDED, ""),
        "train_model": (RESTORED, ""),
    }
    assert RECORD in decisions.records
    assert decisions.status_of("train_model") == RESTORED
    assert decisions.status_of("unheard_of") == COMPUTED


def test_changed_code_is_computed_with_all_that_is_made_from_it(run_files):
    _, found = decided(pack(run_files), train_model={"code": "other"})
    assert found["train_model"] == (COMPUTED, "its code changed")
    assert found["score_models"] == (COMPUTED, "it is made from what train_model gives")
    assert found["ingest_dataset"][0] == found["count_tokens"][0] == RESTORED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"params": {"seed": "22222222", "n": "1"}}, "its settings changed: n, seed"),
        ({"outputs": ("{results}/x.parquet",)}, "it writes other files in this run"),
        (None, "this run has no such rule"),
        (
            {"inputs": ("{results}/annotate/tokens@computed/alpaca-1.parquet",)},
            "it reads other files in this run: "
            "{results}/annotate/tokens@computed/alpaca-1.parquet, "
            "{results}/train/wildllama/model.safetensors",
        ),
    ],
)
def test_each_difference_is_named(run_files, change, reason):
    _, found = decided(pack(run_files), score_models=change)
    assert found["score_models"] == (COMPUTED, reason)


def test_a_changed_file_of_the_project_counts_one_that_is_absent_does_not(run_files):
    opened = pack(run_files)
    Path("data/patterns.yaml").write_text("a: c\n", encoding="utf-8")
    _, found = decided(opened)
    assert found["count_tokens"] == (COMPUTED, "data/patterns.yaml changed")
    Path("data/patterns.yaml").unlink()
    _, found = decided(opened)
    assert found["count_tokens"] == (RESTORED, "")


def test_another_simulation_is_another_run(run_files):
    decisions, found = decided(pack(run_files), simulate_study={"params": {"seed": "3"}})
    assert {status for status, _ in found.values()} == {COMPUTED}
    assert not decisions.records


def test_without_texts_they_are_made_from_raw_data_and_labels_restored(run_files):
    opened = pack(run_files, texts=False)
    decisions, found = decided(opened)
    assert found["ingest_dataset"][0] == COMPUTED
    assert found["ingest_dataset"][1].startswith("the archive leaves out messages-0.parquet")
    assert found["simulate_study"][0] == COMPUTED
    assert found["count_tokens"] == found["train_model"] == (RESTORED, "")
    known = computed_as_known(decisions, opened, "results/here")
    assert known == [f"results/here/ingest/alpaca/messages-{i}.parquet" for i in range(2)]


def test_without_models_scores_are_restored_and_models_refused(run_files):
    opened = pack(run_files, models=False)
    decisions, found = decided(opened)
    assert found["train_model"] == found["score_models"] == (RESTORED, "")
    taken = {one.name: one for one in restorations(decisions, opened, [], "results/x", "p")}
    train = taken["restore_train"]
    assert train.makers == ["train_model"]
    assert train.files == ["results/x/train/wildllama/losses.json"]
    assert train.lacking == ["results/x/train/wildllama/model.safetensors"]
    with pytest.raises(WildpaperError, match="such as results/x/train/wildllama/model"):
        train.refuse(None)


def test_what_is_needed_is_restored_by_stage_the_rest_where_it_is_asked_for(run_files):
    opened = pack(run_files)
    decisions, _ = decided(opened)
    copies = ["results/x/restored/truth.json"]
    taken = {one.name: one for one in restorations(decisions, opened, copies, "results/x", "p")}
    assert set(taken) == {
        "restore_ingest", "restore_ingest_dataset_alpaca", "restore_annotate", "restore_train",
        "restore_train_model_wildllama", "restore_evaluate", "restore_records",
    }  # fmt: skip
    assert taken["restore_ingest_dataset_alpaca"].files == [
        "results/x/ingest/alpaca/messages-1.parquet"
    ]
    weights = "results/x/train/wildllama/model.safetensors"
    assert taken["restore_train_model_wildllama"].files == [weights]
    assert taken["restore_records"].files == copies
    assert not any(one.lacking for one in taken.values())
    folders = {one.unfinished for one in taken.values()}
    assert len(folders) == len(taken)


def test_without_models_a_new_score_means_a_new_training(run_files):
    _, found = decided(pack(run_files, models=False), score_models={"code": "other"})
    assert found["train_model"] == (COMPUTED, "the archive leaves out model.safetensors")


def test_a_data_set_of_the_users_is_the_same_by_names_and_sizes(run_files):
    opened = pack(run_files)
    mine = {"source": "path", "version": "", "files": "a.json: 10"}
    link = replace(
        opened.index.jobs[0], rule="link_dataset", inputs=("a.json",),
        outputs=("{acquired}/alpaca",),
    )  # fmt: skip
    jobs = [link if one.rule == "simulate_study" else one for one in opened.index.jobs]
    index = replace(opened.index, jobs=jobs, datasets={"alpaca": mine})
    opened = replace(opened, index=index)
    for files, reason in (("a.json: 10", ""), ("", ""), ("a.json: 11", "alpaca comes from")):
        _, found = decided(opened, {"alpaca": mine | {"files": files}})
        assert found["link_dataset"][1].startswith(reason)
        assert bool(found["link_dataset"][1]) == bool(reason)


def test_what_is_drawn_depends_on_the_seed_and_keeps_to_the_time(run_files):
    decisions, _ = decided(pack(run_files))
    drawn, untried = draw_restored(decisions, lambda job: "", seed=1, seconds=30.0)
    assert {job.rule for job in drawn} == {"count_tokens", "score_models"}
    assert untried == dict.fromkeys(
        ("ingest_dataset", "train_model"), "only labels and scores are computed anew"
    )
    drawn, untried = draw_restored(decisions, lambda job: "", seed=1, seconds=1.5)
    assert [job.rule for job in drawn] == ["count_tokens"]
    assert untried["score_models"] == "not drawn"
    lacks = {"count_tokens": "", "score_models": "it needs a GPU"}
    _, untried = draw_restored(decisions, lambda job: lacks[job.rule], seed=1, seconds=30.0)
    assert untried["score_models"] == "it needs a GPU"
    jobs = [job for group in decisions.groups for job in group.jobs if job.rule == "count_tokens"]
    firsts = {draw_jobs(jobs, seed, 1.0)[0].wildcards["shard"] for seed in range(20)}
    assert firsts == {"0", "1"}
    assert draw_jobs(jobs, 1, 0.0) == []


def test_it_is_told_in_words(run_files):
    opened = pack(run_files)
    decisions, _ = decided(opened, score_models={"code": "other"})
    text = told(opened, decisions, unscanned=True)
    assert "restored: count_tokens (2), ingest_dataset, train_model" in text
    assert "computed: score_models - its code changed" in text
    assert "left out: simulate_study - nothing needs it here" in text
    assert "left out: scan_results" in text
    found = {one["results"]: one["status"] for one in statuses(decisions)}
    assert found["count_tokens_alpaca"] == RESTORED
