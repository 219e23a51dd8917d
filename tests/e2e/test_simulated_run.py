"""The whole study on simulated raw logs: the plant is recovered, nothing depends on how it ran."""

import gzip
import hashlib
import itertools
import json
import lzma
import random
import re
import shutil
import stat
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pypdf
import pytest
import yaml
from finished_run import Finished

from wildpaper.acquire.simulation.text_markers import INSULTS, MARKERS
from wildpaper.errors import WildpaperError
from wildpaper.measure import figure_02a_turns
from wildpaper.measure.toxicity import judged as toxicity
from wildpaper.measure.toxicity import table_06_toxicity_overlap
from wildpaper.publish.leaks import scan_results

pytestmark = pytest.mark.e2e

SETTINGS = ("languages.minimum-prompts", "training.", "toxicity.detoxify-threshold")
TESTED_DATE = ("toxicity.june-update",)
"""A small run may lack the power to find it."""
TRAINED = ("figure-03.",)
"""Losses of trained models: their order is planted, not their size (test_planted_coverage.py)."""
BASE = Path("results/micro")
KILLS = 3
MAIL_WITHIN = ("EMAIL_ADDRESS", "within")
READABLE = {".log", ".json", ".csv", ".tex", ".md", ".html", ".ipynb", ".pdf"}
OWN_SALT = "0123456789abcdef" * 4


def read(folder, name):
    return json.loads((folder / BASE / name).read_text(encoding="utf-8"))


def promised(folder):
    """Return the files whose bytes are promised to be the same."""
    base = folder / BASE
    files = [base / "ledger.json", base / "publish/paper.pdf", *base.glob("publish/claims.*")]
    files += [*base.glob("present/tables/*"), *base.glob("present/figures/*")]
    return {str(path.relative_to(base)): path.read_bytes() for path in sorted(files)}


def different(left, right):
    first, second = promised(left), promised(right)
    assert first.keys() == second.keys()
    return [name for name in first if first[name] != second[name]]


@pytest.fixture(scope="module")
def run(simulated_run):
    return simulated_run[0]


@pytest.fixture(scope="module")
def other_run(simulated, simulated_run, may_cut_off):
    """Return the folder of another run, and the moments at which it and all its jobs were killed.

    It has one core, one shard and, in the end, no network where that can be cut.
    """
    seconds = simulated_run[1]
    folder = simulated.project.parent / "micro-2"
    draw = random.Random()
    moments = [seconds * draw.uniform(0.04, 0.12) for _ in range(KILLS)]
    options = ("--cores", "1", "--config", "shards=1")
    for moment in moments:
        assert simulated.start_and_kill(folder, moment, *options), moments
        simulated.snakemake(folder, "--unlock")
    simulated.snakemake(folder, *options, cut_off=may_cut_off)
    return folder, moments


@pytest.fixture(scope="module")
def claims(run):
    return read(run, "publish/claims.json")["claims"]


def test_what_was_planted_is_recovered(claims):
    missed = [claim["id"] for claim in claims if claim["truth_verdict"] == "missed"]
    assert missed == []
    recovered = {c["id"] for c in claims if c["truth_verdict"] == "recovered"}
    obtained = {
        claim["id"]
        for claim in claims
        if claim["kind"] == "published" and claim["obtained"] is not None
    }
    without_truth = SETTINGS + TESTED_DATE + TRAINED
    assert {name for name in obtained - recovered if not name.startswith(without_truth)} == set()
    assert len(recovered) > 80


def test_planted_counts_and_labels_are_recovered_exactly(claims):
    exact = [c for c in claims if c["truth_verdict"] and not c["truth_tolerance"]]
    assert len(exact) > 50
    for claim in exact:
        truth = claim["truth"]
        expected = truth if isinstance(truth, str) else pytest.approx(truth, rel=1e-9)
        assert claim["obtained"] == expected, claim["id"]


