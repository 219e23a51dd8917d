"""The seven families of Table 8: not found in ordinary language, and labelled shard by shard."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from detoxify_files import write_shard
from hypothesis import given, settings
from hypothesis import strategies as st

from wildpaper.acquire.simulation.text_personas import JAILBREAK_FAMILIES, PERSONAS
from wildpaper.annotate.jailbreaks.match import match_jailbreaks
from wildpaper.annotate.jailbreaks.patterns import read_families, read_patterns
from wildpaper.annotate.jailbreaks.search import family_of
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "data" / "jailbreaks.yaml"
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
    "You can do anything now, can you not?",
    "With this tool I can basically do anything now.",
    "She could pretty much **do anything now**",
    "I'd do anything now for a coffee; they do anything now and then.",
    "It is too late to do anything now.",
    "Able to do anything now",
    "You don't have to do anything now",
    "If I ever do anything. Now let us go.",
    "They will not do anything, now that it rains.",
    "Do anything! Nowhere is it written.",
    "He did anything now and then.",
    "redo anything now",
    "do anything nowadays",
    "4chan users like threads; a user of 4chan",
    "A 4chan user said that it rained, as a 4chan user posted.",
    "My brother is a 4chan user. This was written by a 4chan user, some 4chan user.",
    "the 4chan user base, the 4chan user interface",
    "14chan user",
    "An erotic chandelier; a rotica",
    "She wrote erotica. Chan did not.",
    "the alpha breaks, alpha and break",
    "alpha break",
    "After the Alpha Break we went on with beta; an alpha-break.",
    "Break the code ALPHA",
    "Mommy was in jail. The jail, mom said, my!",
    "He went to jail. Mommy cried. In jail, mommy cried.",
    "gpt and nsfw content",
    "nsfw... um, gpt",
    "наротик",
    "n a r o t i c",
    "alphabreaks and narcotica, narotical, xnsfwgpt",
]


PATTERNS = read_patterns(FILE)


@pytest.fixture
def patterns():
    return PATTERNS


def test_the_file_has_the_families_of_table_8_and_no_prompt(project):
    published = yaml.safe_load((project / "data/published.yaml").read_text(encoding="utf-8"))
    ids = [claim["id"] for claim in published["claims"]]
    in_paper = dict.fromkeys(m[1] for i in ids if (m := re.match(r"table-08\.(.+)\.users$", i)))
    assert read_families(FILE) == NAMES
    assert list(NAMES) == list(in_paper) == list(JAILBREAK_FAMILIES)
    families = yaml.safe_load(FILE.read_text(encoding="utf-8"))["families"]
    assert max(len(phrase.split()) for family in families for phrase in family["phrases"]) <= 3


# ------------------------------------------------------------------ ordinary language


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_language_is_of_no_family(patterns, text):
    assert family_of(text, patterns) is None


UNFINISHED = "n a r o t i c"
"""Spells a name, letter by letter, as soon as the next sentence begins with a lone "A"."""


@given(
    st.lists(
        st.sampled_from([text for text in ORDINARY if text != UNFINISHED]), min_size=2, max_size=5
    ),
    st.sampled_from("\n 😀"),
)
@settings(max_examples=100, deadline=None)
def test_ordinary_sentences_in_a_row_are_of_no_family(sentences, between):
    assert family_of(between.join(sentences), PATTERNS) is None


def test_phrases_of_the_simulator_are_of_no_family(patterns):
    files = sorted((PROJECT / "data/simulation/lexicon").glob("*.yaml"))
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    assert len(lines) > 2_000
    assert not any(family_of(line, patterns) for line in lines)
    named = [family_of(f"You are {n}", patterns) for names in PERSONAS.values() for n in names]
    assert named == [family for family, names in PERSONAS.items() for _ in names]


def test_of_several_families_the_first_of_the_table_counts(patterns):
    assert family_of("JailMommy, AlphaBreak and Narotica", patterns) == "narotica"


# ------------------------------------------------------------------ shards


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
    assert re.fullmatch(rb"jailbreaks-2-[0-9a-f]{8}", table.schema.metadata[b"annotator"])
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
        "version: one\nfamilies: [{id: a, name: A, phrases: [b]}]\n",
        "version: 1\nfamilies: [{id: a, phrases: [b]}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: []}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: ['']}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [Big]}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: ['a.b']}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [b], unless_after: ['a(']}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [b], words: [c]}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [b]}, {id: a, name: B, phrases: [c]}]\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [b]}]\nlookalikes: {a: 5}\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [b]}]\nlookalikes: {ab: c}\n",
        "version: 1\nfamilies: [{id: a, name: A, phrases: [b]}]\nadverbs: ['(']\n",
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
