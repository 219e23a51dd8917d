"""Each true conversation has one outcome, told from what linking made of its calls."""

import random

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.release.linking.linking_truth import OUTCOMES, assess_linking
from wildpaper.schema import FATES, TRUE_CALLS


def assessed(folder, truth, chains, project=None, unlinked=()):
    """Assess; `truth` is [(conversation, cause, path, call)], `chains` lists of calls."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"call_id": call, "fate": "kept", "chain": k, "turn": turn}
        for k, chain in enumerate(chains)
        for turn, call in enumerate(chain)
    ]
    rows += [{"call_id": call, "fate": "missing-turn"} for call in unlinked]
    rows += [{"call_id": None, "fate": "unparsable-line"}]
    rows = [{"file": "calls-0.jsonl", "line": i + 1} | row for i, row in enumerate(rows)]
    filled = [{name: row.get(name) for name in FATES.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(filled, FATES), folder / "fates.parquet")
    named = [dict(zip(TRUE_CALLS.names, row, strict=True)) for row in truth]
    pq.write_table(pa.Table.from_pylist(named, TRUE_CALLS), folder / "true.parquet")
    assess_linking(folder / "fates.parquet", folder / "true.parquet", folder / "found.json")
    found = read_json(folder / "found.json")
    if project:
        schema = read_json(project / "data/schemas/linking-truth.schema.json")
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(found, schema)
    return found


def path(conversation, cause, calls, places=None, abandoned=()):
    places = places or range(len(calls))
    rows = [(conversation, cause, at, call) for at, call in zip(places, calls, strict=True)]
    return rows + [(conversation, cause, None, call) for call in abandoned]


ABC = ["a", "b", "c"]
CASES = {
    "as it was": (path(1, "x", ABC), [ABC], "recovered", 0),
    "an abandoned answer in a chain of its own": (
        path(1, "x", ABC, abandoned=["z"]), [ABC, ["z"]], "recovered", 1),
    "an abandoned answer that was discarded": (
        path(1, "x", ABC, abandoned=["z"]), [ABC], "recovered", 0),
    "two chains": (path(1, "x", ABC), [["a"], ["b", "c"]], "split", 0),
    "the end went on from an abandoned answer": (
        path(1, "x", ABC, abandoned=["z"]), [["a", "b"], ["z", "c"]], "split", 0),
    "branches of which one is the path": (
        path(1, "x", ABC, abandoned=["z"]), [["a", "b", "z"], ABC], "recovered", 0),
    "the end is nowhere": (path(1, "x", ABC), [["a", "b"]], "cut_short", 0),
    "the end is nowhere and an abandoned answer stands for it": (
        path(1, "x", ABC, abandoned=["z"]), [["a", "b", "z"]], "cut_short", 0),
    "a call was never logged": (path(1, "x", ["a", "c"], (0, 2)), [["a"]], "cut_short", 0),
    "the beginning was never logged and the rest is kept": (
        path(1, "x", ["b", "c"], (1, 2)), [["b", "c"]], "cut_short", 0),
    "with an abandoned answer behind": (
        path(1, "x", ABC, abandoned=["z"]), [[*ABC, "z"]], "mixed", 0),
    "in another order": (path(1, "x", ABC), [["a", "c", "b"]], "mixed", 0),
    "nowhere": (path(1, "x", ABC), [], "discarded", 0),
    "abandoned answers alone": (path(1, "x", ABC, abandoned=["z"]), [["z"]], "discarded", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_conversation_has_the_outcome_that_its_chains_tell(tmp_path, project, name):
    truth, chains, outcome, n_extra = CASES[name]
    found = assessed(tmp_path, truth, chains, project, unlinked=["lost"])
    wanted = {key: int(key == outcome) for key in OUTCOMES}
    assert found["causes"] == {"x": {"n": 1, **wanted, "n_extra": n_extra}}
    assert found["total"] == found["causes"]["x"]
    assert found["n_unexplained_chains"] == 0


def test_causes_are_counted_apart_and_add_up_to_the_total(tmp_path, project):
    truth = [
        *path(1, "plain", ["a"]),
        *path(2, "plain", ["b", "c"]),
        *path(3, "edit", ["d", "e"], abandoned=["f"]),
        *path(4, "gone", ["g"]),
    ]
    found = assessed(tmp_path, truth, [["a"], ["b", "c"], ["d", "f"], ["q"]], project)
    assert {cause: counts["n"] for cause, counts in found["causes"].items()} == {
        "edit": 1, "gone": 1, "plain": 2}  # fmt: skip
    assert found["causes"]["plain"]["recovered"] == 2
    assert found["causes"]["edit"]["cut_short"] == 1
    assert found["causes"]["gone"]["discarded"] == 1
    assert found["total"]["n"] == 4 == sum(found["total"][key] for key in OUTCOMES)
    assert found["n_unexplained_chains"] == 1


def outcome_of(calls, chains):
    """Say the outcome of a complete path from the words of the definition."""
    if calls in chains:
        return "recovered"
    meeting = [chain for chain in chains if set(chain) & set(calls)]
    if len(meeting) != 1:
        return "split" if meeting else "discarded"
    return "mixed" if set(calls) <= set(meeting[0]) else "cut_short"


def test_random_chains_are_judged_as_the_definition_says(tmp_path):
    rng = random.Random(5)
    truth, chains, wanted = [], [], dict.fromkeys(OUTCOMES, 0)
    for conversation in range(400):
        calls = [f"{conversation}-{i}" for i in range(rng.randint(1, 4))]
        pool = calls + [f"{conversation}-z"] * rng.randint(0, 1)
        truth += path(conversation, "x", calls, abandoned=pool[len(calls) :])
        kept = [call for call in pool if rng.random() < 0.8]
        cut = rng.randint(0, len(kept)) if rng.random() < 0.4 else len(kept)
        own = [chain for chain in (kept[:cut], kept[cut:]) if chain]
        chains += own
        wanted[outcome_of(calls, own)] += 1
    assert min(wanted.values()) > 5
    rng.shuffle(chains)
    found = assessed(tmp_path, truth, chains)["total"]
    assert {key: found[key] for key in OUTCOMES} == wanted


def test_a_call_of_two_conversations_is_an_error(tmp_path):
    with pytest.raises(WildpaperError, match="1 calls belong to two places"):
        assessed(tmp_path, [*path(1, "x", ["a"]), *path(2, "x", ["a"])], [])


def test_a_file_of_another_form_is_an_error_that_names_it(tmp_path):
    pq.write_table(pa.table({"call": ["a"]}), tmp_path / "fates.parquet")
    with pytest.raises(WildpaperError, match="cannot be read") as caught:
        assess_linking(tmp_path / "fates.parquet", tmp_path / "no", tmp_path / "found.json")
    assert "fates.parquet" in str(caught.value)
    assert not (tmp_path / "found.json").exists()
