"""Tables 2, 3, 5 and Figures 2a, 2b recover what was planted, and nothing near it."""

from collections import Counter

import numpy as np
import pytest
from planting import Chat, Said, measure_chats, random_chats, run_measure, write_chats

from wildpaper.measure.bootstrap import category_intervals
from wildpaper.measure.figure_02a_turns import MORE, measure_turns
from wildpaper.measure.figure_02b_languages import measure_language_tail
from wildpaper.measure.shares import shares_of, slugs
from wildpaper.measure.table_02_apis import MODELS, measure_apis
from wildpaper.measure.table_03_countries import COUNTRIES, measure_countries
from wildpaper.measure.table_05_languages import LANGUAGES, measure_languages

SEEDS = pytest.mark.parametrize("seed", range(4))


def one_turn(**fields):
    return Chat([Said("user"), Said("assistant")], **fields)


def percent(n, total):
    return 100 * n / total


def clusters_of(chats):
    """Return the cluster of each conversation: users, or itself, by first appearance."""
    keys = [chat.user or i for i, chat in enumerate(chats)]
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return [number[key] for key in keys]


# ------------------------------------------------------------------ Table 2


@SEEDS
def test_models_are_shared_out_over_conversations_whose_model_is_known(tmp_path, seed):
    chats = random_chats(seed=seed)
    values = measure_chats(measure_apis, tmp_path, chats).values
    n = Counter(chat.model for chat in chats)
    known = len(chats) - n.pop(None)
    for name, slug in MODELS.items():
        assert values[slug, "percent"] == percent(n[name], known)
    assert values["4o-mini", "percent"] == percent(n["gpt-4o mini"], known)
    assert values["odd-1", "percent"] == percent(n["odd/1"], known)
    assert values["other", "percent"] == percent(n["gpt-4o mini"] + n["odd/1"], known)
    assert len(values) == len(MODELS) + 3
    # Not the share of all conversations, and not of turns.
    turns = Counter()
    for chat in chats:
        turns[chat.model] += chat.n_turns
    slug = MODELS["gpt-4-0314"]
    assert values[slug, "percent"] != percent(n["gpt-4-0314"], len(chats))
    assert values[slug, "percent"] != percent(turns["gpt-4-0314"], sum(turns.values()))


def test_a_model_known_in_part_is_explained(tmp_path):
    chats = [one_turn(model="gpt-4-0314"), one_turn(model=None), one_turn(model=None)]
    measured = measure_chats(measure_apis, tmp_path, chats)
    assert measured.claims["table-02.4-0314"].value == 100.0
    assert measured.claims["table-02.4-0314"].n == 1
    assert "1 of 3 conversations only" in measured.notes["table-02.4-0314"]


def test_intervals_are_drawn_over_users_in_the_order_of_their_first_conversation(tmp_path):
    chats = random_chats(seed=5)
    cells = measure_chats(measure_apis, tmp_path, chats, n_replicates=60).cells
    names = [*MODELS, "gpt-4o mini", "odd/1"]
    clusters = clusters_of(chats)
    counts = np.zeros((max(clusters) + 1, len(names)), np.int64)
    for cluster, chat in zip(clusters, chats, strict=True):
        if chat.model:
            counts[cluster, names.index(chat.model)] += 1
    totals = counts.sum(axis=1, keepdims=True)
    shares = shares_of(counts, totals, 60, 7, "table-02")
    for name, share in zip(names, shares, strict=True):
        slug = MODELS.get(name) or {"gpt-4o mini": "4o-mini", "odd/1": "odd-1"}[name]
        found, expected = cells[slug, "percent"], share.cell("", "", "", "", "recorded")
        assert (found.ci_low, found.ci_high) == (expected.ci_low, expected.ci_high)
        assert found.ci_low <= found.value < found.ci_high


# ------------------------------------------------------------------ Table 3


def country_of(chats, user):
    own = [chat.country for chat in chats if chat.user == user and chat.country]
    return max(dict.fromkeys(own), key=own.count) if own else None


