"""Every published value has one place in the ledger, with a verdict that can be trusted."""

import ast
import csv
import json
import math
from fnmatch import fnmatchcase

import jsonschema
import pytest
import yaml
from ledgering import (
    ALPACA,
    ARTIFACTS,
    PUBLISHED,
    UNLABELLED,
    all_patterns,
    as_published,
    by_id,
    cell,
    release,
    write,
)

from wildpaper.artifacts import load_artifacts
from wildpaper.errors import WildpaperError
from wildpaper.publish.claims import FIELDS
from wildpaper.publish.published import load_published

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MEAN = ALPACA + "user-tokens-mean"


def check_schema(project, result):
    path = project / "data/schemas/claims.schema.json"
    jsonschema.validate(result, json.loads(path.read_text(encoding="utf-8")))


def ids_of(document):
    return [item["id"] for item in (*document["claims"], *document["summary"])]


@pytest.mark.parametrize("present", [True, False])
def test_every_published_id_stands_once_with_verdict_and_reason(tmp_path, project, present):
    document = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    cells, releases = (as_published(), [release()]) if present else ([], [])
    result = write(tmp_path, cells, releases)
    listed = [claim["id"] for claim in result["claims"]]
    assert sorted(listed) == sorted(ids_of(document))
    for claim in result["claims"]:
        assert claim["verdict"] in ("reproduced", "deviates", "not-comparable", "not-run")
        assert (claim["verdict"] == "reproduced") or claim["reason"].strip(), claim["id"]
    check_schema(project, result)
    reproduced = [claim["id"] for claim in result["claims"] if claim["verdict"] == "reproduced"]
    assert reproduced == [name for name in listed if present and name.startswith(ALPACA)]


def test_every_published_claim_has_exactly_one_artifact():
    artifacts = load_artifacts(ARTIFACTS)
    for claim in load_published(PUBLISHED)[0]:
        assert sum(artifact.answers(claim.id) for artifact in artifacts) == 1, claim.id


@pytest.mark.parametrize(("artifact", "pattern"), all_patterns())
def test_without_any_one_pattern_the_ledger_is_refused(tmp_path, artifact, pattern):
    published = yaml.load(PUBLISHED.read_text("utf-8"), FAST)  # noqa: S506 - a safe loader
    published["claims"] = [c for c in published["claims"] if fnmatchcase(c["id"], pattern)][:1]
    few = tmp_path / "published.yaml"
    few.write_text(yaml.safe_dump(published), encoding="utf-8")
    assert len(write(tmp_path / "whole", published=few)["claims"]) > len(published["summary"])
    document = yaml.safe_load(ARTIFACTS.read_text(encoding="utf-8"))
    (entry,) = [item for item in document["artifacts"] if item["id"] == artifact]
    entry["claims"].remove(pattern)
    changed = tmp_path / "artifacts.yaml"
    changed.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(WildpaperError, match="is answered by no artifact"):
        write(tmp_path, published=few, artifacts=changed)
    assert not (tmp_path / "claims.json").exists()


def test_two_artifacts_for_one_claim_are_refused(tmp_path):
    document = yaml.safe_load(ARTIFACTS.read_text(encoding="utf-8"))
    document["artifacts"][1]["claims"].append("table-01.alpaca.*")
    changed = tmp_path / "artifacts.yaml"
    changed.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(WildpaperError, match="token-lengths"):
        write(tmp_path, artifacts=changed)


@pytest.mark.parametrize(
    ("obtained", "verdict"),
    [(19.6749, "reproduced"), (19.6651, "reproduced"), (19.67, "reproduced"),
     (19.6751, "deviates"), (19.6649, "deviates"), (0.0, "deviates"), (-19.67, "deviates")],
)  # fmt: skip
def test_reproduced_means_rounds_to_what_was_printed(tmp_path, obtained, verdict):
    claim = by_id(write(tmp_path, as_published(user_tokens_mean=obtained), [release()]))[MEAN]
    assert claim["verdict"] == verdict
    assert claim["tolerance"] == 0.005
    assert claim["obtained"] == obtained
    assert bool(claim["reason"]) == (verdict == "deviates")


