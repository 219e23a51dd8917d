"""Labels of classifiers are matched to the categories of Table 4, however they are spelt."""

import logging

import pytest
import yaml

from wildpaper.annotate.categories.names import categories_of_labels, plain_label, read_categories
from wildpaper.errors import WildpaperError
from wildpaper.measure.table_04_prompt_categories import CATEGORIES, OTHER

WRITING, ANALYSIS, CODING, FACTS, MATHS = CATEGORIES
PAPERS = {
    "analysis or decision explanation": ANALYSIS,
    "assisting or creative writing": WRITING,
    "classification": OTHER,
    "coding": CODING,
    "editing or rewriting": OTHER,
    "factual information (general or professional), history or common practices": FACTS,
    "information extraction or summarization": OTHER,
    "linguistics": OTHER,
    "logical reasoning": OTHER,
    "mathematical reasoning or calculation": MATHS,
    "multilinguality or translation": OTHER,
    "other": OTHER,
    "recommendation": OTHER,
    "roleplay": OTHER,
    "tips, opinions or advice": OTHER,
}
"""Labels of valpy/prompt-classification, as its config.json has them."""


@pytest.fixture(scope="module")
def known(project):
    return read_categories(project / "data/categories.yaml")


def test_the_categories_are_those_of_the_table(known, project):
    assert tuple(dict.fromkeys(known.values())) == (*CATEGORIES, OTHER)
    claims = yaml.safe_load((project / "data/published.yaml").read_text("utf-8"))["claims"]
    printed = [c["id"].split(".")[1] for c in claims if c["id"].startswith("table-04.")]
    assert tuple(printed) == CATEGORIES


def test_all_labels_of_the_papers_classifier_are_known(known, caplog):
    with caplog.at_level(logging.WARNING, "wildpaper"):
        assert categories_of_labels(list(PAPERS), known, "m") == list(PAPERS.values())
    assert not caplog.records


@pytest.mark.parametrize(
    ("label", "category"),
    [
        ("Coding", CODING), (" CODING.", CODING), ("coding", CODING), ("Math reasoning", MATHS),
        ("math_reasoning", MATHS), ("Assisting/Or-Creative  Writing", WRITING),
        ("analysis-or-decision-explanation", ANALYSIS), ("factual information", FACTS),
        ("\uff23oding", CODING), ("decoding", OTHER), ("coding help", OTHER), ("", OTHER),
    ],
)  # fmt: skip
def test_spelling_does_not_matter_and_meaning_does(known, label, category):
    assert categories_of_labels([label, "coding"], known, "m") == [category, CODING]


def test_unknown_labels_are_named_once_and_count_as_other(known, caplog):
    with caplog.at_level(logging.WARNING, "wildpaper"):
        found = categories_of_labels(["cooking", "coding", "gossip"], known, "m-1")
    assert found == [OTHER, CODING, OTHER]
    (record,) = caplog.records
    assert "m-1" in record.getMessage()
    assert "'cooking', 'gossip'" in record.getMessage()
    assert "coding'" not in record.getMessage().replace("'cooking'", "")


def test_a_classifier_of_something_else_is_refused(known):
    with pytest.raises(WildpaperError, match="'POSITIVE', 'other'") as caught:
        categories_of_labels(["POSITIVE", "other"], known, "m")
    assert caught.value.where == "config key annotate.category.model"


def test_a_plain_label_is_its_own():
    for label in PAPERS:
        assert plain_label(plain_label(label)) == plain_label(label)


ONE = {"slug": "coding", "title": "C", "labels": ["code"]}
REST = {"slug": "other", "title": "O", "labels": []}


@pytest.mark.parametrize(
    "content",
    [
        None, "", "[]", "categories: 3", "categories: [3]", "{", [ONE],
        [ONE, REST | {"labels": ["Code"]}], [ONE, REST | {"labels": ["..."]}],
        [ONE | {"slug": "Coding!"}, REST], [ONE | {"labels": "code"}, REST],
        [ONE | {"labels": [3]}, REST], [ONE, {"slug": "other"}],
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_named(tmp_path, content):
    path = tmp_path / "odd.yaml"
    if isinstance(content, list):
        content = yaml.safe_dump({"categories": content})
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        read_categories(path)
    assert caught.value.where == str(path)
