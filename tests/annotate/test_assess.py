"""Errors of the classifiers are counted as they are, with bounds that hold."""

import json

import jsonschema
import numpy as np
import pytest
from category_files import CATEGORIES, SAID, write_prompt_lines
from labelled_corpus import INSULTS, messages, write_lines

from wildpaper.annotate.assess import assess_annotators, upper_bound
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.schema import DETOXIFY_HEADS

pytest_plugins = ["category_fixtures", "detoxify_fixtures"]

FEW = ("English", "German", "Chinese")
SENTENCES = {
    "English": "The children walked home slowly through the quiet evening streets.",
    "German": "Die Kinder gingen langsam durch die stillen abendlichen Straßen nach Hause.",
    "Chinese": "孩子们慢慢地穿过安静的街道走回家。",
}


def line(language, insult=False, role="user", text=None):
    return {
        "text": SENTENCES[language] if text is None else text,
        "role": role,
        "language": language,
        "insult": insult,
        "moderation": [],
        "jailbreak": None,
    }


def assessed(folder, checkpoint, lines, **options):
    labelled = write_lines(folder / "assess.jsonl", lines)
    assess_annotators(labelled, checkpoint, folder / "errors.json", FEW, "high", **options)
    return read_json(folder / "errors.json")


def test_wrong_labels_are_counted_languages_in_user_messages_only(
    small_checkpoint, tmp_path, project
):
    insult = INSULTS["English"][0]
    lines = [
        *[line(language) for language in SENTENCES for _ in range(5)],
        line("German") | {"text": SENTENCES["English"]},
        line("English", text=" "),
        line("English", insult=True, text=f"{SENTENCES['English']} {insult}"),
        line("English", insult=True),
        line("English", text=f"{SENTENCES['English']} {insult}", role="assistant"),
        line("English", insult=True, text=f"{insult} {SENTENCES['English']}", role="assistant"),
    ]
    found = assessed(tmp_path, small_checkpoint, lines)
    schema = read_json(project / "data/schemas/annotator-errors.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    language = found["language"]
    assert (language["n"], language["n_wrong"], language["error"]) == (18, 1, 1 / 18)
    assert language["error_high"] == upper_bound(1, 18)
    assert language["by_language"] == {
        "Chinese": {"n": 5, "n_missed": 0, "n_false": 0},
        "English": {"n": 7, "n_missed": 0, "n_false": 1},
        "German": {"n": 6, "n_missed": 1, "n_false": 0},
    }
    names = ("n_positive", "n_missed", "n_negative", "n_false")
    assert [found["detoxify"]["user"][name] for name in names] == [2, 1, 17, 0]
    assert [found["detoxify"]["chatbot"][name] for name in names] == [1, 0, 1, 1]
    assert found["detoxify"]["user"]["false_negative"] == 1 / 2
    assert found["threshold"] == 0.1
    heads = found["detoxify"]["heads"]
    assert set(heads) == set(DETOXIFY_HEADS)
    for role in ("user", "chatbot"):
        assert heads["toxicity"][role] == found["detoxify"][role]
        n = sum(found["detoxify"][role][name] for name in ("n_positive", "n_negative"))
        assert heads["insult"][role]["n_positive"] == found["detoxify"][role]["n_positive"]
        for head in set(DETOXIFY_HEADS) - {"toxicity", "insult"}:
            counts = [heads[head][role][name] for name in names]
            assert counts == [0, 0, n, 0], "heads that were trained to say nothing say nothing"
            assert heads[head][role]["false_positive_high"] == upper_bound(0, n)


def test_each_head_is_counted_by_its_own_scores(small_checkpoint, tmp_path, monkeypatch):
    """Scores that are above the threshold in one head and one row only; a head that is absent."""
    lines = [line("English", insult=i == 0, role="assistant") for i in range(5)]
    absent = DETOXIFY_HEADS.index("sexual_explicit")

    def scored(_classifier, texts, *_):
        scores = np.zeros((len(texts), len(DETOXIFY_HEADS)), np.float32)
        scores[:, absent] = np.nan
        scores[0, DETOXIFY_HEADS.index("insult")] = scores[2, DETOXIFY_HEADS.index("threat")] = 0.2
        return scores, np.zeros(len(texts), np.bool_)

    monkeypatch.setattr("wildpaper.annotate.assess.score_texts", scored)
    heads = assessed(tmp_path, small_checkpoint, lines)["detoxify"]["heads"]
    wrong = {
        head: (counts["chatbot"]["n_missed"], counts["chatbot"]["n_false"])
        for head, counts in heads.items()
        if counts["chatbot"]["n_missed"] or counts["chatbot"]["n_false"]
    }
    assert wrong == {"toxicity": (1, 0), "threat": (0, 1)}
    assert set(heads) == set(DETOXIFY_HEADS) - {"sexual_explicit"}


def test_wrong_categories_are_counted(small_checkpoint, prompt_model, tmp_path, project):
    pairs = [(text, name) for name, text in SAID.items() for _ in range(4)]
    pairs += [(SAID["coding"], "other"), (SAID["coding"], "math-reasoning")]
    prompts = write_prompt_lines(tmp_path / "prompts.jsonl", pairs)
    lines = [line(name) for name in SENTENCES]
    found = assessed(
        tmp_path, small_checkpoint, lines,
        prompts=prompts, classifier=prompt_model, categories=CATEGORIES,
    )  # fmt: skip
    jsonschema.validate(found, read_json(project / "data/schemas/annotator-errors.schema.json"))
    category = found["category"]
    assert (category["n"], category["n_wrong"], category["error"]) == (26, 2, 2 / 26)
    assert category["error_high"] == upper_bound(2, 26)
    assert category["by_category"]["coding"] == {"n": 4, "n_missed": 0, "n_false": 2}
    assert category["by_category"]["other"] == {"n": 5, "n_missed": 1, "n_false": 0}
    assert category["annotator"].startswith("small-")
    assert not any(text[:12] in json.dumps(found) for text in SAID.values())
    with pytest.raises(ValueError, match="names of their categories"):
        assessed(tmp_path, small_checkpoint, lines, prompts=prompts, classifier=prompt_model)


def test_counts_only_and_no_text(small_checkpoint, tmp_path):
    found = assessed(tmp_path, small_checkpoint, [line(name) for name in SENTENCES])
    assert "category" not in found
    written = json.dumps(found, ensure_ascii=False)
    assert not any(sentence[:12] in written for sentence in SENTENCES.values())
    assert found["detoxify"]["chatbot"]["false_negative"] is None
    assert found["detoxify"]["chatbot"]["false_negative_high"] == 1


def test_the_threshold_decides(small_checkpoint, tmp_path):
    lines = [*messages(200, seed=31), line("English")]
    none = assessed(tmp_path, small_checkpoint, lines, threshold=0.9999)["detoxify"]
    everything = assessed(tmp_path, small_checkpoint, lines, threshold=1e-9)["detoxify"]
    for role in ("user", "chatbot"):
        assert none[role]["n_missed"] == none[role]["n_positive"] > 0 == none[role]["n_false"]
        assert everything[role]["n_false"] == everything[role]["n_negative"] > 0


def test_upper_bound_is_the_error_at_which_so_few_are_a_rarity():
    for n, n_wrong in [(1, 0), (20, 3), (300, 0), (300, 299), (5000, 12)]:
        bound = upper_bound(n_wrong, n)
        term, total = (1 - bound) ** n, 0.0
        for k in range(n_wrong + 1):
            total += term
            term *= (n - k) / (k + 1) * bound / (1 - bound)
        if (1 - bound) ** n > 1e-300:
            assert total == pytest.approx(0.01, rel=1e-6)
        assert n_wrong / n < bound < 1
    assert upper_bound(0, 0) == upper_bound(7, 7) == 1
    with pytest.raises(ValueError, match="cannot be wrong"):
        upper_bound(8, 7)


def test_labels_that_cannot_be_read_leave_no_file(small_checkpoint, tmp_path):
    with pytest.raises(WildpaperError):
        assessed(tmp_path, small_checkpoint, [])
    assert not (tmp_path / "errors.json").exists()