def test_counts_must_be_equal(tmp_path):
    name = ALPACA + "conversations"
    printed = by_id(write(tmp_path))[name]["published"]
    for off, verdict in ((0, "reproduced"), (1, "deviates"), (-1, "deviates")):
        cells = as_published(conversations=printed + off)
        assert by_id(write(tmp_path, cells, [release()]))[name]["verdict"] == verdict


def test_a_deviation_takes_its_reason_from_the_run_first(tmp_path):
    cells = as_published(user_tokens_mean=1.0, user_tokens_std=1.0)
    found = by_id(write(tmp_path, cells, [release()], {MEAN: "seen in the run"}))
    assert found[MEAN]["reason"] == "seen in the run"
    assert found[ALPACA + "user-tokens-std"]["reason"] == "no reason known"


def test_another_release_is_not_comparable_even_where_the_value_agrees(tmp_path, project):
    other = release(comparable=False, why_not="simulated corpus", simulated=True)
    cells = [cell(c.claim, c.value, "simulated") for c in as_published(user_tokens_mean=1.0)]
    result = write(tmp_path, cells, [other])
    own = [claim for claim in result["claims"] if claim["id"].startswith(ALPACA)]
    assert {claim["verdict"] for claim in own} == {"not-comparable"}
    assert {claim["reason"] for claim in own} == {"simulated corpus"}
    assert {claim["route"] for claim in own} == {"simulated"}
    check_schema(project, result)


def test_a_data_set_that_is_not_in_the_run_is_named(tmp_path):
    claim = by_id(write(tmp_path, as_published(), [release()]))["table-01.dolly.user-tokens-mean"]
    assert claim["verdict"] == "not-run"
    assert "dolly" in claim["reason"]
    assert claim["obtained"] is claim["route"] is None


def test_what_is_not_built_says_so(tmp_path):
    document = yaml.safe_load(ARTIFACTS.read_text(encoding="utf-8"))
    (entry,) = [one for one in document["artifacts"] if one["id"] == "table-09-mtbench-scores"]
    del entry["rule"]
    entry["not_built"] = "nobody has built it"
    changed = tmp_path / "artifacts.yaml"
    changed.write_text(yaml.safe_dump(document), encoding="utf-8")
    found = by_id(write(tmp_path, as_published(), [release()], artifacts=changed))
    claims = [claim for claim in found.values() if claim["artifact"] == entry["id"]]
    assert claims
    for claim in claims:
        assert (claim["verdict"], claim["reason"]) == ("not-run", "nobody has built it")
        assert claim["rule"] is None


def test_a_model_is_no_data_set_that_is_missing(tmp_path):
    cells = [*as_published(), *as_published("table-09.", **{"gpt4.average": None})]
    notes = {"table-09.gpt4.average": "nobody asked it"}
    blanks = {name: why for name, why in UNLABELLED.items() if name != "table-09-mtbench-scores"}
    found = by_id(write(tmp_path, cells, [release()], notes, blanks=blanks))
    assert found["table-09.gpt4.average"]["reason"] == "nobody asked it"
    assert found["table-09.gpt4.first-turn"]["verdict"] == "reproduced"


def test_a_value_that_the_data_cannot_give_is_explained(tmp_path):
    cells = as_published(user_tokens_mean=None, user_tokens_std=None)
    found = by_id(write(tmp_path, cells, [release()], {MEAN: "no user messages"}))
    assert (found[MEAN]["verdict"], found[MEAN]["reason"]) == ("not-run", "no user messages")
    assert found[ALPACA + "user-tokens-std"]["verdict"] == "not-run"


