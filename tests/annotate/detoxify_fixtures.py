"""The small Detoxify checkpoint, trained once a session.

A test module that names this one in `pytest_plugins` has the fixtures.
"""

import pytest
from detoxify_files import train
from labelled_corpus import messages, write_lines

from wildpaper.annotate.detoxify.checkpoint import load_detoxify


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detoxify")
    return train(write_lines(folder / "labelled.jsonl", messages(1200, seed=3)), folder, 5, 400)


@pytest.fixture(scope="session")
def small_classifier(small_checkpoint):
    return load_detoxify(small_checkpoint)
