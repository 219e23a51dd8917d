"""The real WildChat messages: each has as many tokens as SentencePiece says."""

import json

import pyarrow.parquet as pq
import pytest
import sentencepiece

from wildpaper.acquire.tokenizer import from_sentencepiece
from wildpaper.annotate.tokens.count import count_tokens
from wildpaper.ingest.dataset import ingest_dataset


@pytest.mark.realdata
@pytest.mark.parametrize("source", ["npm", "sentencepiece"])
def test_each_message_counts_as_sentencepiece_does(
    tmp_path, realdata, request, sentencepiece_model, source
):
    if source == "npm":
        tokenizer = request.getfixturevalue("tokenizer_file")
    else:
        tokenizer = tmp_path / "tokenizer.json"
        from_sentencepiece(sentencepiece_model, tokenizer)
    raw = realdata / "wildchat" / "train-00000-of-00001.parquet"
    (tmp_path / "chat.parquet").symlink_to(raw)
    acquired = {"release": {"name": "local"}, "files": [{"name": "chat.parquet"}]}
    (tmp_path / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    out = {name: tmp_path / f"{name}.parquet" for name in ("c", "messages", "q", "tokens")}
    ingest_dataset(tmp_path / "acquired.json", [out["c"]], [out["messages"]], out["q"],
                   tmp_path / "report.json", tmp_path / "ledger.json", "wildchat",
                   "wildchat-parquet")  # fmt: skip
    count_tokens(out["messages"], tokenizer, out["tokens"], 2_000_000)
    chats = pq.read_table(raw)["conversation"].to_pylist()
    texts = [[message["content"] for message in chat] for chat in chats]
    peer = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    expected = [
        {"conversation_id": i, "position": j, "n_tokens": len(ids)}
        for i, chat in enumerate(texts)
        for j, ids in enumerate(peer.encode(chat))
    ]
    assert (len(chats), len(expected)) == (300, 600)
    assert pq.read_table(out["tokens"]).to_pylist() == expected