def test_a_claim_that_its_rule_does_not_write_is_an_error(tmp_path):
    cells = [c for c in as_published() if c.claim != MEAN]
    with pytest.raises(WildpaperError, match="user-tokens-mean") as caught:
        write(tmp_path, cells, [release()])
    assert caught.value.where == "rule measure_datasets"


def test_an_id_like_a_published_one_that_nobody_published_is_an_error(tmp_path):
    with pytest.raises(WildpaperError, match="user-token-mean"):
        write(tmp_path, [*as_published(), cell(ALPACA + "user-token-mean", 1.0)], [release()])


def test_two_cells_for_one_claim_are_an_error(tmp_path):
    with pytest.raises(WildpaperError, match=r"two cells answer: .*user-tokens-mean"):
        write(tmp_path, [as_published(), [cell(MEAN, 1.0)]], [release()])


def test_own_numbers_have_no_verdict(tmp_path, project):
    cells = [*as_published(), cell("own.alpaca.median", 12.0), cell("own.alpaca.none", None)]
    result = write(tmp_path, cells, [release()])
    found = by_id(result)
    assert found["own.alpaca.median"]["kind"] == "own"
    assert found["own.alpaca.median"]["verdict"] is None
    assert "own.alpaca.none" not in found
    check_schema(project, result)


def test_a_claim_over_two_data_sets_needs_both_to_be_comparable(tmp_path):
    document = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    pair = {"id": "pair.a.b", "where": "x", "dataset": "alpaca,wildchat", "value": 2.5, "unit": "x"}
    document["claims"] = [pair | {"checked": True}]
    published, artifacts = tmp_path / "published.yaml", tmp_path / "artifacts.yaml"
    published.write_text(yaml.safe_dump(document), encoding="utf-8")
    entry = {"id": "pair", "kind": "numbers", "section": "s", "title": "t", "rule": "r"}
    entry |= {"datasets": ["alpaca"], "claims": ["pair.*"]}
    artifacts.write_text(yaml.safe_dump({"artifacts": [entry]}), encoding="utf-8")
    verdicts = []
    for comparable in (True, False):
        other = release("wildchat", comparable=comparable, why_not="" if comparable else "other")
        result = write(tmp_path, [cell("pair.a.b", 2.5)], [release(), other],
                       published=published, artifacts=artifacts)  # fmt: skip
        verdicts.append((by_id(result)["pair.a.b"]["verdict"], by_id(result)["pair.a.b"]["reason"]))
    assert verdicts == [("reproduced", ""), ("not-comparable", "other")]
    alone = write(tmp_path, [], [release()], published=published, artifacts=artifacts)
    assert "wildchat" in by_id(alone)["pair.a.b"]["reason"]


def test_the_csv_holds_what_the_json_holds(tmp_path):
    cells = as_published(user_tokens_mean=19.123456789012345)
    result = write(tmp_path, cells, [release()], {MEAN: 'a "quoted", two\nlines'})
    with (tmp_path / "claims.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == FIELDS
    for row, claim in zip(rows, result["claims"], strict=True):
        for name in FIELDS:
            value = claim[name]
            assert row[name] == ("" if value is None else str(value))
            if isinstance(value, float):
                assert math.isclose(float(row[name]), value, rel_tol=0)


def test_no_published_value_is_typed_into_the_code(project):
    """Distinctive values only: a 2, 100 or 2048 in the code is no copy from the paper."""
    values = {
        claim.value
        for claim in load_published(PUBLISHED)[0]
        if isinstance(claim.value, int | float)
        and len(repr(claim.value).replace(".", "").strip("0")) >= 4
        and not math.log2(abs(claim.value)).is_integer()
    }
    assert {52002, 19.67, 15.19, 64.51, 64.85, 1039785} <= values
    found = []
    for path in sorted((project / "workflow/wildpaper").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                if node.value in values:
                    found.append((path.name, node.value))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = node.value.replace(",", "").split()
                found += [(path.name, w) for w in words if w in {repr(v) for v in values}]
    assert found == []
