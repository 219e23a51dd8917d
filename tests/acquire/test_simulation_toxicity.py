"""What is planted for section 4: prompts that are passed on, the update, counts of categories."""

import random
from collections import Counter, defaultdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from linking_oracle import Logs, link, texts_of, user_of
from recovering import NAMES, without_decoys
from simulating import PUBLISHED, Run, large_study, small_study

from wildpaper.acquire.simulation.dialogue import Speech
from wildpaper.acquire.simulation.schedule import JUNE_UPDATE
from wildpaper.acquire.simulation.streams import Choice
from wildpaper.acquire.simulation.targets import read_targets
from wildpaper.acquire.simulation.text_personas import PERSONAS, normalised_name
from wildpaper.acquire.simulation.text_prompts import SHARED_PROMPTS, base_prompt
from wildpaper.acquire.simulation.toxicity_truth import count_conversation, toxicity_by_dataset
from wildpaper.annotate.near_duplicates.find import find_near_duplicates


@pytest.fixture(scope="module", params=[small_study, large_study], ids=["small", "large"])
def study(request, tmp_path_factory) -> tuple[Run, Logs]:
    run = request.param(tmp_path_factory.getbasetemp())
    return run, link(run.rawlogs)


def prompt_of(text: str) -> str | None:
    """Return which prompt is passed on: the persona that is named, or whose sentences these are."""
    found, _ = without_decoys(normalised_name(text))
    for family, names in NAMES.items():
        if any(name in found for name in names):
            return family
    for name in SHARED_PROMPTS:
        if sum(normalised_name(s) in found for s in base_prompt("English", name)) > 5:
            return name
    return None


def clusters_of(chains, folder) -> list[list[tuple[str, str]]]:
    """Return (user, first prompt) of long first prompts by cluster of near-duplicates."""
    firsts = [(user_of(chain), texts_of(chain, "user")[0]) for chain in chains]
    firsts = [first for first in firsts if len(first[1]) >= 200]
    n = len(firsts)
    columns = {
        "conversation_id": pa.array(range(n), pa.int64()),
        "position": pa.array([0] * n, pa.int32()),
        "role": pa.array(["user"] * n).dictionary_encode(),
        "text": pa.array([text for _, text in firsts]),
    }
    messages, labels = folder / "messages.parquet", folder / "labels.parquet"
    pq.write_table(pa.table(columns), messages)
    find_near_duplicates([messages], [labels], "wildchat", 0.8, 8, 128, 1)
    found = defaultdict(list)
    for first, cluster in zip(firsts, pq.read_table(labels)["cluster"].to_pylist(), strict=True):
        if cluster is not None:
            found[cluster].append(first)
    return list(found.values())


def test_clusters_that_many_users_share_are_the_prompts_passed_on(study, tmp_path):
    run, logs = study
    shared = []
    for cluster in clusters_of(logs.released, tmp_path):
        names = {prompt_of(text) for _, text in cluster}
        if len({user for user, _ in cluster}) >= 3:
            assert len(names) == 1, "no cluster holds two prompts"
            shared += names
    assert sorted(shared, key=str) == sorted([*PERSONAS, *SHARED_PROMPTS])
    assert run.realised["own.jailbreak-discovery.families"] == len(PERSONAS) == 7


def test_prompts_are_passed_on_between_users(study):
    run, logs = study
    users, uses = defaultdict(set), Counter()
    for chain in logs.released:
        for text in texts_of(chain, "user"):
            name = prompt_of(text)
            users[name].add(user_of(chain))
            uses[name] += 1
    truth = run.realised
    assert all(len(users[name]) >= 4 for name in (*PERSONAS, *SHARED_PROMPTS))
    assert truth["simulated.shared-prompts"] == sum(uses[name] for name in SHARED_PROMPTS)
    listed = run.json("truth.json")["scaled"]
    assert {"simulated.shared-prompts", "simulated.jailbreak-decoys"} <= set(listed)
    assert truth["simulated.jailbreak-decoys"] > 0 or run.folder.name == "small-study"


@pytest.mark.parametrize(
    ("factor", "falls"), [(None, True), ({"user": 1.0, "chatbot": 1.0}, False)]
)
def test_an_update_without_effect_can_be_simulated(factor, falls):
    targets = read_targets(PUBLISHED)
    speech = Speech(targets, 0.02, factor)
    others = Choice([("English", 1.0)])
    shares = []
    for time in (JUNE_UPDATE - 1, JUNE_UPDATE):
        rng = random.Random(4)
        topic = speech.topic(rng, "English", 1.0, time, others)
        said = [speech.dialogue(rng, topic, 1)[0] for _ in range(6000)]
        shares.append(sum(one.reply.toxic for one in said) / len(said))
    mean = targets.toxicity["chatbot"].either
    if falls:
        assert shares[0] > 1.5 * shares[1]
    else:
        assert shares == pytest.approx([mean, mean], abs=4 * (mean / 6000) ** 0.5)


def test_a_turn_is_what_follows_a_user_message_and_belongs_to_each_category_once():
    counts = Counter()
    count_conversation(counts, [
        ("chatbot", True, ("violence",)),
        ("user", False, ("sexual", "sexual_minors")), ("chatbot", False, ("sexual",)),
        ("user", True, ()), ("chatbot", True, ("hate_threatening",)), ("chatbot", False, ()),
        ("user", False, ()),
    ])  # fmt: skip
    found = toxicity_by_dataset("dolly", counts)
    own = "own.table-13-moderation-categories.dolly"
    assert found["table-13.dolly.sexual"] == pytest.approx(200 / 7)
    assert found[f"{own}.sexual.user-messages"] == pytest.approx(100 / 3)
    assert found[f"{own}.sexual.turns"] == pytest.approx(100 / 3)
    assert found["table-13.dolly.violence"] == pytest.approx(100 / 7)
    assert found[f"{own}.violence.turns"] == 0
    assert found[f"{own}.hate.turns"] == pytest.approx(100 / 3)
    assert found["table-12.dolly.insult"] == pytest.approx(300 / 7)
    assert found["own.table-12-detoxify-categories.dolly.insult.turns"] == pytest.approx(100 / 3)
    assert found["table-12.dolly.threat"] == 0
    assert found["table-07.dolly.chatbot"] == 75
    assert found["own.table-07-toxicity-datasets.dolly.chatbot.both"] == 50
    assert found["own.table-07-toxicity-datasets.dolly.user.either"] == pytest.approx(200 / 3)
    assert (found["simulated.turns.dolly"], found["simulated.messages.dolly.chatbot"]) == (3, 4)


def test_no_shares_of_nothing():
    assert set(toxicity_by_dataset("dolly", {})) == {
        "simulated.turns.dolly", "simulated.messages.dolly.user",
        "simulated.messages.dolly.chatbot",
    }  # fmt: skip
