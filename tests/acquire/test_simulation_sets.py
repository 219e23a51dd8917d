"""The real readers find in the simulated sets exactly what the simulator says it planted."""

import gzip
import hashlib
import json
import math
import statistics
from collections import Counter

import jsonschema
import pyarrow.parquet as pq
import pytest
from recovering import by_category, share

from wildpaper.acquire.simulation.compose import planted_in
from wildpaper.acquire.simulation.native_author import shape_of
from wildpaper.acquire.simulation.native_sets import RELEASES, write_simulated
from wildpaper.acquire.sources import load_sources
from wildpaper.annotate.recorded.keep import keep_recorded
from wildpaper.errors import WildpaperError
from wildpaper.ingest.native import numbered_records
from wildpaper.ingest.records import Reject
from wildpaper.publish.published import load_published

SETS = tuple(RELEASES)
TITLES = {"user": "user", "assistant": "chatbot"}
TABLE_5 = ("English", "Chinese", "Russian", "Spanish", "French", "German")


def count_tokens(texts):
    """Count something that is cheap and depends on every text."""
    return [len(text.encode()) // 3 + text.count(" ") for text in texts]


@pytest.fixture(scope="session")
def published(project):
    claims, _ = load_published(project / "data/published.yaml")
    return {c.id: c.value for c in claims if c.id.startswith(("table-01", "table-05", "table-07"))}


@pytest.fixture(scope="session")
def native_format(project):
    sources = load_sources(project / "data/sources.yaml")
    return {name: sources.dataset(name).native_format for name in SETS}


@pytest.fixture(scope="session")
def simulate(tmp_path_factory, published):
    """Write each set that is asked for once."""
    done = {}

    def _simulate(dataset, n=300, seed=1):
        if (dataset, n, seed) not in done:
            folder = tmp_path_factory.mktemp(f"{dataset}-{n}-{seed}")
            truth = write_simulated(dataset, folder, n, 0.1, seed, published, count_tokens)
            done[dataset, n, seed] = folder, truth
        return done[dataset, n, seed]

    return _simulate


def read(folder, dataset, native_format):
    """Return (conversations as lists of (role, text), rejects) as ingest reads them."""
    kept, rejects = [], []
    for record in numbered_records(folder / "acquired.json", dataset, native_format[dataset]):
        if isinstance(record, Reject):
            rejects.append(record)
        else:
            kept.append([(m.role, m.text) for m in record.clean.messages])
    return kept, rejects


@pytest.mark.parametrize("dataset", SETS)
@pytest.mark.parametrize(("n", "seed"), [(20, 1), (20, 2), (300, 1), (300, 7)])
def test_readers_find_what_was_planted(simulate, native_format, dataset, n, seed):
    folder, truth = simulate(dataset, n, seed)
    kept, rejects = read(folder, dataset, native_format)
    table = f"table-01.{dataset}"
    assert truth[f"{table}.conversations"] == len(kept)
    assert n <= len(kept) <= (n if dataset != "open_assistant" else n + 60)
    n_turns = sum(role == "user" for messages in kept for role, _ in messages)
    assert truth[f"{table}.turns-per-conversation"] == n_turns / len(kept)
    for role, title in TITLES.items():
        texts = [text for messages in kept for r, text in messages if r == role]
        lengths = count_tokens(texts)
        assert truth[f"{table}.{title}-tokens-mean"] == pytest.approx(statistics.fmean(lengths))
        assert truth[f"{table}.{title}-tokens-std"] == pytest.approx(statistics.pstdev(lengths))
        planted = [planted_in(text) for text in texts]
        insults = truth[f"simulated.insult-messages.{dataset}.{title}"]
        flagged = truth[f"simulated.flagged-messages.{dataset}.{title}"]
        assert insults == sum(insult for insult, _ in planted)
        assert flagged == sum(bool(categories) for _, categories in planted)
    recounted = by_category(dataset, kept)
    assert len(recounted) == 33
    assert {name: truth[name] for name in recounted} == pytest.approx(recounted)
    prefix = f"simulated.quarantined.{dataset}."
    refused = {key.removeprefix(prefix): v for key, v in truth.items() if key.startswith(prefix)}
    assert Counter(reject.reason for reject in rejects) == refused
    assert len(refused) == 4
    repeated = len(kept) - len({json.dumps(messages) for messages in kept})
    assert truth[f"simulated.duplicates.{dataset}"] == repeated > 0


@pytest.mark.parametrize("dataset", SETS)
def test_languages_add_up_and_table_5_is_derived_from_them(simulate, native_format, dataset):
    folder, truth = simulate(dataset)
    kept, _ = read(folder, dataset, native_format)
    prefix = f"simulated.user-messages.{dataset}."
    found = {key.removeprefix(prefix): v for key, v in truth.items() if key.startswith(prefix)}
    total = sum(role == "user" for messages in kept for role, _ in messages)
    assert sum(found.values()) == total
    shares = {k.rpartition(".")[2]: v for k, v in truth.items() if k.startswith("table-05")}
    if dataset in ("alpaca", "dolly"):
        assert set(found) == {"English"}
        assert shares == {}
        return
    named = {name.lower(): 100 * found.get(name, 0) / total for name in TABLE_5}
    assert shares.pop("other") == pytest.approx(100 - sum(named.values()))
    assert shares == pytest.approx(named)


@pytest.mark.parametrize("dataset", ["open_assistant", "sharegpt", "lmsys_chat_1m"])
def test_shares_and_turns_are_shaped_by_the_published_ones(simulate, published, dataset):
    _, truth = simulate(dataset, 300)
    for name in (*TABLE_5, "Other"):
        key = f"table-05.{dataset}.{name.lower()}"
        assert truth[key] == pytest.approx(published[key], abs=4), key
    key = f"table-01.{dataset}.turns-per-conversation"
    pooled = statistics.fmean(simulate(dataset, 300, seed)[1][key] for seed in (1, 2, 3, 4, 7))
    assert pooled == pytest.approx(published[key], rel=0.12)


def test_lengths_follow_the_published_mean_times_the_scale(tmp_path, published):
    def words(texts):
        return [max(len(text.split()), 0) for text in texts]

    for scale in (0.2, 0.8):
        truth = write_simulated("alpaca", tmp_path, 400, scale, 3, published, words)
        for title in ("user", "chatbot"):
            key = f"table-01.alpaca.{title}-tokens-mean"
            assert truth[key] == pytest.approx(0.75 * scale * published[key], rel=0.25)


def test_toxicity_follows_table_7(simulate, published):
    for title in ("user", "chatbot"):
        key = f"table-07.lmsys_chat_1m.{title}"
        assert simulate("lmsys_chat_1m")[1][key] == pytest.approx(published[key], abs=0.5)
        assert simulate("dolly")[1][f"simulated.flagged-messages.dolly.{title}"] <= 1


def test_moderation_of_lmsys_is_that_of_its_texts(simulate, tmp_path):
    folder, truth = simulate("lmsys_chat_1m")
    labels = [tmp_path / "labels.parquet"]
    keep_recorded(folder / "acquired.json", labels, ["moderation"], "lmsys_chat_1m",
                  "lmsys-parquet")  # fmt: skip
    rows = {(r["conversation_id"], r["position"]): r for r in pq.read_table(labels[0]).to_pylist()}
    flagged = Counter()
    for record in numbered_records(folder / "acquired.json", "lmsys_chat_1m", "lmsys-parquet"):
        if not isinstance(record, Reject):
            for position, message in enumerate(record.clean.messages):
                row = rows.pop((record.number, position))
                _, categories = planted_in(message.text)
                assert tuple(name for name in row if row[name] is True and name != "flagged") == (
                    categories
                )
                assert row["flagged"] == bool(categories)
                scored = tuple(n.removesuffix("_score") for n in row if n.endswith("_score")
                               and row[n] >= 0.5)  # fmt: skip
                assert scored == categories
                flagged[message.role] += row["flagged"]
    assert rows == {}
    assert flagged["user"] == truth["simulated.flagged-messages.lmsys_chat_1m.user"] > 0


@pytest.mark.parametrize("dataset", ["alpaca", "dolly", "open_assistant", "sharegpt"])
@pytest.mark.parametrize("n", [20, 150])
def test_every_text_that_ingest_keeps_has_a_moderation_answer(
    tmp_path, published, native_format, dataset, n
):
    answers = tmp_path / f"moderation-{dataset}.jsonl"
    write_simulated(dataset, tmp_path, n, 0.1, 3, published, None, answers)
    kept, rejects = read(tmp_path, dataset, native_format)
    stored = {}
    for line in answers.read_text(encoding="utf-8").splitlines():
        answer = json.loads(line)
        assert answer["sha256"] not in stored, "one answer a text"
        stored[answer["sha256"]] = tuple(k for k, flag in answer["categories"].items() if flag)
        assert answer["flagged"] == any(answer["categories"].values())
    texts = {text for messages in kept for _, text in messages if text}
    assert rejects
    assert {hashlib.sha256(text.encode()).hexdigest(): planted_in(text)[1] for text in texts} == (
        stored
    )


def test_answers_change_nothing_else(simulate, tmp_path, published):
    folder, truth = simulate("dolly", 20)
    again = write_simulated(
        "dolly", tmp_path, 20, 0.1, 1, published, count_tokens, tmp_path / "moderation-dolly.jsonl"
    )
    assert again == truth
    name = RELEASES["dolly"][2]
    assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("dataset", ["sharegpt", "lmsys_chat_1m"])
def test_what_both_classifiers_shall_find_by_role_is_in_the_texts(simulate, native_format, dataset):
    folder, truth = simulate(dataset)
    kept, _ = read(folder, dataset, native_format)
    for role, title in TITLES.items():
        planted = [planted_in(text) for messages in kept for r, text in messages if r == role]
        n, own = len(planted), f"own.table-07-toxicity-datasets.{dataset}.{title}"
        assert truth[f"simulated.messages.{dataset}.{title}"] == n
        assert truth[f"table-07.{dataset}.{title}"] == share(sum(bool(c) for _, c in planted), n)
        either = sum(insult or bool(c) for insult, c in planted)
        assert truth[f"{own}.either"] == share(either, n) > 0
        assert truth[f"{own}.both"] == share(sum(i and bool(c) for i, c in planted), n)
        insults = share(sum(insult for insult, _ in planted), n)
        assert truth[f"{own}.detoxify"] == insults
        assert truth[f"own.threshold-sweep.{dataset}.{title}.0.1"] == insults


@pytest.mark.parametrize("dataset", SETS)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path, published, dataset):
    truths, contents = [], []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        folder = tmp_path / name
        truths.append(write_simulated(dataset, folder, 20, 0.1, seed, published, count_tokens))
        contents.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert contents[0] == contents[1]
    assert truths[0] == truths[1]
    assert contents[0] != contents[2]
    assert set(contents[0]) == {RELEASES[dataset][2], "acquired.json"}


