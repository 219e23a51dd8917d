"""Discovery finds the prompts that users share, ranks them, and names the families they are of."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median_low

import pyarrow as pa
import pytest
from planting import Chat, Said, run_measure, write_chats

from wildpaper.annotate.jailbreaks.match import match_jailbreaks
from wildpaper.annotate.jailbreaks.patterns import read_families
from wildpaper.annotate.near_duplicates.find import find_near_duplicates
from wildpaper.measure.toxicity.jailbreak_discovery import MOST_LISTED, measure_discovery
from wildpaper.schema import LABELS, write_labels

PATTERNS = Path(__file__).resolve().parents[2] / "data" / "jailbreaks.yaml"
NAMES = read_families(PATTERNS)
WORDS = [f"word{i:02d}" for i in range(90)]
SETTINGS = {"patterns": PATTERNS, "least_characters": 200, "least_users": 3}


def first_prompts(seed, n=250):
    """Return conversations, and (cluster, family) of the first user message of each."""
    draw = random.Random(seed)
    chats, labels = [], []
    for _ in range(n):
        cluster = draw.choice([None, *range(24)])
        user = draw.choice([None, *(f"u{draw.randrange(2 + (cluster or 0))}" for _ in range(9))])
        family = draw.choice([None, None, *list(NAMES)[:3]]) if cluster is not None else None
        text = "x" * draw.choice([150, 199, 200, 201, 260, 900])
        reply = Said("assistant", toxicity=draw.choice([0.0, 0.0, 0.0999, 0.4, None]),
                     flagged=draw.choice([False, False, True]))  # fmt: skip
        said = [Said("user", text), reply, Said("user", "y" * 400), Said("assistant")]
        said = draw.choice([[], [], [Said("assistant")]]) + said[: draw.choice([1, 2, 4, 4])]
        when = datetime(2023, 4, 3, tzinfo=UTC) + timedelta(days=draw.randrange(200))
        chats.append(Chat(said, user, timestamp=draw.choice([when, when, when, None])))
        labels.append((cluster, family))
    return chats, labels


def first_of(chat):
    return next(i for i, said in enumerate(chat.messages) if said.role == "user")


def measured(folder, chats, labels, n_shards=1, **options):
    """Write planted labels of first user messages, and of later ones that must not count."""
    run = {name: options.pop(name) for name in list(options) if name in ("least_users",)}
    paths = write_chats(folder, chats, n_shards=n_shards, **options)
    for label, column, part in (("near_duplicate", "cluster", 0), ("jailbreak", "family", 1)):
        paths[label] = []
        for shard in range(n_shards):
            rows = [
                {"conversation_id": i, "position": p}
                | {column: labels[i][part] if p <= first_of(chats[i]) and said.role == "user" else
                   labels[0][part] if said.role == "user" else None}
                for i in range(shard, len(chats), n_shards)
                for p, said in enumerate(chats[i].messages)
            ]  # fmt: skip
            path = folder / f"{label}-{shard}.parquet"
            write_labels(path, label, pa.Table.from_pylist(rows, LABELS[label]), "p", "computed")
            paths[label].append(path)
    return run_measure(measure_discovery, folder, paths, **(SETTINGS | run))


def expected_prompts(chats, labels, least_users=3):
    """Count each cluster anew, message by message."""
    members = defaultdict(list)
    for i, (chat, (cluster, family)) in enumerate(zip(chats, labels, strict=True)):
        position = first_of(chat)
        text = chat.messages[position].text
        if cluster is None or len(text) < 200:
            continue
        reply = chat.messages[position + 1 : position + 2]
        verdict = None
        if reply and reply[0].toxicity is not None:
            verdict = reply[0].toxicity > 0.1 or reply[0].flagged
        members[cluster].append((i, chat, family, len(text), verdict))
    found = []
    for rows in members.values():
        users = {chat.user for _, chat, *_ in rows} - {None}
        if len(users) < least_users:
            continue
        judged = [v for *_, v in rows if v is not None]
        named = Counter(family for _, _, family, *_ in rows if family)
        family, n_family = min(named.items(), key=lambda x: (-x[1], x[0]), default=("none", 0))
        months = {(c.timestamp.year, c.timestamp.month) for _, c, *_ in rows if c.timestamp}
        found.append(
            {
                "users": len(users), "messages": len(rows), "months": len(months),
                "characters": median_low([n for *_, n, _ in rows]), "family": family,
                "named": 100 * n_family / len(rows),
                "flagged": 100 * sum(judged) / len(judged) if judged else None,
                "first": rows[0][0],
            }
        )  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(3))
def test_clusters_and_both_rankings_are_those_planted(tmp_path, seed):
    chats, labels = first_prompts(seed)
    found = measured(tmp_path, chats, labels)
    prompts = expected_prompts(chats, labels)
    assert MOST_LISTED < len(prompts) < 24
    assert found.values["all", "clusters"] == len(prompts)
    assert found.values["all", "messages"] == sum(p["messages"] for p in prompts)

    def rate(p):
        return -1 if p["flagged"] is None else p["flagged"]

    by_users = sorted(prompts, key=lambda p: (-p["users"], -rate(p), p["first"]))
    by_rate = sorted(prompts, key=lambda p: (-rate(p), -p["users"], p["first"]))
    for begins, order, other, rank in (
        ("", by_users, by_rate, "flag-rank"), ("flagged-", by_rate, by_users, "user-rank"),
    ):  # fmt: skip
        for i, prompt in enumerate(order[:MOST_LISTED], 1):
            row = f"{begins}{i}"
            for column in ("users", "messages", "months", "characters", "family", "named"):
                assert found.values[row, column] == prompt[column], (row, column)
            assert found.values[row, "flagged"] == prompt["flagged"]
            assert found.values[row, rank] == other.index(prompt) + 1
        assert (f"{begins}{MOST_LISTED + 1}", "users") not in found.values


def test_a_flag_rate_has_an_interval_over_users(tmp_path):
    def chats_of(users):
        said = [Said("user", "x" * 300), Said("assistant", flagged=True)]
        other = [Said("user", "x" * 300), Said("assistant")]
        return [Chat(said if i % 2 else other, user) for i, user in enumerate(users)]

    many = [f"u{i // 2}" for i in range(60)]
    few = [f"u{i % 3}" for i in range(60)]
    widths = []
    for name, users in (("many", many), ("few", few)):
        chats = chats_of(users)
        cell = measured(tmp_path / name, chats, [(0, None)] * 60).cells["1", "flagged"]
        assert (cell.value, cell.n) == (50, 60)
        assert cell.ci_low < 50 < cell.ci_high
        widths.append(cell.ci_high - cell.ci_low)
    alike = [Chat([Said("user", "x" * 300), Said("assistant", flagged=bool(i % 2))], f"u{i % 2}")
             for i in range(60)]  # fmt: skip
    cell = measured(tmp_path / "c", alike, [(0, None)] * 60, least_users=2).cells["1", "flagged"]
    assert cell.ci_high - cell.ci_low > max(widths)


def edited(draw, words, n=1):
    words = list(words)
    for _ in range(n):
        words[draw.randrange(len(words))] = draw.choice(WORDS)
    return words


def circulating(seed):
    """Return conversations: each family's prompt sent by users, one that none names, and others."""
    draw = random.Random(seed)
    chats = []
    bodies = {name: draw.choices(WORDS, k=80) for name in [*NAMES.values(), ""]}
    for n_more, (name, body) in enumerate(bodies.items()):
        for i in range(3 + n_more):
            disguised = draw.choice([name, name.upper(), f"**{name[:3]}**{name[3:]}"])
            text = " ".join([f"You are now {disguised or 'a pirate'}.", *edited(draw, body)])
            reply = Said("assistant", flagged=bool(name) and draw.random() < 0.8)
            chats.append(Chat([Said("user", text), reply], f"{name}-{i}"))
    for i in range(60):
        text = " ".join(draw.choices(WORDS, k=draw.choice([3, 80])))
        chats.append(Chat([Said("user", text), Said("assistant")], f"other-{i}"))
    body = " ".join(draw.choices(WORDS, k=80))
    chats += [Chat([Said("user", body), Said("assistant", flagged=True)], "alone")] * 9
    chats += [
        Chat([Said("user", "hello there"), Said("assistant")], f"short-{i}") for i in range(9)
    ]
    draw.shuffle(chats)
    return chats


