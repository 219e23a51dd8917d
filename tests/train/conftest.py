from pathlib import Path

import pytest

from wildpaper.acquire.tokenizer import from_npm
from wildpaper.train.vicuna import VicunaTemplate

ROOT = Path(__file__).resolve().parents[2]
NPM_ARCHIVE = ROOT / "data/raw/llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz"
NPM_SHA256 = "ee83014ac8b379b16cf8d81e99ffcdb23dfade8c0d2e751bd06e7dc0b8476e72"


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory):
    if not NPM_ARCHIVE.is_file():
        pytest.skip(f"the Llama-2 tokenizer is not at {NPM_ARCHIVE.relative_to(ROOT)}: make setup")
    path = tmp_path_factory.mktemp("llama2") / "tokenizer.json"
    from_npm(NPM_ARCHIVE, NPM_SHA256, path)
    return path


@pytest.fixture(scope="session")
def template(tokenizer_file):
    return VicunaTemplate(tokenizer_file)
