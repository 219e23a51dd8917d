import hashlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from linking_oracle import START, Logs, content, link, texts_of
from recovering import collection, concentration
from simulating import LARGE, Run, large_study, simulate, small_study

from wildpaper.acquire.simulation.compose import planted_in
from wildpaper.acquire.simulation.phenomena import CONSENTS, LEAST_CONSENTS, PHENOMENA
from wildpaper.acquire.simulation.text_personas import PERSONAS
from wildpaper.schema import MODERATION_CATEGORIES


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Run:
    return small_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Run:
    return large_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def large_logs(large) -> Logs:
    return link(large.rawlogs)


@pytest.mark.parametrize(("n", "seed", "length_scale"), [(200, 1, 0.02), (450, 2, 0.1)])
def test_a_naive_linker_finds_exactly_what_was_planted(tmp_path, n, seed, length_scale):
    run = simulate(tmp_path, n=n, seed=seed, length_scale=length_scale)
    found, truth = collection(run, link(run.rawlogs)), run.realised
    assert {name: value for name, value in found.items() if truth[name] != value} == {}
    assert len(found) > 100
    months = {name for name in truth if name.startswith("own.conversations-by-month.")}
    assert months <= set(found)


def test_a_naive_linker_agrees_on_several_blocks(large, large_logs):
    assert len(list(large.rawlogs.glob("calls-*.jsonl"))) == 2
    found, truth = collection(large, large_logs), large.realised
    assert {name: value for name, value in found.items() if truth[name] != value} == {}


def test_use_is_as_concentrated_as_all_pairs_of_users_say(large, large_logs):
    truth = large.realised
    for name, value in concentration(large_logs.released).items():
        assert truth[name] == pytest.approx(value, rel=1e-12), name
    tops = [truth[f"own.use-concentration.top-{percent}"] for percent in ("0.1", "1", "10")]
    assert 0 < tops[0] < tops[1] < tops[2] < 100
    assert 0.3 < truth["own.use-concentration.gini"] < 0.9


def test_the_ledger_adds_up(small, large):
    for run in (small, large):
        truth = run.realised
        dropped = [v for name, v in truth.items() if name.startswith("simulated.ledger.")]
        assert truth["simulated.calls"] == sum(dropped) + truth["collection.turns-released"]
        assert all(dropped), "each reason occurs"
        for table in ("table-02.", "table-05.wildchat."):
            assert sum(v for name, v in truth.items() if name.startswith(table)) == pytest.approx(
                100
            )
        n_by_language = [
            v for k, v in truth.items() if k.startswith("simulated.user-messages.wildchat.")
        ]
        assert sum(n_by_language) == truth["collection.turns-released"]
        for role in ("user", "chatbot"):
            rates = [truth[f"table-06.{role}.{k}"] for k in ("detoxify", "moderation", "both")]
            either = rates[0] + rates[1] - rates[2]
            assert truth[f"table-06.{role}.either"] == pytest.approx(either)


def test_every_phenomenon_occurs_in_the_smallest_study(small):
    truth = small.realised
    for phenomenon in PHENOMENA:
        n = truth[f"simulated.phenomenon.{phenomenon.name}"]
        assert n >= min(phenomenon.least, 2), phenomenon.name
    for kind in CONSENTS:
        assert truth[f"simulated.phenomenon.consent-{kind}"] >= LEAST_CONSENTS
    for family in PERSONAS:
        assert truth[f"simulated.jailbreak.{family}.occurrences"] >= 3


def test_the_bytes_do_not_depend_on_workers_or_on_earlier_runs(large, tmp_path):
    (tmp_path / "rawlogs").mkdir()
    (tmp_path / "rawlogs" / "calls-00077.jsonl").write_text("stale", encoding="utf-8")
    one = large.contents()
    two = simulate(tmp_path, **LARGE, n_workers=2).contents()
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []
    assert not any("parts" in name for name in two)


