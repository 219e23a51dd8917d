"""Sampled first prompts get the category that was planted, however they are stored."""

import json
import random
import shutil
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from category_files import (
    CATEGORIES,
    SAID,
    Said,
    classified,
    train,
    write_prompt_lines,
    write_shards,
)
from safetensors.torch import load_file, save_file

from wildpaper.annotate import model_files
from wildpaper.annotate.categories.classify import (
    MAX_CHARACTERS,
    PromptClassifier,
    classify_texts,
    load_classifier,
)
from wildpaper.annotate.categories.sample import draw_sample
from wildpaper.annotate.labelled import read_prompts
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS

pytest_plugins = ["category_fixtures"]


def test_errors_on_other_prompts_are_rare(prompt_classifier, prompt_corpus):
    prompts = read_prompts(prompt_corpus[1])
    found, probabilities = classify_texts(prompt_classifier, [prompt.text for prompt in prompts])
    wrong = [prompt.category != name for prompt, name in zip(prompts, found, strict=True)]
    assert sum(wrong) < 0.03 * len(prompts)
    assert set(found) == set(SAID)
    assert ((probabilities > 1 / 6) & (probabilities <= 1)).all()


def test_the_folder_is_one_of_hugging_face_without_pickled_objects(prompt_model):
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in prompt_model[0].parent.iterdir()) == names
    config = json.loads(prompt_model[0].read_text(encoding="utf-8"))
    assert sorted(config["id2label"].values()) == sorted(SAID)
    assert config["architectures"] == ["XLMRobertaForSequenceClassification"]


def test_the_same_prompts_and_seed_give_the_same_bytes(tmp_path):
    lines = [(f"{text} {n}", name) for name, text in SAID.items() for n in range(6)]
    labelled = write_prompt_lines(tmp_path / "few.jsonl", lines)
    made = {
        name: [path.read_bytes() for path in train(labelled, tmp_path / name, seed, n_batches=3)]
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    }
    assert made["one"] == made["again"]
    assert made["one"][1] != made["other"][1]


def random_conversations(n: int, seed: int) -> tuple[dict[int, list[Said]], dict[int, int]]:
    """Return conversations, and the place of the first user message where that is in English."""
    draw = random.Random(seed)
    conversations, first = {}, {}
    for number in range(n):
        before = draw.choice([[], [], [Said("Be brief.", "system")], [Said("Hello!", "assistant")]])
        language = draw.choice(["English", "English", "German", "Nolang", None])
        text = draw.choice(list(SAID.values()))
        later = [Said("Certainly!", "assistant"), Said("Who discovered the hive?")]
        said = [*before, Said(text, "user", language), *later[: draw.randrange(3)]]
        if draw.random() < 0.1:
            said, language = [Said("I begin.", "assistant")], None
        conversations[number] = said
        if language == "English":
            first[number] = len(before)
    return conversations, first


def test_neither_shards_nor_order_matter(prompt_model, tmp_path):
    conversations, first = random_conversations(80, seed=1)
    backwards = dict(reversed(conversations.items()))
    one = classified(write_shards(tmp_path / "one", conversations), prompt_model, 20)
    many = classified(write_shards(tmp_path / "many", backwards, 3), prompt_model, 20)
    assert one == many
    assert len(one) == 20
    keys = [tuple(row.values())[:2] for row in pq.read_table(
        tmp_path / "many" / "labels-1.parquet").to_pylist()]  # fmt: skip
    assert keys == sorted(keys)
    assert all(key[0] % 3 == 1 for key in keys)
    categories = {text: name for name, text in SAID.items()}
    for (number, position), (category, _) in one.items():
        assert first[number] == position
        assert category == categories[conversations[number][position].text]


def test_the_sample_grows_by_adding_and_another_seed_draws_another(prompt_model, tmp_path):
    conversations, first = random_conversations(80, seed=2)
    paths = write_shards(tmp_path, conversations, 2)
    few, more, other, every = (
        set(classified(paths, prompt_model, n, seed))
        for n, seed in ((8, 7), (16, 7), (16, 8), (1000, 7))
    )
    assert few < more < every == set(first.items())
    assert other != more
    assert (len(few), len(other)) == (8, 16)


def test_a_sample_is_as_likely_to_hold_one_conversation_as_another():
    first = dict.fromkeys(range(40), 0)
    drawn = Counter(n for seed in range(400) for n in draw_sample(first, 10, seed, "wildchat"))
    assert set(drawn) == set(first)
    assert min(drawn.values()) > 60
    assert max(drawn.values()) < 145


def test_labels_fit_the_schema_and_name_the_model(prompt_model, tmp_path):
    conversations = {0: [Said("Hallo!", "user", "German")], 1: [Said(SAID["coding"])]}
    paths = write_shards(tmp_path, conversations, 3)
    classified(paths, prompt_model)
    for path, n_rows in zip(paths["labels"], (0, 1, 0), strict=True):
        table = pq.read_table(path)
        assert table.schema.equals(LABELS["category"])
        assert table.num_rows == n_rows
        metadata = table.schema.metadata
        assert metadata[b"route"] == b"computed"
        assert metadata[b"annotator"].decode().startswith("small-")


