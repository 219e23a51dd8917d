"""Table 8 recovers which prompts were planted, who sent them, and which replies are flagged."""

import random
from pathlib import Path

import pyarrow as pa
import pytest
from planting import Chat, Said, random_chats, run_measure, write_chats
from scipy.stats import binomtest

from wildpaper.annotate.jailbreaks.patterns import read_families
from wildpaper.measure.toxicity.table_08_jailbreaks import measure_jailbreaks
from wildpaper.present.table_08_jailbreaks import jailbreaks_tabular
from wildpaper.publish.published import load_published
from wildpaper.schema import LABELS, write_labels

PATTERNS = Path(__file__).resolve().parents[2] / "data" / "jailbreaks.yaml"
NAMES = read_families(PATTERNS)
FAMILIES = tuple(NAMES)


def plant(chats, seed):
    """Return {(conversation, position): family} of some user messages."""
    draw = random.Random(seed)
    return {
        (i, position): draw.choice(FAMILIES[:5])
        for i, chat in enumerate(chats)
        for position, said in enumerate(chat.messages)
        if said.role == "user" and draw.random() < 0.4
    }


def measured(folder, chats, families, n_shards=1, **options):
    paths = write_chats(folder, chats, n_shards=n_shards, **options)
    paths["jailbreak"] = []
    for shard in range(n_shards):
        rows = [
            {"conversation_id": i, "position": position, "family": families.get((i, position))}
            for i in range(shard, len(chats), n_shards)
            for position in range(len(chats[i].messages))
        ]
        path = folder / f"jailbreak-{shard}.parquet"
        table = pa.Table.from_pylist(rows, LABELS["jailbreak"])
        write_labels(path, "jailbreak", table, "planted", "computed")
        paths["jailbreak"].append(path)
    return run_measure(measure_jailbreaks, folder, paths, patterns=PATTERNS)


def is_flagged(said):
    """Say whether either classifier flags a message; None where a label is missing."""
    if said.toxicity is None or said.flagged is None:
        return None
    return said.text != "" and (said.toxicity > 0.1 or said.flagged)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_occurrences_users_and_success_are_those_planted(tmp_path, seed, gaps):
    chats = random_chats(seed=seed, gaps=gaps)
    families = plant(chats, seed)
    values = measured(tmp_path, chats, families).values
    for family in FAMILIES:
        places = [place for place, name in families.items() if name == family]
        users = {chats[i].user or f"unknown {i}" for i, _ in places}
        replies = [
            is_flagged(chats[i].messages[position + 1])
            for i, position in places
            if position + 1 < len(chats[i].messages)
            and chats[i].messages[position + 1].role == "assistant"
        ]
        judged = [verdict for verdict in replies if verdict is not None]
        assert values[family, "occurrences"] == len(places)
        assert values[family, "users"] == len(users)
        success = 100 * sum(judged) / len(judged) if judged else None
        assert values[family, "success"] == success


def judged_replies(chats, families, family):
    """Return [(user, Detoxify flags the reply, moderation does)] in the order of attempts."""
    order = sorted(
        (chats[i].timestamp, i, position)
        for (i, position), name in families.items()
        if name == family
    )
    found = []
    for _, i, position in order:
        reply = chats[i].messages[position + 1 : position + 2]
        if reply and reply[0].role == "assistant" and is_flagged(reply[0]) is not None:
            said = reply[0]
            toxic = said.text != "" and said.toxicity > 0.1
            user = chats[i].user or f"unknown {i}"
            found.append((user, toxic, said.text != "" and said.flagged))
    return found


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_each_classifier_and_each_user_are_counted(tmp_path, seed, gaps):
    chats = random_chats(seed=seed, gaps=gaps)
    families = plant(chats, seed)
    cells = measured(tmp_path, chats, families).cells
    for family in FAMILIES[:5]:
        replies = judged_replies(chats, families, family)
        first, ever = {}, {}
        for user, toxic, flagged in replies:
            first.setdefault(user, toxic or flagged)
            ever[user] = ever.get(user, False) or toxic or flagged
        expected = {
            "detoxify": [toxic for _, toxic, _ in replies],
            "moderation": [flagged for _, _, flagged in replies],
            "first-success": list(first.values()),
            "user-success": list(ever.values()),
        }
        for column, verdicts in expected.items():
            cell = cells[family, column]
            assert cell.n == len(verdicts)
            assert cell.value == (100 * sum(verdicts) / len(verdicts) if verdicts else None)
            assert cell.claim == f"own.table-08-jailbreaks.{family}.{column}"


def test_a_user_who_repeats_counts_once_over_users(tmp_path):
    flagged = [Said("user"), Said("assistant", flagged=True)]
    chats = [Chat(flagged, user="often") for _ in range(20)]
    chats += [Chat([Said("user"), Said("assistant")], user=f"u{i}") for i in range(3)]
    cells = measured(tmp_path, chats, {(i, 0): "narotica" for i in range(23)}).cells
    assert cells["narotica", "success"].value == pytest.approx(100 * 20 / 23)
    assert cells["narotica", "user-success"].value == cells["narotica", "first-success"].value == 25
    expected = binomtest(1, 4).proportion_ci(method="wilson")
    assert cells["narotica", "user-success"].ci_high == pytest.approx(100 * expected.high)


def test_the_interval_is_wilsons_and_holds_the_value(tmp_path):
    chat = [Said("user"), Said("assistant", flagged=True), Said("user"), Said("assistant")]
    chats = [Chat(chat, user=f"u{i}") for i in range(9)]
    families = {(i, position): "narotica" for i in range(9) for position in (0, 2)}
    cell = measured(tmp_path, chats, families).cells["narotica", "success"]
    expected = binomtest(9, 18).proportion_ci(method="wilson")
    assert (cell.value, cell.n) == (50, 18)
    assert cell.ci_low == pytest.approx(100 * expected.low)
    assert cell.ci_low < cell.value < cell.ci_high


def test_shards_and_order_change_nothing(tmp_path):
    chats = random_chats(seed=5)
    families = plant(chats, 5)
    one = measured(tmp_path / "1", chats, families)
    five = measured(tmp_path / "5", chats, families, n_shards=5, shuffle=3)
    assert one.bytes == five.bytes


def test_where_there_is_nothing_it_says_so(tmp_path):
    chats = [Chat([Said("user"), Said("assistant")], user=None)]
    found = measured(tmp_path, chats, {(0, 0): "alphabreak"})
    assert found.values["alphabreak", "users"] is None
    assert "users apart" in found.notes["table-08.alphabreak.users"]
    assert found.values["alphabreak", "success"] == 0
    assert found.values["alphabreak", "user-success"] is None
    assert "users apart" in found.notes["own.table-08-jailbreaks.alphabreak.user-success"]
    assert found.values["narotica", "success"] is None
    assert "none with a reply" in found.notes["table-08.narotica.success"]


def test_the_table_has_a_line_a_family_above_the_published_one(tmp_path, project):
    chats = random_chats(seed=2)
    found = measured(tmp_path, chats, plant(chats, 2))
    claims, _ = load_published(project / "data/published.yaml")
    text = jailbreaks_tabular(
        list(found.cells.values()), {claim.id: claim for claim in claims}, "WildChat", NAMES
    )
    assert all(f"\n{name} & " in text for name in NAMES.values())
    assert "71.16" in text
    assert text.count("published") == len(FAMILIES)
