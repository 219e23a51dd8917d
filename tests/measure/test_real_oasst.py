"""Open Assistant's English validation file: turns and lengths, counted twice independently."""

import json
import statistics

import pyarrow.parquet as pq
import pytest

from wildpaper.acquire.tokenizer import from_sentencepiece
from wildpaper.annotate.tokens.count import count_tokens
from wildpaper.ingest.dataset import ingest_dataset

KNOWN = {
    "quarantine": (1002, 1.979, (34.2, 76.8, 198.0, 210.8), 1),
    "keep": (1005, 1.974, (34.227, 76.827, 197.873, 210.718), 3),
}
"""Per treatment of orphans: paths, turns a path, tokens (user mean, deviation, chatbot's),
digits that are known of these."""


@pytest.fixture(scope="module")
def messages(realdata):
    text = (realdata / "oasst1" / "en-validation.jsonl").read_text(encoding="utf-8")
    return {m["message_id"]: m for m in map(json.loads, text.splitlines())}


@pytest.fixture(scope="module")
def n_tokens(realdata, messages):
    """{message: tokens} as SentencePiece itself counts them."""
    sentencepiece = pytest.importorskip("sentencepiece")
    model = realdata / "llama2" / "tokenizer.model"
    peer = sentencepiece.SentencePieceProcessor(model_file=str(model))
    counted = peer.encode([m["text"] for m in messages.values()])
    return dict(zip(messages, map(len, counted), strict=True))


def walked(messages, orphans):
    """Return {leaf: messages from the root down to it}, by walking up from each leaf."""
    answered = {m["parent_id"] for m in messages.values()}
    paths = {}
    for leaf in messages.keys() - answered:
        path, name = [], leaf
        while name in messages:
            path.insert(0, messages[name])
            name = messages[name]["parent_id"]
        if name is None or orphans == "keep":
            paths[leaf] = path
    return paths


@pytest.fixture(scope="module", params=["quarantine", "keep"])
def ingested(request, realdata, tmp_path_factory):
    """Return (orphans, conversations, messages with tokens) as the workflow has them."""
    folder = tmp_path_factory.mktemp("oasst")
    (folder / "oasst.jsonl").symlink_to(realdata / "oasst1" / "en-validation.jsonl")
    acquired = {"release": {"name": "local"}, "files": [{"name": "oasst.jsonl"}]}
    (folder / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    names = ("conversations", "messages", "quarantine", "tokens")
    paths = {name: folder / f"{name}.parquet" for name in names}
    ingest_dataset(folder / "acquired.json", [paths["conversations"]], [paths["messages"]],
                   paths["quarantine"], folder / "report.json", folder / "ledger.json",
                   "open_assistant", "oasst-jsonl",
                   {"oasst": {"orphans": request.param}})  # fmt: skip
    from_sentencepiece(realdata / "llama2" / "tokenizer.model", folder / "tokenizer.json")
    count_tokens(paths["messages"], folder / "tokenizer.json", paths["tokens"], 2_000_000)
    said, tokens = (pq.read_table(paths[name]).to_pylist() for name in ("messages", "tokens"))
    counted = [{**a, **b} for a, b in zip(said, tokens, strict=True)]
    return request.param, pq.read_table(paths["conversations"]).to_pylist(), counted


@pytest.mark.realdata
def test_paths_turns_and_tokens_are_those_of_a_plain_walk(ingested, messages, n_tokens):
    orphans, conversations, counted = ingested
    expected = walked(messages, orphans)
    found = {}
    for row in counted:
        leaf = conversations[row["conversation_id"]]["source_id"]
        found.setdefault(leaf, []).append((row["role"], row["text"], row["n_tokens"]))
    roles = {"prompter": "user", "assistant": "assistant"}
    assert found == {
        leaf: [(roles[m["role"]], m["text"], n_tokens[m["message_id"]]) for m in path]
        for leaf, path in expected.items()
    }
    for row in conversations:
        path = expected[row["source_id"]]
        assert row["n_turns"] == sum(m["role"] == "prompter" for m in path)
        assert row["user"] == path[0]["user_id"]


@pytest.mark.realdata
def test_means_and_deviations_are_the_known_ones(ingested):
    orphans, conversations, counted = ingested
    n_paths, n_turns, tokens, digits = KNOWN[orphans]
    assert len(conversations) == n_paths
    assert round(statistics.fmean(row["n_turns"] for row in conversations), 3) == n_turns
    lengths = [
        [row["n_tokens"] for row in counted if row["role"] == role]
        for role in ("user", "assistant")
    ]
    found = [f(values) for values in lengths for f in (statistics.fmean, statistics.pstdev)]
    assert tuple(round(value, digits) for value in found) == tokens


@pytest.mark.realdata
def test_the_known_means_follow_from_the_plain_walk(messages, n_tokens):
    for orphans, (n_paths, n_turns, tokens, digits) in KNOWN.items():
        paths = list(walked(messages, orphans).values())
        users = [m for path in paths for m in path if m["role"] == "prompter"]
        bots = [m for path in paths for m in path if m["role"] == "assistant"]
        assert (len(paths), round(len(users) / len(paths), 3)) == (n_paths, n_turns)
        lengths = [[n_tokens[m["message_id"]] for m in said] for said in (users, bots)]
        found = [f(values) for values in lengths for f in (statistics.fmean, statistics.pstdev)]
        assert tuple(round(value, digits) for value in found) == tokens


@pytest.mark.realdata
def test_answered_turns_are_fewer(messages, realdata, tmp_path):
    paths = walked(messages, "quarantine").values()
    roles = ["".join(m["role"][0] for m in path) for path in paths]
    assert round(sum(path.count("pa") for path in roles) / len(roles), 2) == 1.68
    (tmp_path / "oasst.jsonl").symlink_to(realdata / "oasst1" / "en-validation.jsonl")
    acquired = {"release": {"name": "local"}, "files": [{"name": "oasst.jsonl"}]}
    (tmp_path / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    out = [tmp_path / f"{name}.parquet" for name in ("c", "m", "q")]
    ingest_dataset(tmp_path / "acquired.json", out[:1], out[1:2], out[2], tmp_path / "r.json",
                   tmp_path / "l.json", "open_assistant", "oasst-jsonl",
                   {"turns": "answered"})  # fmt: skip
    n_turns = pq.read_table(out[0])["n_turns"].to_pylist()
    assert sum(n_turns) == sum(path.count("pa") for path in roles)