def test_workers_do_not_run_the_main_script_again(tmp_path):
    """As under Snakemake, whose script of a job has no guard."""
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import sys
from pathlib import Path
sys.path[:0] = {[str(Path(__file__).parents[2] / "workflow"), str(Path(__file__).parent)]!r}
from simulating import simulate
print("begun")
simulate(Path({str(tmp_path / "out")!r}), n=2300, n_workers=2, length_scale=0.002)
""",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "begun\n")
    assert len(list((tmp_path / "out" / "rawlogs").glob("calls-*.jsonl"))) == 2


def test_another_seed_gives_other_logs(small, tmp_path):
    other = simulate(tmp_path, n=200, seed=6)
    texts = {call["request"]["messages"][0]["content"] for call in small.calls()}
    others = {call["request"]["messages"][0]["content"] for call in other.calls()}
    n, n_common = len(texts), len(texts & others)
    assert n_common < 0.2 * n
    same_salt = small.json("personal.json")["salt"] == other.json("personal.json")["salt"]
    assert not same_salt


def test_calls_have_the_shape_that_is_documented(large):
    calls = [call for call in large.calls() if call.get("headers")]
    for call in calls:
        assert list(call) == ["time", "service", "session", "headers", "request", "response"]
        assert datetime.fromisoformat(call["time"]).tzinfo == UTC
        assert len(call["time"]) == len("2023-04-09T12:34:56.123456Z")
        assert len(call["session"]) == 32
        assert set(call["headers"]) == {"user-agent", "accept-language", "x-forwarded-for"}
        request = call["request"]
        assert list(request) == ["model", "messages", "temperature", "top_p"]
        assert request["model"].startswith(call["service"])
        assert all(set(message) == {"role", "content"} for message in request["messages"])
        if (response := call["response"]) is not None:
            assert list(response) in (
                ["id", "created", "message", "usage"],
                ["id", "created", "usage"],
            )
            assert response.get("message", {"role": "assistant"})["role"] == "assistant"
            usage = response["usage"]
            assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
            assert response["created"] == int(datetime.fromisoformat(call["time"]).timestamp())
    ids = Counter(call["response"]["id"] for call in calls if call["response"])
    assert sum(n > 1 for n in ids.values()) <= large.realised["simulated.calls"] * 0.01


def test_consents_and_answers_have_the_shape_that_is_documented(large, large_logs):
    for record in large.lines("rawlogs/consents-*.jsonl"):
        assert list(record) == ["time", "session", "headers", "step"]
        assert record["step"] in ("agree", "publish", "withdraw")
    texts = {
        message["content"]
        for call in large.answered()
        for message in (call["request"]["messages"][-1], call["response"]["message"])
        if len(call["request"]["messages"]) % 2
    }
    by_hash = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts if text}
    answered, on_minors = set(), 0
    for record in large.lines("rawlogs/moderation-*.jsonl"):
        assert list(record) == [
            "sha256", "model", "date", "flagged", "categories", "category_scores",
        ]  # fmt: skip
        assert tuple(record["categories"]) == MODERATION_CATEGORIES
        assert tuple(record["category_scores"]) == MODERATION_CATEGORIES
        for name, flag in record["categories"].items():
            assert (record["category_scores"][name] > 0.5) == flag
        assert record["flagged"] == any(record["categories"].values())
        if record["sha256"] in by_hash:
            _, planted = planted_in(by_hash[record["sha256"]])
            flagged = tuple(k for k, flag in record["categories"].items() if flag)
            if "sexual_minors" in flagged:
                assert (planted, flagged) == (("sexual",), ("sexual", "sexual_minors"))
                on_minors += 1
            else:
                assert flagged == planted
            answered.add(record["sha256"])
    assert on_minors == large.realised["simulated.ledger-conversations.sexual-minors"] >= 2
    chains = large_logs.released
    released = {text for chain in chains for role in ("user", "assistant")
                for text in texts_of(chain, role) if text}  # fmt: skip
    wanted = {hashlib.sha256(text.encode()).hexdigest() for text in released}
    assert wanted <= answered


def test_gpt_4_pauses_from_july_to_october(large):
    months = {
        call["time"][:7]
        for call in large.calls()
        if "request" in call and call["request"]["model"].startswith("gpt-4")
    }
    assert not months & {"2023-07", "2023-08", "2023-09", "2023-10"}
    assert {"2023-04", "2023-06", "2023-11", "2024-04"} <= months
    assert large.realised["collection.gpt4-gap"] == "2023-07 to 2023-10"


def test_calls_lie_on_both_sides_of_the_start_and_on_it(small):
    times = [datetime.fromisoformat(call["time"]) for call in small.calls()]
    assert START in times
    assert any(time < START for time in times)
    assert max(times) == datetime(2024, 5, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    assert small.realised["collection.start"] == "2023-04-09"
    assert small.realised["collection.end"] == "2024-05-01"


def test_acquired_lists_every_file_with_its_checksum(small, project):
    acquired = small.json("rawlogs/acquired.json")
    schema = json.loads((project / "data/schemas/acquired.schema.json").read_text("utf-8"))
    sources = schema["properties"]["source"]["enum"]
    schema["properties"]["source"]["enum"] = sorted({*sources, "simulate"})
    jsonschema.validate(acquired, schema)
    files = {path.name: path for path in small.rawlogs.rglob("*") if path.is_file()}
    del files["acquired.json"]
    assert {one["name"] for one in acquired["files"]} == set(files)
    for one in acquired["files"]:
        content = files[one["name"]].read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["n_bytes"] == len(content)


def test_some_lines_of_the_first_file_stand_in_a_second_one_in_no_order(small):
    path = small.rawlogs / "calls-overlap.jsonl.gz"
    assert path.read_bytes()[4:8] == bytes(4), "no time of writing in the file"
    lines = [line for line in content(path).split("\n") if line]
    first = content(small.rawlogs / "calls-00000.jsonl").split("\n")
    times = [json.loads(line)["time"] for line in lines]
    assert len(lines) >= 5
    assert set(lines) <= set(first)
    assert times != sorted(times)


def test_names_of_answers_recur_with_other_texts_later_in_the_log(small):
    by_id = defaultdict(list)
    for call in small.answered():
        by_id[call["response"]["id"]].append(call)
    repeated = [calls for calls in by_id.values() if len(calls) > 1]
    assert len(repeated) >= 2
    for first, again in repeated:
        assert first["time"] < again["time"]
        assert first["response"]["message"] != again["response"]["message"]


def test_lists_of_addresses_are_at_times_forged_behind_the_first(large):
    chains = [
        call["headers"]["x-forwarded-for"].split(", ")
        for call in large.calls()
        if call.get("headers")
    ]
    forged = [chain for chain in chains if len(chain) == 3]
    assert len(forged) == pytest.approx(0.01 * len(chains), rel=0.4)
    assert all(chain[1].startswith("203.0.113.") for chain in forged)
    assert sum(chain[0] == "unknown" for chain in chains) >= 2


def test_a_withdrawal_in_one_session_reaches_the_other_by_its_address(large):
    steps = {(r["session"], r["step"]) for r in large.lines("rawlogs/consents-*.jsonl")}
    withdrawn = {session for session, step in steps if step == "withdraw"}
    addresses = defaultdict(set)
    for call in large.answered():
        ip = call["headers"]["x-forwarded-for"].split(",")[0]
        addresses[call["session"]].add(ip)
    touched = {ip for session in withdrawn for ip in addresses[session]}
    reached = [s for s, ips in addresses.items() if s not in withdrawn and ips & touched]
    assert len(reached) >= 2
    assert large.realised["simulated.phenomenon.consent-withdrawn-one"] >= 2
    assert all((session, "publish") in steps for session in reached)


def test_conversations_labelled_as_on_minors_are_linked_but_not_released(large):
    truth = large.realised
    dropped = {reason: truth[f"simulated.ledger-conversations.{reason}"]
               for reason in ("wildbench", "sexual-minors")}  # fmt: skip
    assert dropped["sexual-minors"] >= 2
    linked, released = (truth[f"collection.conversations-{x}"] for x in ("linked", "released"))
    assert linked == released + sum(dropped.values())
    assert "simulated.moderation.user.sexual_minors" not in truth