def test_what_stands_beside_a_text_changes_nothing(prompt_classifier, prompt_corpus):
    texts = [prompt.text for prompt in read_prompts(prompt_corpus[1])[:150]]
    together, probabilities = classify_texts(prompt_classifier, texts)
    alone = [classify_texts(prompt_classifier, [text]) for text in texts]
    assert together == [name for (name,), _ in alone]
    assert probabilities == pytest.approx(np.array([p[0] for _, p in alone]), abs=1e-5)
    backwards, _ = classify_texts(prompt_classifier, texts[::-1])
    assert backwards[::-1] == together


class Fake:
    """A model and tokenizer at once: logits are read from the text, worse in company."""

    device = "cpu"
    model_max_length = 9

    def __init__(self):
        self.read = []

    def __call__(self, text=None, input_ids=None, **_):
        if text is not None:
            self.read.append(text)
            return {"input_ids": [int(float(number) * 10_000) for number in text.split()[:2]]}
        noise = 0.0 if len(input_ids) == 1 else 0.0004
        logits = torch.tensor(input_ids, dtype=torch.float32) / 10_000
        logits[:, 1] += noise
        return SimpleNamespace(logits=logits)

    def pad(self, ids, **_):
        return SimpleNamespace(to=lambda _: ids)


def test_rounding_does_not_decide():
    fake = Fake()
    classifier = PromptClassifier(fake, fake, ["coding", "other"], 9, "fake")
    texts = ["1.0 0.9998", "3.0 1.0", "1.0 3.0", "0.9998 1.0"]
    found, _ = classify_texts(classifier, texts)
    assert found == ["coding", "coding", "other", "other"]


def test_no_more_than_the_first_characters_are_read():
    fake = Fake()
    classifier = PromptClassifier(fake, fake, ["coding", "other"], 9, "fake")
    classify_texts(classifier, ["1.0 0.2 " + "x" * 5000])
    assert [len(text) for text in fake.read] == [MAX_CHARACTERS]


# ------------------------------------------------------------------ models that cannot be used


@pytest.fixture
def folder(prompt_model, tmp_path):
    return shutil.copytree(prompt_model[0].parent, tmp_path / "copy")


def load(name):
    return load_classifier([], CATEGORIES, str(name), None)


def test_a_folder_by_name_is_the_same_model(folder, prompt_classifier):
    assert load(folder).title.removeprefix("copy-") == prompt_classifier.title.removeprefix(
        "small-"
    )


def without_head(folder):
    weights = load_file(folder / "model.safetensors")
    kept = {name: w for name, w in weights.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def other_labels(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(6)}
    config["label2id"] = {f"LABEL_{i}": i for i in range(6)}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def with_code(folder):
    (folder / "evil.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
        "from transformers import PretrainedConfig\nclass C(PretrainedConfig):\n pass\n",
        encoding="utf-8",
    )
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (shutil.rmtree, "There is no folder"),
        (pickled, "no config.json with weights as safetensors"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json with weights"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "while loading it"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "while loading it"),
        (without_head, "weights are not in it"),
        (other_labels, "No label of copy-"),
        (with_code, "while loading it"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(folder, damage, said):
    damage(folder)
    with pytest.raises(WildpaperError, match=said) as caught:
        load(folder)
    assert caught.value.where == "config key annotate.category.model"
    assert caught.value.hint
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("name", ["no-such-folder", "./a/b", "a/b/c", "~/models"])
def test_a_name_that_is_neither_folder_nor_repository_is_refused(name):
    with pytest.raises(WildpaperError, match="There is no folder"):
        load(name)


def test_a_repository_is_fetched_without_pickled_objects(folder, monkeypatch):
    commit = folder.with_name("0123456789abcdef0123456789abcdef01234567")
    folder.rename(commit)
    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        return str(commit)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    found = load_classifier([], CATEGORIES, "owner/prompts", "main")
    assert found.title == f"owner/prompts@{commit.name}"
    assert (asked["name"], asked["revision"]) == ("owner/prompts", "main")
    assert asked["allow_patterns"] == list(model_files.FETCHED)
    assert not {"*", "*.bin", "*.pt", "*.py"} & set(model_files.FETCHED)


def test_a_repository_that_cannot_be_fetched_is_explained(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WildpaperError, match="Cannot fetch the model 'owner/absent'") as caught:
        load("owner/absent")
    assert "annotate.category.model" in str(caught.value)
    assert "HF_HUB_OFFLINE" in str(caught.value)


# ------------------------------------------------------------------ labels to train on


def test_prompts_of_one_category_teach_nothing(tmp_path):
    labelled = write_prompt_lines(tmp_path / "alike.jsonl", [("a b", "coding"), ("b c", "coding")])
    with pytest.raises(WildpaperError, match="Nothing to learn") as caught:
        train(labelled, tmp_path)
    assert caught.value.where == str(labelled)


@pytest.mark.parametrize("line", ["[1]", "{", '{"text": "quite private"}',
                                  '{"text": "quite private", "category": 3}'])  # fmt: skip
def test_a_wrong_line_is_named_without_its_text(tmp_path, line):
    path = write_prompt_lines(tmp_path / "wrong.jsonl", [("a", "coding")])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        read_prompts(path)
    assert caught.value.where == f"{path}, line 2"
    assert "private" not in str(caught.value)