def test_no_simulated_value_counts_as_reproduced(claims):
    verdicts = {claim["verdict"] for claim in claims if claim["kind"] == "published"}
    assert verdicts <= {"not-comparable", "not-run"}
    assert {c["route"] for c in claims if c["obtained"] is not None} == {"simulated"}


def test_the_ledger_adds_up_from_raw_calls_to_analysed_conversations(run, project, claims):
    rows = read(run, "ledger.json")
    schema = json.loads((project / "data/schemas/ledger.schema.json").read_text("utf-8"))
    jsonschema.validate(rows, schema)
    calls = [row for row in rows if row["unit"] == "call"]
    assert [row["dataset"] for row in calls] == ["rawlogs"]
    logs = sorted((run / "data/raw/simulated").rglob("calls-*.jsonl*"))
    assert {path.suffix for path in logs} == {".jsonl", ".gz"}
    texts = [gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in logs]
    assert calls[0]["in"] == sum(len(text.splitlines()) for text in texts)
    of = ("rawlogs", "wildchat")
    stages = [r for r in rows if r["dataset"] in of and r["unit"] == "conversation"]
    assert [row["stage"] for row in stages] == ["release", "release", "ingest", "train"]
    for before, after in itertools.pairwise(stages):
        assert after["in"] == before["kept"]
    obtained = {claim["id"]: claim["obtained"] for claim in claims}
    assert stages[0]["in"] == obtained["collection.conversations-linked"]
    assert stages[2]["kept"] == obtained["table-01.wildchat.conversations"]
    assert stages[1]["dropped"].keys() == {"sexual-minors"}
    assert calls[0]["dropped"].keys() >= {"failed-call", "no-consent", "withdrawn", "missing-turn",
                                          "duplicate-call", "own-traffic"}  # fmt: skip
    assert (run / BASE / "present/figures/flow-ledger.pdf").stat().st_size > 0


def test_bytes_do_not_depend_on_cores_shards_repeat_or_being_killed(run, other_run):
    folder, moments = other_run
    assert different(run, folder) == [], moments


def test_the_run_completes_with_the_network_cut(other_run, may_cut_off):
    if not may_cut_off:
        pytest.skip("this user may not cut the network off (unshare --net)")
    assert (other_run[0] / BASE / "publish/paper.pdf").stat().st_size > 0


def test_every_page_says_that_the_data_are_simulated(run):
    pages = pypdf.PdfReader(run / BASE / "publish/paper.pdf").pages
    assert len(pages) > 5
    for number, page in enumerate(pages, start=1):
        assert "SIMULATED DATA" in page.extract_text(), number


def test_nothing_personal_leaves_the_raw_logs(run):
    (personal,) = (run / "data/raw/simulated").glob("*/personal.json")
    planted = json.loads(personal.read_text(encoding="utf-8"))
    secrets = {planted["salt"], *_texts(planted["ips"]), *_texts(planted["sessions"])}
    kinds = {item["kind"] for item in planted["planted"]} - {"PERSON"}
    assert len(kinds) == 5
    secrets |= {
        item["value"]
        for item in planted["planted"]
        if item["reach"] == "within" and item["kind"] in kinds
    }
    assert len(secrets) > 100
    pattern = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))))
    for path in (run / "results").rglob("*"):
        if path.suffix == ".parquet":
            content = "\n".join(_strings(pq.read_table(path)))
        elif path.is_file():
            content = path.read_bytes().decode("utf-8", errors="replace")
        else:
            continue
        assert pattern.search(content) is None, path


def test_the_scan_of_all_results_found_nothing_and_says_what_it_looked_for(run, project):
    report = read(run, "publish/leaks.json")
    schema = json.loads((project / "data/schemas/leaks.schema.json").read_text("utf-8"))
    jsonschema.validate(report, schema)
    assert report["leaks"] == []
    assert all(report["n_needles"][kind] > 0 for kind in ("ADDRESS", "SESSION", "SALT", "TEXT"))
    assert report["n_files"] > 300