def discovered(folder, chats, n_shards=1, **options):
    paths = write_chats(folder, chats, n_shards=n_shards, **options)
    paths["near_duplicate"] = [folder / f"near-{path.name}" for path in paths["messages"]]
    find_near_duplicates(paths["messages"], paths["near_duplicate"], "planted", 0.8, 8, 128, 1)
    paths["jailbreak"] = [folder / f"jailbreak-{path.name}" for path in paths["messages"]]
    for source, target in zip(paths["messages"], paths["jailbreak"], strict=True):
        match_jailbreaks(source, PATTERNS, target)
    return run_measure(measure_discovery, folder, paths, **SETTINGS)


def test_all_families_are_found_from_texts_alone(tmp_path):
    chats = circulating(1)
    found = discovered(tmp_path / "1", chats)
    assert found.claims["own.jailbreak-discovery.families"].value == len(NAMES)
    assert found.claims["own.jailbreak-discovery.clusters"].value == len(NAMES) + 1
    families = [found.values[f"{i}", "family"] for i in range(1, 9)]
    assert families == ["none", *reversed(NAMES)]
    assert found.values["flagged-8", "family"] == "none"
    assert all(found.values[f"{i}", "named"] == 100 for i in range(2, 9))
    text = found.table.read_text("utf-8") + found.notes_file.read_text("utf-8")
    assert not any(word in text for word in (*WORDS, "You are", "alone"))
    again = discovered(tmp_path / "3", chats, n_shards=3, shuffle=2)
    assert again.bytes == found.bytes


def test_a_list_that_lacks_a_family_changes_no_rank(tmp_path):
    chats, labels = first_prompts(4)
    with_names = measured(tmp_path / "a", chats, labels)
    without = measured(tmp_path / "b", chats, [(cluster, None) for cluster, _ in labels])
    assert without.values["all", "families"] == 0
    for key, value in with_names.values.items():
        if key[1] not in ("family", "families", "named"):
            assert without.values[key] == value


def test_where_nothing_is_shared_it_says_so(tmp_path):
    chats = [Chat([Said("user", "x" * 300)], user=None) for _ in range(5)]
    found = measured(tmp_path / "a", chats, [(0, None)] * 5)
    assert found.values["all", "clusters"] == 0
    assert "users apart" in found.notes["own.jailbreak-discovery.clusters"]
    chats = [Chat([Said("user", "x" * 300)], user=f"u{i}") for i in range(5)]
    found = measured(tmp_path / "b", chats, [(0, "narotica")] * 5)
    assert found.values["1", "flagged"] is None
    assert "no reply" in found.notes["own.jailbreak-discovery.1.flagged"]
    found = measured(tmp_path / "c", chats, [(0, None)] * 5, least_users=6)
    assert "shared by 6 users" in found.notes["own.jailbreak-discovery.clusters"]
