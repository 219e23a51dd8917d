"""Tables 7, 12 and 13 equal an independent count, over messages and over turns."""

from collections import defaultdict

import pytest
from category_planting import plant, rewrite, together
from planting import Chat, Said, random_chats, run_measure

from wildpaper.config import DATASETS
from wildpaper.errors import WildpaperError
from wildpaper.measure.toxicity.category_shares import UNITS
from wildpaper.measure.toxicity.table_06_toxicity_overlap import measure_toxicity_overlap
from wildpaper.measure.toxicity.table_07_toxicity_datasets import measure_toxicity_datasets
from wildpaper.measure.toxicity.table_12_detoxify_categories import (
    HEADS,
    measure_detoxify_categories,
)
from wildpaper.measure.toxicity.table_13_moderation_categories import (
    GROUPS,
    measure_moderation_categories,
)
from wildpaper.publish.published import load_published
from wildpaper.schema import DETOXIFY_HEADS, MODERATION_CATEGORIES

TABLES = {
    measure_detoxify_categories: ("detoxify", "table-12", HEADS),
    measure_moderation_categories: ("moderation", "table-13", tuple(GROUPS)),
}
BOTH = pytest.mark.parametrize("measure", TABLES, ids=lambda f: f.__name__)
ALL = [*TABLES, measure_toxicity_datasets]
ROLES = {"user": "user", "chatbot": "assistant"}


def flagged(label, category, mark):
    if label == "detoxify":
        return mark[category] > 0.1
    stem = category.replace("-", "_")
    return any(mark[name] for name in MODERATION_CATEGORIES if name.startswith(stem))


def expected(judged, label, category, units):
    """Return (share, n) counted message by message and turn by turn."""
    turns = defaultdict(list)
    messages = []
    n_users = defaultdict(int)
    for i, said, mark in judged.messages():
        if said.role == "system":
            continue
        verdict = None
        if judged.has(said, label):
            verdict = said.text != "" and flagged(label, category, mark)
        messages.append((said.role, verdict))
        n_users[i] += said.role == "user"
        if n_users[i]:
            turns[i, n_users[i]].append(verdict)
    if units == "turns":
        verdicts = [any(turn) for turn in turns.values() if None not in turn]
    else:
        wanted = ("user",) if units == "user-messages" else ("user", "assistant")
        verdicts = [v for role, v in messages if role in wanted and v is not None]
    return 100 * sum(verdicts) / len(verdicts), len(verdicts)


@BOTH
@pytest.mark.parametrize("category_share", UNITS)
@pytest.mark.parametrize(("seed", "gaps"), [(1, False), (2, True)])
def test_shares_are_those_of_an_independent_count(tmp_path, measure, category_share, seed, gaps):
    label, prefix, names = TABLES[measure]
    judged = plant(tmp_path, random_chats(60, seed, gaps=gaps), seed=seed)
    paths = together([judged]) | {"category_share": category_share}
    measured = run_measure(measure, tmp_path, paths, n_replicates=15)
    assert len(measured.cells) == len(names) * 3
    shown = set()
    for name in names:
        for units, words in UNITS.items():
            own = units != category_share
            cell = measured.cells["wildchat", f"{name}.{units}" if own else name]
            assert (cell.value, cell.n) == expected(judged, label, name, units)
            assert cell.ci_low < cell.value < cell.ci_high
            assert cell.unit == words
            assert cell.claim.startswith("own.") == own
            assert (f"{prefix}.wildchat.{name}" == cell.claim) == (not own)
            shown.add((name, cell.value))
            if gaps:
                assert "have a" in measured.notes[cell.claim]
            elif own:
                assert cell.claim not in measured.notes
            else:
                assert words.removeprefix("percent of ") in measured.notes[cell.claim]
    assert len(shown) > len(names)  # the units matter


