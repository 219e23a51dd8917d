"""The small classifier of prompts, trained once a session.

A test module that names this one in `pytest_plugins` has the fixtures.
"""

import pytest
from category_files import CATEGORIES, train, write_corpus

from wildpaper.annotate.categories.classify import load_classifier


@pytest.fixture(scope="session")
def prompt_corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("prompts"))


@pytest.fixture(scope="session")
def prompt_model(prompt_corpus, tmp_path_factory):
    return train(prompt_corpus[0], tmp_path_factory.mktemp("category") / "small")


@pytest.fixture(scope="session")
def prompt_classifier(prompt_model):
    return load_classifier(prompt_model, CATEGORIES, None, None)