def test_a_planted_leak_fails_the_scan(run, tmp_path):
    (personal,) = (run / "data/raw/simulated").glob("*/personal.json")
    planted = json.loads(personal.read_text(encoding="utf-8"))["planted"]
    mail = next(i["value"] for i in planted if (i["kind"], i["reach"]) == MAIL_WITHIN)
    (tmp_path / "publish").mkdir()
    (tmp_path / "notes.json").write_text(json.dumps({"a": mail}), encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        scan_results(
            tmp_path, [personal], [personal.parent / "rawlogs/acquired.json"],
            [run / BASE / "release/redaction-truth.json"], tmp_path / "publish/leaks.json",
        )  # fmt: skip
    assert "notes.json" in str(caught.value)
    assert mail not in str(caught.value)
    assert not (tmp_path / "publish/leaks.json").exists()


def test_what_may_not_be_released_is_for_its_owner_alone(run):
    folder = run / "data/private/micro/release"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path for path in (run / "results").rglob("*") if path.name.startswith("entities")] == []


def test_logs_of_ones_own_give_the_same_release_under_ones_own_salt(
    simulated, run, tmp_path, monkeypatch
):
    """The simulated logs, as if they were the user's: compressed otherwise, one file more."""
    (raw,) = (run / "data/raw/simulated").glob("*/rawlogs")
    logs = tmp_path / "logs"
    shutil.copytree(raw, logs, ignore=shutil.ignore_patterns("acquired.json"))
    (calls,) = logs.glob("calls-0*.jsonl")
    lines = calls.read_bytes().splitlines(keepends=True)
    calls.unlink()
    (logs / "calls-0.jsonl.xz").write_bytes(lzma.compress(b"".join(lines[:300])))
    (logs / "calls-00000.jsonl").write_bytes(b"".join(lines[300:]))
    config = yaml.safe_load(simulated.config.read_text(encoding="utf-8"))
    checkpoint = run / BASE / "annotate/detoxify-small/checkpoint.ckpt"
    config |= {"preset": "own", "datasets": {"wildchat": {"source": "rawlogs", "path": str(logs)}},
               "train": {"recipe": "none"}}  # fmt: skip
    config["annotate"]["detoxify"] = {"checkpoint": str(checkpoint)}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    own = type(simulated)(simulated.project, tmp_path / "own.yaml")
    target = "results/own/release/leaks.json"
    monkeypatch.delenv("WILDPAPER_IP_SALT", raising=False)
    refused = own.snakemake(tmp_path / "run", target, "--cores", "2", check=False)
    assert "WILDPAPER_IP_SALT" in refused
    monkeypatch.setenv("WILDPAPER_IP_SALT", OWN_SALT)
    own.snakemake(tmp_path / "run", target, "--cores", "2")
    mine, theirs = _released(tmp_path / "run/results/own"), _released(run / BASE)
    assert len(mine["users"]) == len(theirs["users"]) > 20
    assert mine["users"].isdisjoint(theirs["users"])
    assert mine["rows"] == theirs["rows"]
    # Scores depend on how texts are batched, in the last digits.
    assert mine["scores"] == pytest.approx(theirs["scores"], abs=1e-5)


def _released(results):
    """Return a digest of each released row but for addresses and scores; those apart."""
    files = sorted(results.glob("release/wildchat-full/train-*.parquet"))
    rows = pa.concat_tables([pq.read_table(path) for path in files]).to_pylist()
    users = {row.pop("hashed_ip") for row in rows}
    scores = [s for row in rows for one in row.pop("detoxify_moderation") for s in one.values()]
    for row in rows:
        row["conversation"] = [item | {"hashed_ip": None} for item in row["conversation"]]
    digests = [hashlib.sha256(repr(row).encode()).hexdigest() for row in rows]
    return {"users": users, "scores": scores, "rows": digests}


