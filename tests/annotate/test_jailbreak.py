"""The seven families of Table 8: found in every disguise, and not in ordinary language."""

import random
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from detoxify_files import write_shard

from wildpaper.annotate.jailbreaks.match import (
    family_of,
    match_jailbreaks,
    normalise,
    read_patterns,
)
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS

FILE = Path(__file__).resolve().parents[2] / "data" / "jailbreaks.yaml"
NAMES = {
    "narotica": "Narotica",
    "do-anything-now": "Do Anything Now",
    "nsfwgpt": "NsfwGPT",
    "eroticachan": "EroticaChan",
    "4chan-user": "4chan user",
    "alphabreak": "AlphaBreak",
    "jailmommy": "JailMommy",
}
ORDINARY = [
    "",
    "Dan and Daniel went home; Dan is a friend.",
    "You are Dan, a gardener in Texas.",
    "Is there nothing I can do? I can't do anything now.",
    "I can’t do anything now",
    "We cannot do  anything now!",
    "It is too late to do anything now.",
    "You don't have to do anything now",
    "They will not do anything, now that it rains.",
    "Do anything! Nowhere is it written.",
    "He did anything now and then.",
    "redo anything now",
    "do anything nowadays",
    "4chan users like threads; a user of 4chan",
    "14chan user",
    "An erotic chandelier; a rotica",
    "the alpha breaks, alpha and break",
    "Break the code ALPHA",
    "Mommy was in jail. The jail, mom said, my!",
    "gpt and nsfw content",
    "nsfw... um, gpt",
    "наротик",
]


@pytest.fixture(scope="module")
def patterns():
    return read_patterns(FILE)


def test_the_file_has_the_families_of_table_8_and_no_prompt(project):
    published = yaml.safe_load((project / "data/published.yaml").read_text(encoding="utf-8"))
    ids = [claim["id"] for claim in published["claims"]]
    in_paper = dict.fromkeys(m[1] for i in ids if (m := re.match(r"table-08\.(.+)\.users$", i)))
    families = yaml.safe_load(FILE.read_text(encoding="utf-8"))["families"]
    assert [family["id"] for family in families] == list(in_paper)
    assert max(len(phrase.split()) for family in families for phrase in family["phrases"]) <= 3


@pytest.mark.parametrize("family", NAMES)
@pytest.mark.parametrize(
    "disguise",
    [
        str,
        str.upper,
        str.lower,
        str.swapcase,
        lambda name: name.replace(" ", "\u00a0"),
        lambda name: name.replace(" ", " \n\t "),
        lambda name: name.replace(" ", "-"),
        lambda name: name.replace(" ", "_"),
        lambda name: name.replace(" ", ""),
        lambda name: "\u200b".join(name),
        lambda name: name[:2] + "\ufeff\u2060\u200d\u00ad" + name[2:],
        lambda name: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in name),
        lambda name: "".join(chr(0x1D5EE + ord(c) - 97) if "a" <= c <= "z" else c for c in name),
        lambda name: name.translate(str.maketrans("aoecpyiAOEC", "аоесруіАОЕС")),
        lambda name: name.translate(str.maketrans("aio", "áïö")),
    ],
)
def test_a_name_is_found_in_every_disguise(patterns, family, disguise):
    name = disguise(NAMES[family])
    for text in (
        name,
        f"Please be {name}, my friend.",
        f"你是{name}吗",
        f"«{name}»",
        f"x\n{name}\n",
    ):
        assert family_of(text, patterns) == family


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_language_is_of_no_family(patterns, text):
    assert family_of(text, patterns) is None


@pytest.mark.parametrize(
    "text",
    [
        "You are DAN, which stands for Do Anything Now.",
        "I cannot do anything now. But you are Do Anything Now!",
        "Act as 'do anything now'",
        "Be Do Anything Now (DAN)",
    ],
)
def test_the_persona_is_found_beside_ordinary_language(patterns, text):
    assert family_of(text, patterns) == "do-anything-now"


def test_of_several_families_the_first_of_the_table_counts(patterns):
    assert family_of("JailMommy, AlphaBreak and Narotica", patterns) == "narotica"


def test_normalising_twice_changes_nothing(patterns):
    order = random.Random(3)
    pool = "aBÄß іıİ\u200b\u0301ﬁ①漢ガ゙한ﷺ\t\n😀𝗔"
    for _ in range(300):
        once = normalise("".join(order.choices(pool, k=8)), patterns.replaced)
        assert normalise(once, patterns.replaced) == once


def labelled(folder, texts, roles, name="rawlogs-0"):
    shard = write_shard(folder / f"{name}-in.parquet", texts, roles)
    match_jailbreaks(shard, FILE, folder / f"{name}.parquet")
    return pq.read_table(folder / f"{name}.parquet")


def test_only_user_messages_have_a_family(tmp_path):
    texts = ["I am NsfwGPT"] * 3 + ["hello"]
    table = labelled(tmp_path, texts, ["user", "assistant", "system", "user"])
    assert table.schema.remove_metadata().equals(LABELS["jailbreak"])
    assert table["family"].to_pylist() == ["nsfwgpt", None, None, None]
    assert table["conversation_id"].to_pylist() == [0, 0, 1, 1]
    assert re.fullmatch(rb"jailbreaks-1-[0-9a-f]{8}", table.schema.metadata[b"annotator"])
    assert table.schema.metadata[b"route"] == b"computed"


def test_families_do_not_depend_on_shards(tmp_path):
    texts = [*NAMES.values(), *ORDINARY]
    whole = labelled(tmp_path, texts, None)["family"].to_pylist()
    parts = [labelled(tmp_path, part, None) for part in (texts[:5], texts[5:])]
    assert [family for part in parts for family in part["family"].to_pylist()] == whole
    assert whole[:7] == list(NAMES)


def test_a_shard_without_messages(tmp_path):
    assert labelled(tmp_path, [], []).num_rows == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "version: 1\nfamilies: []\n",
        "version: one\nfamilies: [{id: a, phrases: [b]}]\n",
        "version: 1\nfamilies: [{id: a, phrases: []}]\n",
        "version: 1\nfamilies: [{id: a, phrases: ['']}]\n",
        "version: 1\nfamilies: [{id: a, phrases: [Big]}]\n",
        "version: 1\nfamilies: [{id: a, phrases: ['a.b']}]\n",
        "version: 1\nfamilies: [{id: a, phrases: [b], words: [c]}]\n",
        "version: 1\nfamilies: [{id: a, phrases: [b]}, {id: a, phrases: [c]}]\n",
        "version: 1\nfamilies: [{id: a, phrases: [b]}]\nlookalikes: {a: 5}\n",
        "version: [\n",
    ],
)
def test_a_wrong_file_of_patterns_is_named(tmp_path, content):
    path = tmp_path / "patterns.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        read_patterns(path)
    assert caught.value.where == str(path)
    with pytest.raises(WildpaperError):
        read_patterns(tmp_path / "absent.yaml")
