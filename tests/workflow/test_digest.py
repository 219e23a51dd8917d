"""A rule runs again for an edit that may change its result, and for no other."""

import json

import pytest

from wildpaper import digest
from wildpaper.digest_cache import FactsOfFiles

MODULES = {
    "__init__": "",
    "top": "from pack.middle import step\n\ndef go():\n    return step() + 1\n",
    "middle": "import pack.leaf\n\ndef step():\n    return pack.leaf.VALUE\n",
    "leaf": "VALUE = 1\n",
    "other": "VALUE = 1\n",
    "sub/__init__": "",
    "sub/inner": "import json\nVALUE = json.loads('1')\n",
    "lazy": "def go():\n    from pack.sub import inner\n    return inner.VALUE\n",
}


class Package:
    def __init__(self, root):
        self.root = root
        for name, text in MODULES.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for cached in (digest._facts, digest.file_of):
            cached.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setattr(digest, "_PACKAGE_ROOT", tmp_path / "pack")
    monkeypatch.setattr(digest, "_PACKAGE", "pack")
    yield Package(tmp_path / "pack")
    for cached in (digest._facts, digest.file_of):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("module", "edited", "text"),
    [
        ("pack.top", "top", MODULES["top"].replace("+ 1", "+ 2")),
        ("pack.top", "middle", MODULES["middle"].replace("VALUE", "VALUE * 1")),
        ("pack.top", "leaf", "VALUE = 2\n"),
        ("pack.top", "leaf", "VALUE = '1'\n"),
        ("pack.top", "__init__", "import os\n"),
        ("pack.lazy", "sub/inner", "VALUE = 3\n"),
        ("pack.lazy", "sub/__init__", "SIDE = 1\n"),
    ],
)
def test_an_edit_anywhere_below_changes_the_digest(package, module, edited, text):
    before = digest.code_digest(module)
    package.write(edited, text)
    assert digest.code_digest(module) != before


@pytest.mark.parametrize(
    ("edited", "text"),
    [
        ("leaf", "# why\nVALUE = 1  # one\n"),
        ("leaf", '"""The leaf."""\n\nVALUE = 1\n"""What it is for."""\n'),
        ("leaf", "\n\nVALUE   =   (\n    1\n)\n"),
        ("top", MODULES["top"].replace("go():", 'go():\n    """Go."""')),
        ("other", "VALUE = 2\n"),
        ("sub/inner", "VALUE = 2\n"),
    ],
)
def test_words_layout_and_strangers_do_not_change_the_digest(package, edited, text):
    before = digest.code_digest("pack.top")
    package.write(edited, text)
    assert digest.code_digest("pack.top") == before


def test_several_modules_and_their_order(package):
    both = digest.code_digest("pack.leaf", "pack.other")
    assert both == digest.code_digest("pack.other", "pack.leaf")
    assert both != digest.code_digest("pack.leaf")
    assert len(both) == 16
    assert digest.code_digest("pack.leaf") != digest.code_digest("pack.other")


def test_modules_that_import_each_other_end(package):
    package.write("leaf", "import pack.top\nVALUE = 1\n")
    assert digest.code_digest("pack.top")


def test_a_relative_import_is_refused_by_name(package):
    package.write("middle", "from .leaf import VALUE\n")
    with pytest.raises(ImportError, match=r"pack\.middle: relative"):
        digest.code_digest("pack.top")


def test_an_unknown_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"pack\.nothing"):
        digest.code_digest("pack.nothing")


def notebook(path, *cells):
    listed = [{"cell_type": kind, "source": source} for kind, source in cells]
    path.write_text(json.dumps({"cells": listed}), encoding="utf-8")
    return path


def test_imports_of_a_notebook(package, tmp_path):
    path = notebook(
        tmp_path / "n.ipynb",
        ("markdown", "import pack.other"),
        ("code", ["import json\n", "%time\n", "!ls\n", "from pack.middle import step"]),
        ("code", "%%bash\nfor x in a; do echo $x; done"),
        ("code", "import pack.sub.inner"),
        ("code", ""),
    )
    found = digest.notebook_imports(path)
    assert found == ["pack.middle", "pack.sub.inner"]


def test_every_rule_of_this_project_can_be_digested(project):
    names = sorted((project / "workflow/wildpaper").rglob("*.py"))
    modules = {
        ".".join(path.relative_to(project / "workflow").with_suffix("").parts) for path in names
    }
    digests = {name: digest.code_digest(name) for name in modules if "__" not in name}
    assert len(set(digests.values())) == len(digests)


def facts_of(package, path):
    """Return the digests of all modules as a new process finds them that keeps facts."""
    package.write("other", MODULES["other"])
    digest._FACTS = FactsOfFiles()
    digest.keep_facts(path)
    found = [digest.code_digest(f"pack.{name}") for name in ("top", "lazy", "other")]
    digest._FACTS.save()
    return found


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(digest, "_FACTS", FactsOfFiles())
    return tmp_path / "kept" / "facts.json"


def test_kept_facts_change_no_digest_and_spare_the_parser(package, kept, monkeypatch):
    plain = [digest.code_digest(f"pack.{name}") for name in ("top", "lazy", "other")]
    assert facts_of(package, kept) == plain
    monkeypatch.setattr(digest.ast, "parse", None)
    assert facts_of(package, kept) == plain


def test_an_edit_is_seen_although_facts_are_kept(package, kept):
    before = facts_of(package, kept)
    package.write("leaf", "VALUE = 2\n")
    after = facts_of(package, kept)
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    package.write("middle", "import pack.leaf\nimport pack.other\n\ndef step():\n    return 1\n")
    assert facts_of(package, kept)[0] != after[0]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"python": "3.0", "facts": {}}', "\xff"])
def test_facts_that_cannot_be_read_are_found_anew(package, kept, content):
    plain = facts_of(package, kept)
    kept.write_text(content, encoding="latin-1")
    assert facts_of(package, kept) == plain
    assert len(json.loads(kept.read_text(encoding="utf-8"))["facts"]) >= len(MODULES) - 1


def test_facts_of_files_that_are_gone_are_not_kept(package, kept):
    facts_of(package, kept)
    n = len(json.loads(kept.read_text(encoding="utf-8"))["facts"])
    for value in range(5):
        package.write("leaf", f"VALUE = {value + 7}\n")
        facts_of(package, kept)
    assert len(json.loads(kept.read_text(encoding="utf-8"))["facts"]) == n