def _texts(value):
    """Yield every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _strings(table):
    for column in table.columns:
        for value in pa.chunked_array(column).to_pylist():
            yield from _texts(value)


def test_no_toxic_word_is_shown(run):
    """What readers open holds none of the words that are planted as toxic."""
    words = {w for many in (*INSULTS.values(), *MARKERS.values()) for w in many}
    pattern = re.compile("|".join(map(re.escape, sorted(words))), re.IGNORECASE)
    shown = [path for path in (run / "results").rglob("*") if path.suffix in READABLE]
    shown = [path for path in shown if path.name != "tokenizer.json"]
    assert {path.suffix for path in shown} == READABLE
    for path in shown:
        if path.suffix == ".pdf":
            text = "".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
        else:
            text = path.read_text(encoding="utf-8")
        assert pattern.search(text) is None, path


def test_toxic_words_are_there_to_be_shown(run):
    words = re.compile("|".join(map(re.escape, INSULTS["latin"])), re.IGNORECASE)
    (shard, *_) = sorted((run / BASE).glob("ingest/wildchat/messages-*.parquet"))
    assert any(words.search(text) for text in pq.read_table(shard)["text"].to_pylist())


def test_discovery_finds_what_many_users_share_without_a_list(claims):
    found = {claim["id"]: claim for claim in claims}
    assert found["own.jailbreak-discovery.families"]["truth"] == 7
    assert found["own.jailbreak-discovery.families"]["truth_verdict"] == "recovered"
    assert found["own.jailbreak-discovery.clusters"]["obtained"] > 7  # harmless ones, too


def test_time_and_memory_of_each_rule_are_in_the_manifest(run):
    manifest = read(run, "publish/manifest.json")
    rules = {output["rule"] for output in manifest["outputs"]}
    assert rules >= {"simulate_study", "link_calls", "assemble_release", "train_model"}
    assert all(output["seconds"] >= 0 and output["peak_mb"] > 0 for output in manifest["outputs"])


def test_a_second_run_has_nothing_to_do(simulated, run):
    output = simulated.snakemake(run, "--cores", "2", "--config", "shards=3")
    assert "Nothing to be done" in output


@pytest.fixture
def finished(simulated, run, tmp_path):
    return Finished(run, simulated.project, tmp_path)


def test_sound_estimators_recover_everything(finished):
    assert finished.missed(finished.measure_turns(), finished.measure_toxicity()) == set()


def test_a_turn_too_many_is_missed(finished, monkeypatch):
    sound = figure_02a_turns._text_cells
    monkeypatch.setattr(
        figure_02a_turns,
        "_text_cells",
        lambda opened, cluster, n_turns, *rest: sound(opened, cluster, n_turns + 1, *rest),
    )
    found = finished.missed(finished.measure_turns())
    assert found >= {"turns.mean-text", "turns.multi-turn-share"}
    assert all(name.startswith("turns.") for name in found)


def test_a_wrong_denominator_is_missed(finished, monkeypatch):
    sound = table_06_toxicity_overlap.shares_of

    def over_all_messages(flagged, total, *rest):
        both_roles = total[:, :4] + total[:, 4:]
        return sound(flagged, np.tile(both_roles, 2), *rest)

    monkeypatch.setattr(table_06_toxicity_overlap, "shares_of", over_all_messages)
    found = finished.missed(finished.measure_toxicity())
    assert found >= {f"table-06.{role}.moderation" for role in ("user", "chatbot")}
    assert all(name.startswith("table-06.") for name in found)


def test_swapped_roles_are_missed(finished, monkeypatch):
    monkeypatch.setitem(toxicity.ROLES, "user", "assistant")
    monkeypatch.setitem(toxicity.ROLES, "chatbot", "user")
    found = finished.missed(finished.measure_toxicity())
    assert found >= {f"table-06.{role}.moderation" for role in ("user", "chatbot")}
    assert all(name.startswith("table-06.") for name in found)