def test_counting_tokens_changes_nothing_else(simulate, tmp_path, published):
    folder, truth = simulate("sharegpt", 20)
    without = write_simulated("sharegpt", tmp_path, 20, 0.1, 1, published, None)
    assert without == {key: value for key, value in truth.items() if "-tokens-" not in key}
    name = RELEASES["sharegpt"][2]
    assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("dataset", SETS)
def test_without_targets_a_set_is_english_and_has_one_turn(tmp_path, native_format, dataset):
    truth = write_simulated(dataset, tmp_path, 20, 0.1, 1, {}, None)
    assert truth[f"table-01.{dataset}.turns-per-conversation"] == 1
    n_english = truth[f"simulated.user-messages.{dataset}.English"]
    assert n_english == truth[f"table-01.{dataset}.conversations"]
    kept, _ = read(tmp_path, dataset, native_format)
    assert len(kept) == n_english


@pytest.mark.parametrize("dataset", SETS)
def test_acquired_json_keeps_its_schema_and_names_the_set(simulate, project, dataset):
    folder, _ = simulate(dataset, 20)
    acquired = json.loads((folder / "acquired.json").read_text(encoding="utf-8"))
    schema = json.loads((project / "data/schemas/acquired.schema.json").read_text("utf-8"))
    sources = schema["properties"]["source"]["enum"]
    schema["properties"]["source"]["enum"] = sorted({*sources, "simulate"})
    jsonschema.validate(acquired, schema)
    entry = load_sources(project / "data/sources.yaml").dataset(dataset)
    assert acquired["release"]["title"] == f"Simulated {entry.title}"
    assert acquired["release"]["citation"] == entry.citation
    assert acquired["release"]["simulated"] is True
    assert acquired["source"] == "simulate"


def test_trees_branch_so_that_paths_share_their_beginnings(simulate):
    folder, truth = simulate("open_assistant")
    raw = gzip.decompress((folder / RELEASES["open_assistant"][2]).read_bytes())
    messages = []
    for line in raw.splitlines():
        try:
            messages.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    n_children = Counter(m["parent_id"] for m in messages if m["parent_id"])
    assert sum(n > 1 for n in n_children.values()) > 30
    on_paths = sum(v for k, v in truth.items() if k.startswith("simulated.user-messages"))
    assert on_paths > 1.3 * sum(m["role"] == "prompter" for m in messages)
    assert any(m["deleted"] for m in messages)


def test_what_cannot_be_simulated_is_refused(tmp_path):
    for dataset, n in (("wildchat", 20), ("alpaca", 0)):
        with pytest.raises(WildpaperError, match="No simulator"):
            write_simulated(dataset, tmp_path, n, 0.1, 1, {}, None)
    assert list(tmp_path.iterdir()) == []


def test_the_shape_leaves_no_share_over(published):
    for dataset in SETS:
        shares = shape_of(dataset, published, 0.25).languages
        assert math.fsum(shares.values()) == pytest.approx(1, abs=0.001)
