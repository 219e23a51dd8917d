"""Planted agreement on languages is found again, by group; names, kappa, and what is left out."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planting import Chat, Said, random_chats, run_measure, write_chats
from sklearn.metrics import cohen_kappa_score

from wildpaper.errors import WildpaperError
from wildpaper.measure.language_agreement import MESSAGE_GROUPS, measure_language_agreement
from wildpaper.measure.language_names import LANGUAGES_BY_CODE, lingua_name
from wildpaper.measure.language_pairs import cohen_kappa
from wildpaper.measure.shares import shares_of
from wildpaper.schema import LABELS, write_labels

NONE = "Nolang"
KINDS = ("reports", "conversations", "messages", "languages", "checks")
LENGTHS = (0, 1, 19, 20, 21, 49, 50, 51, 400)
_NAMES = LABELS["language_check"].names
SEEDS = pytest.mark.parametrize("seed", range(3))


def random_checks(chats, seed=1, share=0.7):
    """Return {key: (language, characters, languages)}, often another language than recorded."""
    draw = random.Random(seed)
    checks = {}
    for number, chat in enumerate(chats):
        for position, said in enumerate(chat.messages):
            if said.role == "system" or draw.random() > share:
                continue
            language = draw.choice([said.language] * 4 + ["English", "Latin", "Thai", NONE])
            n_languages = 0 if language == NONE else draw.choice([0, 1, 1, 2, 3])
            key = number, position
            checks[key] = language or "Thai", draw.choice(LENGTHS), n_languages
    return checks


def write_all(folder, chats, checks=None, recorded=(), name="wildchat", route=None, **options):
    """Write a data set, its checks, and the languages recorded for its conversations."""
    route = route or ("computed" if checks is None else "recorded")
    paths = write_chats(folder, chats, name, route=route, **options)
    n_shards = len(paths["messages"])
    for shard, path in enumerate(paths["conversations"]):
        table = pq.read_table(path)
        numbers = table["conversation_id"].to_pylist()
        column = pa.array([dict(enumerate(recorded)).get(i) for i in numbers], pa.string())
        pq.write_table(table.set_column(4, "language", column), path)
        own = [
            dict(zip(_NAMES, (*key, found[0], 0.5, *found[1:]), strict=True))
            for key, found in (checks or {}).items()
            if key[0] % n_shards == shard
        ]
        if checks is not None:
            check = folder / name / f"checks-{shard}.parquet"
            label = pa.Table.from_pylist(own, LABELS["language_check"])
            write_labels(check, "language_check", label, "planted", "computed")
            paths.setdefault("checks", []).append(check)
    return {kind: paths.get(kind, []) for kind in KINDS}


def measure(folder, paths, checked=("wildchat",), **options):
    return run_measure(
        measure_language_agreement, folder / "out", paths, checked=list(checked), **options
    )


def compared(chats, checks):
    """Yield (role, recorded, found, characters, languages) of messages that have both labels."""
    for (number, position), found in checks.items():
        said = chats[number].messages[position]
        if said.language is not None:
            yield said.role, said.language, *found


def groups_of(role, recorded, found, n_characters, n_languages):
    """Return the groups of a message, in words of its own."""
    if NONE in (recorded, found):
        return ["no-language"]
    groups = ["all", {"user": "user", "assistant": "chatbot"}[role]]
    groups.append("short" if n_characters < 20 else "medium" if n_characters < 50 else "long")
    if n_languages:
        groups.append("mixed" if n_languages > 1 else "one-language")
    return groups


# ------------------------------------------------------------------ messages


@SEEDS
@pytest.mark.parametrize("gaps", [False, True])
def test_agreement_and_kappa_are_recovered_in_each_group(tmp_path, seed, gaps):
    chats = random_chats(seed=seed, gaps=gaps)
    checks = random_checks(chats, seed)
    measured = measure(tmp_path, write_all(tmp_path, chats, checks))
    pairs = {name: [] for name in MESSAGE_GROUPS}
    for one in compared(chats, checks):
        for name in groups_of(*one):
            pairs[name].append(one[1:3])
    for name, own in pairs.items():
        agreement = measured.cells[f"wildchat.{name}", "agreement"]
        assert agreement.n == len(own) > 5
        assert agreement.value == 100 * sum(a == b for a, b in own) / len(own)
        assert agreement.claim == f"own.language-agreement.wildchat.{name}.agreement"
        assert agreement.route == "recorded"
        kappa = measured.cells[f"wildchat.{name}", "kappa"].value
        assert kappa == pytest.approx(cohen_kappa_score(*zip(*own, strict=True)), abs=1e-12)
    n = {name: measured.cells[f"wildchat.{name}", "agreement"].n for name in MESSAGE_GROUPS}
    n_both = sum(1 for _ in compared(chats, checks))
    assert n["all"] + n["no-language"] == n_both
    assert n["user"] + n["chatbot"] == n["short"] + n["medium"] + n["long"] == n["all"]
    assert n["one-language"] + n["mixed"] < n["all"]
    mixed = measured.cells["wildchat.mixed", "share"]
    assert mixed.n == n["one-language"] + n["mixed"]
    assert mixed.value == 100 * n["mixed"] / mixed.n
    note = measured.notes["own.language-agreement.wildchat.mixed.agreement"]
    assert f"looked for in {sum(c[4] > 0 for c in compared(chats, checks)):,} of {n_both:,}" in note
    told = measured.notes.get("own.language-agreement.wildchat.all.agreement", "")
    assert (f"{len(checks) - n_both} of {len(checks)} sampled" in told) == gaps


@SEEDS
def test_the_most_frequent_confusions_are_listed(tmp_path, seed):
    chats = random_chats(150, seed)
    checks = random_checks(chats, seed)
    measured = measure(tmp_path, write_all(tmp_path, chats, checks))
    n = Counter(c[1:3] for c in compared(chats, checks) if NONE not in c[1:3])
    different = {pair: count for pair, count in n.items() if pair[0] != pair[1]}
    first = sorted(different, key=lambda pair: (-different[pair], pair))[:10]
    found = {c: v for (row, c), v in measured.values.items() if row == "wildchat.confusion"}
    assert found == {f"{a} > {b}": different[a, b] for a, b in first}
    assert list(found) == [f"{a} > {b}" for a, b in first]
    a, b = first[0]
    claim = f"own.language-agreement.wildchat.confusion.{a.lower()}.{b.lower()}"
    assert measured.claims[claim].value == different[first[0]]
    assert measured.claims[claim].n == sum(n.values())


def test_intervals_are_drawn_over_users(tmp_path):
    chats = random_chats(seed=5)
    checks = random_checks(chats)
    cells = measure(tmp_path, write_all(tmp_path, chats, checks), n_replicates=50).cells
    users = list(dict.fromkeys(chat.user or i for i, chat in enumerate(chats)))
    same, total = np.zeros((2, len(users), len(MESSAGE_GROUPS)), np.int64)
    for number, chat in enumerate(chats):
        own = {key: found for key, found in checks.items() if key[0] == number}
        for one in compared(chats, own):
            for name in groups_of(*one):
                place = users.index(chat.user or number), list(MESSAGE_GROUPS).index(name)
                total[place] += 1
                same[place] += one[1] == one[2]
    stream = "language-agreement.wildchat.messages"
    for name, share in zip(MESSAGE_GROUPS, shares_of(same, total, 50, 7, stream), strict=True):
        found = cells[f"wildchat.{name}", "agreement"]
        assert (found.ci_low, found.ci_high) == share.interval
        assert found.ci_low < found.value < found.ci_high


def test_shards_and_order_do_not_matter(tmp_path):
    chats = random_chats(seed=3)
    checks = random_checks(chats)
    recorded = [random.Random(i).choice([None, "en", "English", "la"]) for i in range(len(chats))]
    whole = measure(tmp_path / "a", write_all(tmp_path / "a", chats, checks, recorded))
    parted = write_all(tmp_path / "b", chats, checks, recorded, n_shards=3, shuffle=4)
    assert measure(tmp_path / "b", parted).bytes == whole.bytes


def test_each_checked_data_set_gets_its_own_checks(tmp_path):
    sets = {}
    for seed, name in enumerate(("wildchat", "alpaca", "sharegpt")):
        chats = random_chats(40, seed)
        checks = None if name == "alpaca" else random_checks(chats, seed)
        sets[name] = write_all(tmp_path, chats, checks, name=name, n_shards=2)
    joined = {kind: [path for own in sets.values() for path in own[kind]] for kind in KINDS}
    measured = measure(tmp_path, joined, ("wildchat", "sharegpt"))
    for name in ("wildchat", "sharegpt"):
        alone = measure(tmp_path / name, sets[name], (name,))
        rows = {key: v for key, v in measured.values.items() if key[0].startswith(name)}
        assert rows == alone.values
    claim = "own.language-agreement.alpaca.conversations.agreement"
    assert measured.claims[claim].value is None
    assert measured.notes[claim] == "alpaca, planted: the files record no language"


@given(st.dictionaries(st.tuples(*[st.sampled_from("abc")] * 2), st.integers(1, 9), min_size=1))
def test_kappa_is_that_of_scikit_learn(pairs):
    sides = [
        list(side) for side in zip(*[p for p, n in pairs.items() for _ in range(n)], strict=True)
    ]
    if min(len(set(side)) for side in sides) < 2:
        assert cohen_kappa(pairs) is None
    else:
        assert cohen_kappa(pairs) == pytest.approx(cohen_kappa_score(*sides), abs=1e-12)


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        ({("a", "a"): 20, ("a", "b"): 5, ("b", "a"): 10, ("b", "b"): 15}, 0.4),
        ({("a", "a"): 3, ("b", "b"): 4}, 1.0),
        ({("a", "b"): 1, ("b", "a"): 1}, -1.0),
        ({("a", "a"): 9}, None),
        ({("a", "a"): 9, ("a", "b"): 1}, None),
        ({}, None),
    ],
)
def test_kappa_of_known_tables(pairs, kappa):
    assert cohen_kappa(pairs) == kappa


# ------------------------------------------------------------------ conversations


def chat_of(*languages):
    roles = ("user", "assistant") * len(languages)
    return Chat([Said(role, language=one) for role, one in zip(roles, languages, strict=False)])


MODES = [
    # recorded, languages of the messages, what becomes of it
    ("en", ("English",), "same"),
    ("EN", ("German", "English", "English"), "same"),
    ("en-GB", ("English", "German"), "same"),  # of equals the first
    ("en", ("German", "English"), "German"),
    ("German", ("German", "English", "English", "German"), "same"),
    ("pt-BR", ("Portuguese",), "same"),
    ("zh_TW", ("Chinese", "Chinese", "English"), "same"),
    ("GERMAN", ("Dutch",), "Dutch"),
    ("tlh", ("English",), "unmapped"),
    ("unknown", ("English",), "unmapped"),
    ("de", (NONE, NONE, "German"), "silent"),
    (NONE, ("German",), "silent"),
    ("de", (NONE, "German", "German"), "same"),
    (None, ("German",), "left out"),
]


def test_a_recorded_language_is_compared_with_that_of_most_messages(tmp_path):
    chats = [chat_of(*languages) for _, languages, _ in MODES]
    paths = write_all(tmp_path, chats, recorded=[m[0] for m in MODES], name="open_assistant")
    measured = measure(tmp_path, paths, ())
    outcomes = [outcome for _, _, outcome in MODES]
    row = "open_assistant.conversations"
    assert measured.values[row, "agreement"] == 100 * outcomes.count("same") / 9
    assert measured.cells[row, "agreement"].n == 9
    assert measured.values[row, "unmapped"] == 2
    assert measured.cells[row, "unmapped"].n == 13
    note = measured.notes[f"own.language-agreement.{row}.agreement"]
    assert "of 13 conversations 2 whose" in note
    assert "and 2 without" in note
    confusions = {c: v for (r, c), v in measured.values.items() if r == "open_assistant.confusion"}
    assert confusions == {"English > German": 1, "German > Dutch": 1}


def test_conversations_without_a_labelled_message_have_no_language(tmp_path):
    chats = [chat_of("German"), chat_of(None), chat_of(None, "German")]
    paths = write_all(tmp_path, chats, {}, ["de"] * 3)
    measured = measure(tmp_path, paths)
    assert measured.cells["wildchat.conversations", "agreement"].n == 2
    assert measured.values["wildchat.conversations", "agreement"] == 100.0
    assert "1 without" in measured.notes["own.language-agreement.wildchat.conversations.agreement"]


def test_every_language_of_lingua_has_its_code_and_its_name():
    from lingua import Language

    codes = {one.iso_code_639_1.name.lower(): one.name.title() for one in Language.all()}
    assert codes == LANGUAGES_BY_CODE
    for code, name in codes.items():
        for recorded in (code, code.upper(), f"{code}-XX", f" {code}_yy", name, name.upper()):
            assert lingua_name(recorded) == name
    for recorded in ("", "-", "xx", "unknown", "Klingon", "nolang", "english english"):
        assert lingua_name(recorded) is None


# ------------------------------------------------------------------ what is missing or wrong


def test_a_recorded_data_set_that_is_not_checked_says_so(tmp_path):
    paths = write_all(tmp_path, random_chats(10), route="recorded")
    measured = measure(tmp_path, paths, ())
    claim = "own.language-agreement.wildchat.all.agreement"
    assert measured.claims[claim].value is None
    assert "no message was checked" in measured.notes[claim]


def test_groups_without_messages_are_empty_and_say_so(tmp_path):
    chats = [chat_of("German", "German"), chat_of("English")]
    checks = {(0, 0): ("German", 30, 1), (1, 0): ("German", 30, 1)}
    measured = measure(tmp_path, write_all(tmp_path, chats, checks))
    claim = "own.language-agreement.wildchat.{}.{}"
    assert measured.values["wildchat.all", "agreement"] == 50.0
    assert measured.values["wildchat.chatbot", "agreement"] is None
    assert "no messages of this kind" in measured.notes[claim.format("chatbot", "agreement")]
    assert measured.values["wildchat.all", "kappa"] is None
    assert "fewer than two languages" in measured.notes[claim.format("all", "kappa")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "1 of .* checks"),
        (
            lambda table: table.set_column(0, "conversation_id", pa.array([999] * len(table))),
            "checks belong to no message",
        ),
    ],
    ids=["twice", "no message"],
)
def test_checks_of_no_message_or_twice_stop_the_run(tmp_path, change, message):
    chats = random_chats(10)
    paths = write_all(tmp_path, chats, random_checks(chats))
    (path,) = paths["checks"]
    pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(WildpaperError, match=message) as caught:
        measure(tmp_path, paths)
    assert "checks-0.parquet" in caught.value.where


def test_only_recorded_languages_can_be_checked(tmp_path):
    chats = random_chats(10)
    paths = write_all(tmp_path, chats, random_checks(chats), route="computed")
    with pytest.raises(WildpaperError, match="only recorded"):
        measure(tmp_path, paths)
