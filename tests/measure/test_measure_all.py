"""What holds for every measure of the released conversations, whatever it measures."""

import os
import subprocess
import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from planting import Measured, random_chats, run_measure, write_chats

from wildpaper.measure.collection_text import measure_collection
from wildpaper.measure.figure_02a_turns import measure_turns
from wildpaper.measure.figure_02b_languages import measure_language_tail
from wildpaper.measure.table_02_apis import measure_apis
from wildpaper.measure.table_03_countries import measure_countries
from wildpaper.measure.table_05_languages import measure_languages
from wildpaper.measure.toxicity.figure_05_toxicity_by_month import measure_toxicity_by_month
from wildpaper.measure.toxicity.table_06_toxicity_overlap import measure_toxicity_overlap
from wildpaper.publish.published import load_published

PATTERNS = {
    measure_apis: ["table-02.*"],
    measure_countries: ["table-03.*"],
    measure_languages: ["table-05.wildchat.*"],
    measure_turns: ["turns.*"],
    measure_language_tail: ["languages.*"],
    measure_toxicity_overlap: ["table-06.*"],
    measure_toxicity_by_month: [],
    measure_collection: ["collection.*", "apis.*"],
}
SETTINGS_CLAIMED = {"languages.minimum-prompts"}
measures = pytest.mark.parametrize("function", PATTERNS, ids=lambda f: f.__name__)


def measure(function, folder, chats, **write):
    return run_measure(function, folder, write_chats(folder, chats, **write))


@pytest.fixture(scope="module")
def published(project):
    return [claim.id for claim in load_published(project / "data/published.yaml")[0]]


def wanted(function, published):
    patterns = PATTERNS[function]
    return {name for name in published for pattern in patterns if fnmatchcase(name, pattern)}


@measures
def test_shards_and_order_of_rows_change_no_byte(tmp_path, function):
    chats = random_chats(gaps=True)
    one = measure(function, tmp_path / "a", chats)
    many = measure(function, tmp_path / "b", chats, n_shards=7, shuffle=3)
    assert one.bytes == many.bytes


@pytest.mark.parametrize("function", [measure_toxicity_by_month, measure_collection])
def test_the_time_zone_of_the_machine_changes_no_byte(tmp_path, project, function):
    # A process of its own: DuckDB asks for the time zone once.
    paths = write_chats(tmp_path, random_chats(60))
    here = run_measure(function, tmp_path, paths)
    code = (
        f"import sys; sys.path[:0] = {[str(project / 'workflow'), str(Path(__file__).parent)]!r}\n"
        "from pathlib import Path, PosixPath\n"
        "from planting import run_measure\n"
        f"from {function.__module__} import {function.__name__} as function\n"
        f"run_measure(function, Path({str(tmp_path / 'there')!r}), {paths!r})"
    )
    for zone in ("Pacific/Kiritimati", "America/Anchorage"):
        subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"TZ": zone})
        name = function.__name__
        there = Measured(tmp_path / "there" / f"{name}.csv", tmp_path / "there" / f"{name}.json")
        assert there.bytes == here.bytes


@measures
def test_other_names_of_the_same_users_change_no_byte(tmp_path, function):
    chats = random_chats()
    renamed = [
        replace(chat, user=chat.user and f"{hash(chat.user) % 997}-{chat.user[::-1]}")
        for chat in chats
    ]
    first, second = (measure(function, tmp_path / n, c) for n, c in (("a", chats), ("b", renamed)))
    assert first.bytes == second.bytes


@measures
def test_every_conversation_twice_changes_no_share(tmp_path, function):
    chats = random_chats(gaps=True)
    one, two = (
        measure(function, tmp_path / "a", chats),
        measure(function, tmp_path / "b", chats * 2),
    )
    assert one.cells.keys() == two.cells.keys()
    doubled = {"messages", "conversations", "gpt-4-conversations"} | {
        "conversations-released", "conversations-section3", "turns-released",
    }  # fmt: skip
    n_doubled = 0
    for key, cell in one.cells.items():
        if key[1] in doubled:
            assert two.cells[key].value == 2 * cell.value
            n_doubled += 1
        else:
            assert two.cells[key].value == cell.value
    assert n_doubled < len(one.cells)


@measures
def test_each_published_claim_has_a_cell_and_each_other_is_our_own(tmp_path, function, published):
    measured = measure(function, tmp_path, random_chats())
    claims = measured.claims
    assert wanted(function, published) <= claims.keys()
    for name in claims.keys() - wanted(function, published):
        assert name.startswith("own."), name
        # Ids become LaTeX macros.
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-"), name


@measures
def test_without_any_conversation_every_claim_is_empty_and_explained(tmp_path, function, published):
    measured = measure(function, tmp_path, [])
    for name in wanted(function, published) - SETTINGS_CLAIMED:
        cell = measured.claims[name]
        if not (cell.value == 0 and name.endswith(("-released", "-section3"))):
            assert cell.value is None, name
            assert measured.notes[name]


@measures
def test_what_a_release_does_not_record_is_empty_and_explained(tmp_path, function, published):
    chats = random_chats(20)
    for chat in chats:
        chat.user = chat.model = chat.country = chat.timestamp = None
        for said in chat.messages:
            said.language = said.toxicity = said.flagged = said.timestamp = None
    measured = measure(function, tmp_path, chats)
    known = ("turns.", "languages.", "collection.conversations-re", "collection.conversations-sec",
             "collection.turns-released")  # fmt: skip
    for name in wanted(function, published):
        cell = measured.claims[name]
        if name.startswith(known):
            assert cell.value is not None, name
        else:
            assert cell.value is None, name
            assert measured.notes[name]
    assert "None" not in measured.table.read_text(encoding="utf-8")


@measures
def test_simulated_data_say_so_in_every_line(tmp_path, function):
    measured = measure(function, tmp_path, random_chats(40), simulated=True)
    assert {cell.route for cell in measured.cells.values()} == {"simulated"}


@pytest.mark.parametrize("route", ["computed", "recorded", "replayed"])
def test_the_route_is_that_of_the_labels(tmp_path, route):
    paths = write_chats(tmp_path, random_chats(40), route=route)
    for function in (measure_languages, measure_toxicity_overlap):
        cells = run_measure(function, tmp_path, paths).cells.values()
        assert {cell.route for cell in cells} == {route}
    for function, found in ((measure_turns, "computed"), (measure_countries, "recorded")):
        cells = run_measure(function, tmp_path, paths).cells.values()
        assert {cell.route for cell in cells} == {found}


@measures
def test_no_replicates_give_the_same_values_without_intervals(tmp_path, function):
    paths = write_chats(tmp_path, random_chats())
    some = run_measure(function, tmp_path / "a", paths)
    none = run_measure(function, tmp_path / "b", paths, n_replicates=0)
    assert some.values == none.values
    assert all(cell.ci_low is cell.ci_high is None for cell in none.cells.values())
    inside = [c for c in some.cells.values() if c.ci_low is not None and c.ci_low < c.ci_high]
    assert function is measure_collection or len(inside) >= 3


@measures
def test_a_value_lies_in_its_interval(tmp_path, function):
    measured = run_measure(
        function, tmp_path, write_chats(tmp_path, random_chats(400, users=80)), n_replicates=200
    )
    for key, cell in measured.cells.items():
        if cell.ci_low is not None:
            assert cell.ci_low <= cell.value <= cell.ci_high, key