@SEEDS
def test_users_are_shared_out_over_the_country_of_most_of_their_conversations(tmp_path, seed):
    chats = random_chats(seed=seed, users=60)
    values = measure_chats(measure_countries, tmp_path, chats).values
    users = {chat.user for chat in chats if chat.user}
    n = Counter(country_of(chats, user) for user in users)
    for name, slug in COUNTRIES.items():
        assert values[slug, "percent"] == percent(n[name], len(users))
    further = {"chile": "Chile", "cote-d-ivoire": "Côte d'Ivoire"}
    for slug, name in further.items():
        assert values[slug, "percent"] == percent(n[name], len(users))
    assert values["unknown", "percent"] == percent(n[None], len(users))
    others = n["Chile"] + n["Côte d'Ivoire"] + n["中国"]
    assert values["other", "percent"] == percent(others, len(users))
    # Neither over conversations, nor over users of known country, nor by first conversation.
    conversations = Counter(chat.country for chat in chats)
    japan = values["japan", "percent"]
    assert japan != percent(conversations["Japan"], len(chats))


def test_a_user_counts_once_and_the_first_of_equals_wins(tmp_path):
    chats = [
        one_turn(user="a", country="Japan"),
        one_turn(user="b", country="Canada"),
        one_turn(user="a", country="Chile"),
        one_turn(user="b", country="France"),
        one_turn(user="b", country="France"),
        one_turn(user="c", country=None),
        one_turn(user=None, country="China"),
        one_turn(user="d", country=None),
        one_turn(user="d", country="Germany"),
        one_turn(user="d", country=None),
        # e: Chile first, Hong Kong as often, and earlier for the last time.
        *(one_turn(user="e", country=c) for c in ("Chile", "Hong Kong", "Hong Kong", "Chile")),
    ]
    measured = measure_chats(measure_countries, tmp_path, chats)
    values = {row: value for (row, _), value in measured.values.items() if value}
    rows = ("japan", "france", "germany", "chile", "other", "unknown")
    assert values == dict.fromkeys(rows, 20.0)
    assert {cell.n for cell in measured.cells.values()} == {5}
    assert "1 of 5 users is unknown" in measured.notes["table-03.japan"]
    assert "13 of 14 conversations" in measured.notes["table-03.japan"]


def test_intervals_of_countries_are_drawn_over_users(tmp_path):
    chats = random_chats(seed=6, users=50)
    cells = measure_chats(measure_countries, tmp_path, chats, n_replicates=80).cells
    users = list(dict.fromkeys(chat.user for chat in chats if chat.user))
    is_it = np.array([country_of(chats, user) == "Japan" for user in users], np.int64)
    low, high = category_intervals(is_it, 2, 80, 7, "table-03")[1]
    found = cells["japan", "percent"]
    assert (found.ci_low, found.ci_high) == pytest.approx((100 * low, 100 * high), abs=1e-12)


# ------------------------------------------------------------------ Table 5, Figure 2b


@pytest.mark.parametrize("gaps", [False, True])
@SEEDS
def test_languages_are_shared_out_over_labelled_user_messages(tmp_path, seed, gaps):
    chats = random_chats(seed=seed, gaps=gaps)
    measured = measure_chats(measure_languages, tmp_path, chats)
    said = [said for chat in chats for said in chat.messages if said.role == "user"]
    n = Counter(s.language for s in said if s.language)
    total = n.total()
    for name in LANGUAGES:
        assert measured.values["wildchat", name.lower()] == percent(n[name], total)
    others = n["Latin"] + n["Nolang"]
    assert measured.values["wildchat", "other"] == percent(others, total)
    assert measured.cells["wildchat", "english"].n == total
    assert bool(measured.notes) == gaps
    # Not over all messages, nor over those of both roles, nor without Nolang.
    everyone = Counter(s.language for chat in chats for s in chat.messages if s.language)
    english = measured.values["wildchat", "english"]
    assert english != percent(everyone["English"], everyone.total())
    assert english != percent(n["English"], total - n["Nolang"])
    if gaps:
        assert english != percent(n["English"], len(said))
        assert f"{total:,} of {len(said):,} user" in measured.notes["table-05.wildchat.other"]


