"""Licences of code, data and models stand apart, in sync; CITATION.cff is whole and agrees."""

import re
import tomllib

import pytest
import yaml

from wildpaper.__main__ import main
from wildpaper.errors import WildpaperError
from wildpaper.publish.licences import check_licences, licences, write_licences


def test_the_page_is_in_sync(project, monkeypatch):
    monkeypatch.chdir(project)
    assert main(["licences", "--check"]) == 0


def test_a_page_that_drifted_or_is_missing_is_refused(tmp_path):
    page = tmp_path / "licences.md"
    with pytest.raises(WildpaperError, match="Out of date") as caught:
        check_licences(page)
    assert "make docs" in caught.value.hint
    write_licences(page)
    check_licences(page)
    page.write_text(page.read_text(encoding="utf-8").replace("CC-BY-NC-4.0", "MIT"), "utf-8")
    with pytest.raises(WildpaperError, match="Out of date"):
        check_licences(page)


def test_code_data_and_models_stand_apart(project):
    code, data, models = re.split(r"^## .*$", licences(), flags=re.MULTILINE)[1:]
    assert "MIT" in code
    registry = yaml.safe_load((project / "data/sources.yaml").read_text(encoding="utf-8"))
    for entry in registry["datasets"].values():
        assert f"| {entry['title']} | {entry['licence']} |" in data
        assert entry["home"] not in models
    for model in yaml.safe_load((project / "data/models.yaml").read_text("utf-8"))["models"]:
        assert f"| {model['title']} | {model['licence']} |" in models
    assert "LLAMA 2 Community License" in models


def citation(project):
    return yaml.safe_load((project / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_is_whole_and_of_this_version(project):
    known = citation(project)
    assert known["cff-version"] == "1.2.0"
    for key in ("message", "title", "abstract", "authors", "license", "keywords", "references"):
        assert known[key], key
    software = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (known["version"], known["license"]) == (software["version"], software["license"])
    assert known["type"] == "software"


def test_the_paper_that_is_recomputed_is_cited_as_in_the_bibliography(project):
    (paper,) = [r for r in citation(project)["references"] if r["type"] == "conference-paper"]
    text = (project / "paper/references.bib").read_text(encoding="utf-8")
    entry = text[text.index("{zhao2024wildchat") :].split("\n}\n")[0]
    authors = [f"{one['family-names']}, {one['given-names']}" for one in paper["authors"]]
    assert f"author = {{{' and '.join(authors)}}}" in entry
    title = re.search(r"title = \{(.*)\},$", entry, re.MULTILINE)
    assert title
    assert re.sub(r"[{}]", "", title[1]) == paper["title"]
    assert f"year = {{{paper['year']}}}" in entry
    assert paper["identifiers"][0]["value"] in entry