def test_a_turn_goes_from_a_user_message_to_the_next(tmp_path):
    roles = ["assistant", "user", "assistant", "assistant", "user", "user", "assistant"]
    judged = plant(tmp_path, [Chat([Said(role) for role in roles])])
    for position in range(len(roles)):
        for name in MODERATION_CATEGORIES:
            judged.marks[0, position][name] = name == "hate" and position in (0, 2, 3, 5)
    judged = replant(judged)
    options = together([judged]) | {"category_share": "turns"}
    cells = run_measure(measure_moderation_categories, tmp_path, options).cells
    assert (cells["wildchat", "hate"].n, cells["wildchat", "hate"].value) == (3, 100 * 2 / 3)
    assert cells["wildchat", "hate.messages"].n == 7
    assert cells["wildchat", "hate.user-messages"].value == 100 / 3
    assert cells["wildchat", "sexual"].value == 0


def replant(judged):
    """Write the labels anew from the marks."""
    rewrite(judged.paths["detoxify"], judged.marks, DETOXIFY_HEADS)
    rewrite(judged.paths["moderation"], judged.marks, MODERATION_CATEGORIES)
    return judged


def test_each_category_of_the_interface_counts_in_one_column(tmp_path):
    chats = [Chat([Said("user")]) for _ in MODERATION_CATEGORIES]
    judged = plant(tmp_path, chats)
    for i, flagged_in in enumerate(MODERATION_CATEGORIES):
        judged.marks[i, 0] |= {name: name == flagged_in for name in MODERATION_CATEGORIES}
    options = together([replant(judged)]) | {"category_share": "messages"}
    values = run_measure(measure_moderation_categories, tmp_path, options).values
    n = {name: round(values["wildchat", name] * 11 / 100, 9) for name in GROUPS}
    assert n == {"harassment": 2, "hate": 2, "self-harm": 3, "sexual": 2, "violence": 2}


@pytest.mark.parametrize(("threshold", "n"), [(0.05, 3), (0.1, 2), (0.25, 1), (0.95, 0)])
def test_a_score_must_be_above_the_threshold_and_the_message_have_text(tmp_path, threshold, n):
    scores = [0.0, 0.0625, 0.25, 0.9]
    chats = [Chat([Said("user"), Said("assistant", text="")]) for _ in scores]
    judged = plant(tmp_path, chats)
    for i, score in enumerate(scores):
        judged.marks[i, 0]["threat"], judged.marks[i, 1]["threat"] = score, 0.99
    options = together([replant(judged)]) | {"category_share": "messages"}
    values = run_measure(measure_detoxify_categories, tmp_path, options, threshold=threshold).values
    assert values["wildchat", "threat"] == 12.5 * n
    assert values["wildchat", "threat.turns"] == 25 * n


def three_sets(folder, **options):
    return [
        plant(folder, random_chats(20, i, users=4 - i), name, seed=i, **options)
        for i, name in enumerate(("wildchat", "lmsys_chat_1m", "dolly"))
    ]


@pytest.mark.parametrize("measure", ALL, ids=lambda f: f.__name__)
def test_neither_shards_nor_their_order_matter(tmp_path, measure):
    found = []
    for i, (n_shards, shuffle) in enumerate([(1, None), (3, 5)]):
        sets = three_sets(tmp_path / str(i), n_shards=n_shards, shuffle=shuffle)
        options = together(sets) | {"category_share": "messages"}
        found.append(run_measure(measure, tmp_path / str(i), options).bytes)
    assert found[0] == found[1]


@pytest.mark.parametrize("measure", ALL, ids=lambda f: f.__name__)
def test_a_set_without_labels_has_no_values_and_its_note_says_why(tmp_path, measure):
    sets = three_sets(tmp_path)
    labelled = {"scored": ["dolly"], "moderated": ["dolly"]}
    options = together(sets, **labelled) | {"category_share": "messages"}
    measured = run_measure(measure, tmp_path, options)
    alone = run_measure(
        measure, tmp_path / "alone", together(sets[2:]) | {"category_share": "messages"}
    )
    for (row, column), cell in measured.cells.items():
        if row == "dolly":
            assert cell == alone.cells[row, column]
        else:
            assert (cell.value, cell.ci_low, cell.n) == (None, None, 0)
            assert "planted: this run has no" in measured.notes[cell.claim]


