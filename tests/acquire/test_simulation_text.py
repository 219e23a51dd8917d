"""Composed messages are what their traits say, and nothing else."""

import random
import unicodedata
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from lingua import Language, LanguageDetectorBuilder
from prompt_categories import categories_of, phrases

from wildpaper.acquire.simulation.compose import (
    FORMS,
    JAILBREAK_FAMILIES,
    LANGUAGES,
    N_TOPICS,
    PERSONAL_KINDS,
    Traits,
    compose,
    count_words,
    planted_in,
    sample_form,
)
from wildpaper.acquire.simulation.personal import Item
from wildpaper.acquire.simulation.text_personas import (
    DECOYS,
    PERSONAS,
    normalised_name,
    persona_name,
)
from wildpaper.acquire.simulation.text_prompts import SHARED_PROMPTS
from wildpaper.annotate.jailbreaks.match import family_of, read_patterns
from wildpaper.schema import MODERATION_CATEGORIES

SIMILAR = ("Dutch", "Ukrainian", "Catalan")


def any_traits(draw: random.Random, **fixed) -> Traits:
    role = fixed.pop("role", draw.choice(["user", "assistant"]))
    chosen = {
        "language": draw.choice(LANGUAGES),
        "n_words": draw.choice([1, 2, 5, 12, 30, 80, 300]),
        "topic": draw.randrange(N_TOPICS),
        "form": sample_form(draw, role),
    }
    return Traits(role=role, **(chosen | fixed))


@pytest.mark.parametrize("seed", range(4))
def test_planted_toxicity_is_found_again_and_nothing_else(seed):
    draw = random.Random(seed)
    for _ in range(1500):
        categories = tuple(
            name for name in MODERATION_CATEGORIES if draw.random() < draw.choice([0, 0.2])
        )
        traits = any_traits(draw, insult=draw.random() < 0.3, moderation=categories)
        assert planted_in(compose(draw, traits)) == (traits.insult, categories)


@pytest.mark.parametrize("family", JAILBREAK_FAMILIES)
def test_a_persona_is_named_in_its_own_messages_only(family):
    draw = random.Random(family)
    names = [normalised_name(name) for name in PERSONAS[family]]
    disguised = 0
    for _ in range(200):
        text = compose(draw, any_traits(draw, role="user", jailbreak=family))
        assert any(name in normalised_name(text) for name in names)
        disguised += not any(name in text.casefold() for name in names)
        plain = compose(draw, any_traits(draw, role="user"))
        assert not any(name in normalised_name(plain) for name in names)
    assert 0 < disguised < 100


def shingles(text):
    folded = " ".join(text.lower().split())
    return {folded[i : i + 8] for i in range(len(folded) - 7)}


def likeness(one, other):
    return len(one & other) / len(one | other)


@pytest.mark.parametrize("name", [*JAILBREAK_FAMILIES, *SHARED_PROMPTS])
def test_a_prompt_that_is_passed_on_stays_almost_the_same_and_itself(name):
    draw, texts = random.Random(name), []
    for n_words in (1, 5, 30, 300) * 8:
        fixed = {"language": "English", "role": "user", "n_words": n_words}
        fixed |= {"insult": draw.random() < 0.2, "category": draw.choice(["coding", "other"])}
        fixed["jailbreak" if name in PERSONAS else "shared"] = name
        texts.append(compose(draw, any_traits(draw, **fixed)))
    assert len(set(texts)) > 25
    sets = [shingles(text) for text in texts]
    alike = [likeness(a, b) for a, b in combinations(sets, 2)]
    assert sum(one >= 0.8 for one in alike) > 0.8 * len(alike)
    assert min(alike) > 0.6
    for other in {*JAILBREAK_FAMILIES, *SHARED_PROMPTS} - {name}:
        key = "jailbreak" if other in PERSONAS else "shared"
        text = compose(draw, any_traits(draw, language="English", role="user", **{key: other}))
        assert likeness(sets[0], shingles(text)) < 0.5
    assert all(120 < count_words(text) < 260 for text in texts)


def test_names_are_disguised_in_every_way_and_found_all_the_same():
    draw, kinds = random.Random(2), Counter()
    for family, names in PERSONAS.items():
        plain = {normalised_name(name) for name in names}
        for _ in range(300):
            name = persona_name(draw.random, family)
            assert normalised_name(name) in plain
            kinds["marks"] += any(mark in name for mark in "*_`")
            kinds["spaced"] += " " in name and " ".join(name.split()) == " ".join(
                "".join(name.split())
            )
            kinds["Cyrillic"] += any("\u0400" <= c <= "\u04ff" for c in name)
            kinds["full width"] += any("\uff01" <= c <= "\uff5e" for c in name)
            kinds["no width"] += any(unicodedata.category(c) == "Cf" for c in name)
    assert all(kinds[kind] >= 5 for kind in ("marks", "spaced", "Cyrillic", "full width"))
    assert kinds["no width"] >= 5