def test_each_data_set_has_its_row_and_unpublished_ones_are_our_own(tmp_path):
    chats = {"wildchat": random_chats(30), "sharegpt": random_chats(40, 2, users=0),
             "alpaca": random_chats(20, 3, users=0)}  # fmt: skip
    sets = [write_chats(tmp_path, c, name, n_shards=2) for name, c in chats.items()]
    kinds = ("reports", "conversations", "messages", "languages")
    joined = {kind: [path for own in sets for path in own[kind]] for kind in kinds}
    measured = run_measure(measure_languages, tmp_path, joined)
    for name, own in zip(chats, sets, strict=True):
        alone = run_measure(measure_languages, tmp_path / name, own)
        rows = {key: value for key, value in measured.values.items() if key[0] == name}
        assert rows == alone.values
    assert "table-05.sharegpt.other" in measured.claims
    assert "own.table-05-languages.alpaca.english" in measured.claims


@pytest.mark.parametrize("gaps", [False, True])
def test_every_language_has_its_count_the_most_frequent_first(tmp_path, gaps):
    chats = random_chats(gaps=gaps)
    measured = measure_chats(measure_language_tail, tmp_path, chats, minimum_prompts=37)
    said = [s for chat in chats for s in chat.messages if s.role == "user" and s.language]
    n = Counter(s.language for s in said)
    counts = {row: v for (row, column), v in measured.values.items() if column == "messages"}
    assert counts == dict(n)
    assert list(counts) == sorted(n, key=lambda name: (-n[name], name))
    for name, count in n.items():
        assert measured.values[name, "percent"] == percent(count, len(said))
    assert measured.claims["languages.minimum-prompts"].value == 37
    assert measured.claims["own.figure-02b-languages.nolang"].n == len(said)


# ------------------------------------------------------------------ Figure 2a


@SEEDS
def test_turns_are_the_user_messages_of_a_conversation(tmp_path, seed):
    chats = random_chats(200, seed)
    values = measure_chats(measure_turns, tmp_path, chats).values
    turns = [sum(said.role == "user" for said in chat.messages) for chat in chats]
    n = len(turns)
    for length in range(1, 11):
        assert values[str(length), "percent"] == percent(turns.count(length), n)
    assert values[MORE, "percent"] == percent(sum(t > 10 for t in turns), n)
    assert values["turns", "mean"] == sum(turns) / n
    assert values["turns", "multi-turn-share"] == percent(sum(t > 1 for t in turns), n)
    more = values["turns", "more-than-10-share"]
    assert more == percent(sum(t > 10 for t in turns), n)
    # Not "ten and more", not messages, not pairs of messages.
    assert more != percent(sum(t >= 10 for t in turns), n)
    messages = [len(chat.messages) for chat in chats]
    assert values["turns", "mean"] not in (sum(messages) / n, sum(messages) / 2 / n)
    assert (("0", "percent") in values) == (0 in turns)


@pytest.mark.parametrize(
    ("turns", "quantiles"),
    [
        ([1], [1, 1, 1, 1, 1, 1]),
        ([1, 2], [1, 2, 2, 2, 2, 2]),
        (list(range(1, 101)), [50, 75, 90, 95, 99, 100]),
        ([1] * 95 + [7] * 4 + [300], [1, 1, 1, 1, 7, 300]),
    ],
)
def test_quantiles_are_whole_turns_that_occur(tmp_path, turns, quantiles):
    chats = [Chat([Said("user")] * n) for n in turns]
    values = measure_chats(measure_turns, tmp_path, chats).values
    found = [values["turns", f"quantile-{q}"] for q in (50, 75, 90, 95, 99, 100)]
    assert found == quantiles


# ------------------------------------------------------------------ names


def test_slugs_are_distinct_and_stable():
    found = slugs(["A b", "a-b", "é", "中国", "中", "other", "x"], ["other"])
    assert found["é"] == "e"
    assert found["x"] == "x"
    assert len(set(found.values())) == 7
    assert "other" not in found.values()
    assert all(slug and not slug.startswith("-") for slug in found.values())
    assert slugs(["中", "é"]) == {name: found[name] for name in ("中", "é")}