@pytest.mark.parametrize("measure", ALL, ids=lambda f: f.__name__)
def test_each_published_value_has_a_line(tmp_path, project, measure):
    sets = [plant(tmp_path, random_chats(5), name) for name in DATASETS]
    measured = run_measure(measure, tmp_path, together(sets) | {"category_share": "turns"})
    prefix = TABLES[measure][1] if measure in TABLES else "table-07"
    claims, _ = load_published(project / "data/published.yaml")
    published = {claim.id for claim in claims if claim.id.startswith(prefix)}
    assert published
    assert {name for name in measured.claims if not name.startswith("own.")} == published
    assert len(measured.claims) == len(measured.cells)


def test_a_head_that_the_model_lacks_has_no_value(tmp_path):
    judged = plant(tmp_path, random_chats(20), without=("sexual_explicit",))
    options = together([judged]) | {"category_share": "messages"}
    measured = run_measure(measure_detoxify_categories, tmp_path, options)
    for units in ("", ".user-messages", ".turns"):
        assert measured.values["wildchat", f"sexual_explicit{units}"] is None
        assert measured.values["wildchat", f"insult{units}"] > 0
    assert "label of this kind" in measured.notes["table-12.wildchat.sexual_explicit"]


def test_a_score_that_is_no_number_stops_the_run(tmp_path):
    judged = plant(tmp_path, random_chats(5))
    judged.marks[0, 0]["obscene"] = float("nan")
    options = together([replant(judged)]) | {"category_share": "messages"}
    with pytest.raises(WildpaperError, match=r"of 1 messages .* not a number") as caught:
        run_measure(measure_detoxify_categories, tmp_path, options)
    assert "wildchat" in caught.value.where


@pytest.mark.parametrize("gaps", [False, True])
def test_table_7_counts_messages_by_role(tmp_path, gaps):
    sets = [
        plant(tmp_path, random_chats(40, i, gaps=gaps), name)
        for i, name in enumerate(("sharegpt", "wildchat"))
    ]
    measured = run_measure(measure_toxicity_datasets, tmp_path, together(sets))
    for judged in sets:
        for name, role in ROLES.items():
            verdicts = defaultdict(list)
            for _, said, _ in judged.messages():
                both = said.toxicity is not None and said.flagged is not None
                detoxify = said.text != "" and (said.toxicity or 0) > 0.1
                moderation = said.text != "" and bool(said.flagged)
                if said.role != role:
                    continue
                if said.toxicity is not None:
                    verdicts["detoxify"].append(detoxify)
                if said.flagged is not None:
                    verdicts["moderation"].append(moderation)
                if both:
                    verdicts["either"].append(detoxify or moderation)
                    verdicts["both"].append(detoxify and moderation)
            for judgment, listed in verdicts.items():
                cell = measured.cells[judged.name, f"{name}.{judgment}"]
                assert (cell.value, cell.n) == (100 * sum(listed) / len(listed), len(listed))
                own = f"own.table-07-toxicity-datasets.{judged.name}.{name}.{judgment}"
                printed = f"table-07.{judged.name}.{name}"
                assert cell.claim == (printed if judgment == "moderation" else own)
                assert (cell.claim in measured.notes) == gaps


def test_what_tables_6_and_7_both_show_is_the_same_with_its_interval(tmp_path):
    judged = plant(tmp_path, random_chats(40))
    options = {"n_replicates": 50}
    here = run_measure(measure_toxicity_datasets, tmp_path, together([judged]), **options).cells
    there = run_measure(measure_toxicity_overlap, tmp_path, judged.paths, **options).cells
    for (role, judgment), cell in there.items():
        same = here["wildchat", f"{role}.{judgment}"]
        assert (same.value, same.ci_low, same.ci_high) == (cell.value, cell.ci_low, cell.ci_high)
        assert cell.ci_low is not None