def test_decoys_hold_words_of_a_name_and_no_name():
    patterns = read_patterns(Path(__file__).parents[2] / "data" / "jailbreaks.yaml")
    draw, seen = random.Random(8), Counter()
    for _ in range(200):
        text = compose(draw, any_traits(draw, language="English", role="user", decoy=True))
        assert family_of(text, patterns) is None
        found = [d for d in DECOYS if d.rstrip(".").casefold() in text.casefold()]
        assert len(found) == 1
        seen.update(found)
    assert set(seen) == set(DECOYS)


@pytest.mark.parametrize("kind", PERSONAL_KINDS)
def test_a_personal_item_stands_in_the_text_unchanged(kind):
    draw = random.Random(kind)
    for n in range(100):
        value = f"x{n}-Value.{draw.randrange(10**9)}"
        traits = any_traits(draw, role="user", personal=(Item(kind, value),))
        assert compose(draw, traits).count(value) == 1


@pytest.mark.parametrize("category", phrases())
def test_a_prompt_speaks_for_its_category_and_no_other(category):
    draw = random.Random(category)
    assert len(phrases()[category]) >= 12
    firsts, n_code = set(), 0
    for _ in range(300):
        form = sample_form(draw, "user", category)
        n_code += form == "code"
        fixed = {"language": "English", "role": "user", "category": category, "form": form}
        fixed |= {"insult": draw.random() < 0.2, "jailbreak": draw.choice([None, None, "narotica"])}
        text = compose(draw, any_traits(draw, **fixed))
        assert categories_of(text) == [category], text
        firsts.add(text[:12].casefold())
    assert len(firsts) > 20
    assert (n_code > 100) == (category == "coding")


def test_a_category_leaves_the_length_as_it_is():
    draw = random.Random(4)
    for category in phrases():
        for n_words in (5, 8, 12, 20, 60, 300):
            fixed = {"language": "English", "role": "user", "form": "prose", "n_words": n_words}
            texts = [compose(draw, any_traits(draw, **fixed, category=category)) for _ in range(60)]
            mean = sum(map(count_words, texts)) / len(texts)
            assert mean == pytest.approx(n_words, abs=1, rel=0.01), (category, n_words)


@pytest.mark.parametrize("form", FORMS)
def test_messages_are_about_as_long_as_asked(form):
    draw = random.Random(form)
    for n_words in (20, 60, 200, 1000, 20_000):
        for language in LANGUAGES if n_words < 20_000 else ("English", "Japanese"):
            text = compose(draw, any_traits(draw, language=language, n_words=n_words, form=form))
            assert count_words(text) == pytest.approx(n_words, rel=0.16), (language, n_words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shortest_messages_are_not_empty(language):
    draw = random.Random(language)
    for form in FORMS:
        for role in ("user", "assistant"):
            traits = any_traits(draw, language=language, role=role, form=form, n_words=1)
            n_characters = len(compose(draw, traits))
            assert n_characters > 0, form


def test_no_words_are_no_text():
    assert compose(random.Random(1), Traits("English", "user", 0, insult=True)) == ""


def test_the_same_state_gives_the_same_text():
    for seed in range(50):
        traits = any_traits(random.Random(seed))
        assert compose(random.Random(seed), traits) == compose(random.Random(seed), traits)


def test_messages_hardly_repeat():
    draw = random.Random(3)
    texts = [compose(draw, any_traits(draw, n_words=draw.randrange(12, 60))) for _ in range(5000)]
    n_distinct = len(set(texts))
    assert n_distinct > 0.998 * len(texts)
    assert all(len(text.encode()) > 0 for text in texts)


def test_lingua_reads_the_planted_language():
    known = [getattr(Language, name.upper()) for name in (*LANGUAGES, *SIMILAR)]
    detector = LanguageDetectorBuilder.from_languages(*known).build()
    draw = random.Random(11)
    for language in LANGUAGES:
        texts = [
            compose(draw, any_traits(draw, language=language, n_words=draw.randrange(8, 60)))
            for _ in range(100)
        ]
        found = detector.detect_languages_in_parallel_of(texts)
        right = sum(one is not None and one.name.title() == language for one in found)
        assert right >= 97, language
    prompts = [
        compose(draw, any_traits(draw, language="English", role="user", n_words=n, category=name))
        for n in (5, 9)
        for name in phrases()
        for _ in range(50)
    ]
    found = detector.detect_languages_in_parallel_of(prompts)
    assert sum(one == Language.ENGLISH for one in found) >= 0.97 * len(prompts)


def test_topics_share_words_within_a_language():
    draw = random.Random(5)

    def words(topic):
        texts = (
            compose(draw, any_traits(draw, language="English", topic=topic, n_words=60))
            for _ in range(30)
        )
        return {word for text in texts for word in text.casefold().split()}

    first, again, other = words(3), words(3), words(7)
    assert len(first & again) > len(first & other)
