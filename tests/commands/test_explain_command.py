"""From a number one comes to the raw file, to the code and to the command; or hears why not."""

import json

import pytest
import yaml
from made_up_run import (
    ACQUIRED,
    CLAIM,
    LABELS,
    NO_VALUE,
    NOT_RUN,
    OTHERS,
    OWN,
    RAW_SHA256,
    SHARDS,
    SUMMARY,
    TABLE,
    MadeUpRun,
    sha256_of,
)

from wildpaper.__main__ import main
from wildpaper.publish.explain.not_run import NEEDS
from wildpaper.publish.explain.rules import find_rule, read_rules


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return MadeUpRun(tmp_path_factory.mktemp("run")).write()


@pytest.fixture
def explain(run, capsys):
    """Return a function that explains a claim of the run: as text, or as JSON."""

    def call(*arguments, status=0):
        assert main(["explain", *arguments, "--results", str(run.results)]) == status
        found = capsys.readouterr()
        text = found.err if status else found.out
        return json.loads(text) if "--json" in arguments else text

    return call


def steps(chain):
    yield chain
    for one in chain["behind"]:
        yield from steps(one)


def test_the_way_leads_to_the_checksum_of_the_raw_file(explain):
    assert RAW_SHA256 in explain(CLAIM, "--full")
    assert RAW_SHA256[:12] in explain(CLAIM)
    chain = explain(CLAIM, "--json")["chain"]
    found = {step["rule"]: step for step in steps(chain)}
    assert list(found) == ["measure_datasets", "ingest_dataset", "fetch_dataset", "count_tokens"]
    (raw,) = found["fetch_dataset"]["files"]
    assert raw["path"] == ACQUIRED
    assert [one["sha256"] for one in raw["vouches_for"]] == [RAW_SHA256]
    sums = {f["path"]: f["sha256"] for step in steps(chain) for f in step["files"]}
    assert {name: sums[name] for name in SHARDS} == {name: sha256_of(name) for name in SHARDS}


def test_files_of_a_kind_are_one_line_with_their_number(explain):
    lines = explain(CLAIM).splitlines()
    (labels,) = [line for line in lines if "tokens@computed" in line]
    assert "alpaca-*.parquet" in labels
    assert "3 files" in labels
    assert any("count_tokens (3 jobs)" in line for line in lines)
    each = [line for line in explain(CLAIM, "--full").splitlines() if "tokens@computed" in line]
    assert [line.split()[0] for line in each] == [n.removeprefix("results/made/") for n in LABELS]


def test_what_is_told_once_is_not_told_again(explain):
    chain = explain(CLAIM, "--json")["chain"]
    again = [step for step in steps(chain) if step["rule"] == "ingest_dataset"]
    assert [step["told_above"] for step in again] == [False, True]
    assert again[1]["behind"] == []


def test_other_data_sets_of_the_rule_are_named_and_not_followed(explain):
    found = explain(CLAIM, "--json")
    assert found["other_datasets"] == ["dolly"]
    paths = {f["path"] for step in steps(found["chain"]) for f in step["files"]}
    assert not paths & set(OTHERS)
    assert "dolly" in explain(CLAIM)


def test_cell_rule_function_and_place_are_those_of_the_source(explain, project):
    found = explain(CLAIM, "--json")
    cell, rule = found["cell"], found["rule"]
    assert (cell["file"], cell["line"]) == (TABLE, 3)
    assert (cell["row"], cell["column"], cell["n"]) == ("alpaca", "user-tokens-mean", "52002")
    line = (project / rule["file"]).read_text("utf-8").splitlines()[rule["line"] - 1]
    assert line.strip() == "rule measure_datasets:"
    source = (project / rule["function_file"]).read_text("utf-8").splitlines()
    assert source[rule["function_line"] - 1].startswith(f"def {rule['function']}(")
    assert rule["code_changed"], "the made-up digest is that of no code"
    assert "results/made/present/tables/table-01-datasets.csv" in found["shown_in"]


def test_each_rule_that_calls_a_function_is_found_with_its_place(project):
    rules = read_rules(project)
    assert len(rules) > 100
    lost = [r.name for r in rules if r.function and not r.function_line]
    assert lost == []
    assert find_rule("keep_recorded_wildchat").function == "keep_recorded"
    assert find_rule("no_such_rule") is None


def test_commands_name_target_preset_and_rule(explain):
    compute, compare = (one["command"] for one in explain(CLAIM, "--json")["commands"])
    target = compute.split()[1]
    assert target == "table-01-datasets", "--configfile and --forcerun would take a later word"
    assert compute.endswith("--configfile config/made.yaml --forcerun measure_datasets")
    assert compare.split()[1] == "claims"


def test_an_own_number_and_a_statement_have_no_published_value(explain):
    own = explain(OWN)
    assert "no published value" in own
    assert RAW_SHA256[:12] in own
    statement = explain(SUMMARY)
    assert "1 million conversations" in statement
    assert "agrees" in statement


def test_a_claim_that_no_preset_of_a_run_had_says_why_and_what_it_takes(explain):
    found = explain(NOT_RUN, "--json")
    assert found["cell"] is None
    assert found["chain"] is None
    assert any("gpt4" in need for need in found["takes"]["needs"])
    assert NEEDS["judgments"] in found["takes"]["needs"]
    assert "full" in found["takes"]["presets"]
    assert "demo" not in found["takes"]["presets"], "its judge is a stand-in"
    assert "config/full.yaml" in found["commands"][0]["command"]
    text = explain(NOT_RUN)
    assert "this run judges no answers" in text
    assert "doctor --preset full" in text


def test_a_value_that_the_data_do_not_give_is_followed_all_the_same(explain):
    found = explain(NO_VALUE, "--json")
    assert found["cell"]["line"] == 2
    assert "the files do not tell users apart" in found["claim"]["reason"]
    assert found["takes"]["needs"]
    assert "demo" not in found["takes"]["presets"], "an invented value would be no answer"


def test_every_need_of_an_artifact_has_words(project):
    artifacts = yaml.safe_load((project / "data/artifacts.yaml").read_text("utf-8"))["artifacts"]
    needs = {need for one in artifacts for need in one.get("needs", [])}
    assert needs <= set(NEEDS)


@pytest.mark.parametrize("wrong", ["table-01.alpaca.user-token-mean", "table-1.alpaca.user-tokens-mean"])  # fmt: skip  # noqa: E501
def test_an_unknown_claim_brings_the_one_that_was_meant(explain, wrong):
    said = explain(wrong, status=1)
    assert wrong in said
    assert CLAIM in said.partition("Did you mean")[2]
    assert "--list" in said


def test_the_list_takes_a_pattern_or_a_part(explain):
    for pattern in ("table-01.*", "table-01"):
        listed = [one["id"] for one in explain("--list", pattern, "--json")]
        assert listed == [CLAIM, NO_VALUE]
    assert len(explain("--list", "--json")) == 5
    assert "No claim" in explain("--list", "nothing-of-it")


def test_without_a_run_the_command_that_makes_it_is_named(tmp_path, capsys):
    status = main(["explain", CLAIM, "--preset", "micro", "--results", str(tmp_path / "micro")])
    said = capsys.readouterr().err
    assert status == 1
    assert "snakemake claims" in said
    assert "config/micro.yaml" in said


def test_an_unknown_preset_is_refused_with_those_that_there_are(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", CLAIM, "--preset", "dmeo"]) == 1
    assert "demo" in capsys.readouterr().err


def test_verifying_finds_a_file_that_was_changed_and_one_that_is_gone(tmp_path, capsys):
    run = MadeUpRun(tmp_path).write()
    run.write_manifest()
    ask = ["explain", CLAIM, "--results", str(run.results), "--verify", "--json"]
    assert main(ask) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == []
    run.put(SHARDS[1], b"other")
    (tmp_path / LABELS[0]).unlink()
    run.put("data/raw/alpaca/official/alpaca_data.json", b"other")
    assert main(ask) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["path"]: one["found"] for one in found["changed"]} == {
        SHARDS[1]: "changed",
        LABELS[0]: "gone",
        "data/raw/alpaca/official/alpaca_data.json": "changed",
    }
    sums = {f["path"]: f["sha256"] for step in steps(found["chain"]) for f in step["files"]}
    assert sums[SHARDS[1]] == sha256_of(SHARDS[1]), "as recorded, not as it is now"
