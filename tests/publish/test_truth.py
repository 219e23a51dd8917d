"""What was planted is recovered by an honest estimator and missed by a broken one."""

import csv
import json
import random
import statistics
from collections import Counter
from itertools import combinations_with_replacement, product
from math import comb

import jsonschema
import pytest
from ledgering import ARTIFACTS, as_published, by_id, cell, release, write

from wildpaper.artifacts import artifact_of, load_artifacts
from wildpaper.errors import WildpaperError
from wildpaper.long_table import Cell
from wildpaper.publish.claims_tex import write_claims_table
from wildpaper.publish.numbers import write_numbers
from wildpaper.publish.planted import Truth, planted_value, read_truth
from wildpaper.publish.published import load_published
from wildpaper.publish.truth import compare, most_wrong, sampling_error, tolerance_of, within

FN, FP, LANGUAGE = 0.10, 0.008, 0.03
RATES = {"false_negative_high": FN, "false_positive_high": FP}
BY_ROLE = {"user": RATES, "chatbot": RATES}
SILENT = {"false_negative_high": 1.0, "false_positive_high": FP / 4}
HEADS = {"insult": BY_ROLE, "threat": {"user": SILENT, "chatbot": SILENT | {
    "false_positive_high": FP / 2}}}  # fmt: skip
ERRORS = {"language": {"error_high": LANGUAGE}, "detoxify": BY_ROLE | {"heads": HEADS},
          "threshold": 0.1}  # fmt: skip
SIMULATED = {"comparable": False, "why_not": "simulated corpus", "simulated": True}
USED = ("table-01.wildchat.", "table-05.wildchat.", "table-06.")
TURNS = "table-01.wildchat.turns-per-conversation"
LANGUAGES = "table-01.wildchat.languages"


def corpus(seed=3, n_conversations=600):
    """Conversations of (role, language, insult, moderated), users ruder than chatbots."""
    rng = random.Random(seed)
    made = []
    for _ in range(n_conversations):
        language = rng.choices(["English", "Chinese", "Russian", "Polish"], [60, 24, 11, 5])[0]
        conversation = []
        for _ in range(rng.choice([1, 1, 2, 4])):
            for role, insult, moderated in (("user", 0.12, 0.09), ("chatbot", 0.04, 0.05)):
                conversation.append(
                    (role, language, rng.random() < insult, rng.random() < moderated)
                )
        made.append(conversation)
    return made


def blur(conversations, seed=4):
    """Return the labels as classifiers give them that err less often than they may."""
    rng = random.Random(seed)
    wrong = {True: 0.6 * FN, False: 0.6 * FP}
    return [
        [
            (role, "Dutch" if rng.random() < 0.6 * LANGUAGE else language,
             insult != (rng.random() < wrong[insult]), moderated)
            for role, language, insult, moderated in conversation
        ]
        for conversation in conversations
    ]  # fmt: skip


def measure(conversations, *, extra_turn=0, of_all=False, swapped=False, language_of="user"):
    """Return {claim: (value, n)}; the options are ways to get it wrong."""
    messages = [message for conversation in conversations for message in conversation]
    users = [m for m in messages if m[0] == "user"]
    found = {
        "table-01.wildchat.conversations": (len(conversations), len(conversations)),
        TURNS: (len(users) / len(conversations) + extra_turn, len(conversations)),
    }
    languages = Counter(m[1] for m in messages if language_of in (m[0], "all"))
    found[LANGUAGES] = (sum(n >= 20 for n in languages.values()), None)
    names = ("English", "Chinese", "Russian")
    for name in names:
        share = 100 * languages[name] / (len(messages) if of_all else len(users))
        found[f"table-05.wildchat.{name.lower()}"] = (share, len(users))
    other = 100 * sum(n for name, n in languages.items() if name not in names) / len(users)
    found["table-05.wildchat.other"] = (other, len(users))
    for role, seen in (("user", "chatbot"), ("chatbot", "user")):
        own = [m for m in messages if m[0] == (seen if swapped else role)]
        n = len(messages) if of_all else len(own)
        hits = {"detoxify": [m[2] for m in own], "moderation": [m[3] for m in own]}
        hits["either"] = [m[2] or m[3] for m in own]
        hits["both"] = [m[2] and m[3] for m in own]
        found |= {f"table-06.{role}.{k}": (100 * sum(v) / n, n) for k, v in hits.items()}
    return found


def realised(conversations):
    """Count what was planted, by other code than `measure`."""
    out: dict[str, float] = {"table-01.wildchat.conversations": len(conversations)}
    out[TURNS] = sum(len(c) // 2 for c in conversations) / len(conversations)
    for role in ("user", "chatbot"):
        traits = Counter(m[2:] for c in conversations for m in c if m[0] == role)
        n = sum(traits.values())
        both, detoxify, moderation = traits[True, True], traits[True, False], traits[False, True]
        for name, count in (("detoxify", both + detoxify), ("moderation", both + moderation),
                            ("either", n - traits[False, False]), ("both", both)):  # fmt: skip
            out[f"table-06.{role}.{name}"] = 100 * count / n
    languages = Counter(c[0][1] for c in conversations for _ in range(len(c) // 2))
    n = sum(languages.values())
    out |= {f"simulated.user-messages.wildchat.{k}": v for k, v in languages.items()}
    named = ("English", "Chinese", "Russian")
    out |= {f"table-05.wildchat.{k.lower()}": 100 * languages[k] / n for k in named}
    out["table-05.wildchat.other"] = 100 * languages["Polish"] / n
    return out


def ledger(folder, found, truth, errors=ERRORS, releases=None, minimum_prompts=20):
    """Write the ledger of a simulated WildChat that measured `found`."""
    claims, _ = load_published(ARTIFACTS.parent / "published.yaml")
    artifacts = load_artifacts(ARTIFACTS)
    wanted = [c.id for c in claims if c.id.startswith(USED)]
    used = {artifact_of(artifacts, name).id for name in wanted}
    cells = [own_cell(name, *found.get(name, (None, None))) for name in wanted]
    cells += [own_cell(*item, *value) for *item, value in
              ((k, v) for k, v in found.items() if k not in wanted)]  # fmt: skip
    return write(
        folder, cells, releases or [release("wildchat", **SIMULATED)], realised=truth,
        errors=errors, minimum_prompts=minimum_prompts,
        blanks={a.id: "blank in this test" for a in artifacts if a.id not in used and a.rule},
    )  # fmt: skip


def own_cell(claim, value, n):
    return Cell("wildchat", claim, value, None, None, n, "x", claim, "simulated")


def verdicts(result, prefix=""):
    return {
        name: claim["truth_verdict"]
        for name, claim in by_id(result).items()
        if claim["truth"] is not None and name.startswith(prefix)
    }


def test_an_honest_estimator_recovers_all_that_was_planted(tmp_path, project):
    planted_in = corpus()
    result = ledger(tmp_path, measure(blur(planted_in)), realised(planted_in))
    found = verdicts(result)
    assert set(found.values()) == {"recovered"}
    assert len(found) == 2 + 1 + 4 + 8
    claims = by_id(result)
    exact = {name for name in found if claims[name]["truth_tolerance"] == 0}
    assert exact == {
        "table-01.wildchat.conversations", TURNS,
        "table-06.user.moderation", "table-06.chatbot.moderation",
    }  # fmt: skip
    for name in found:
        assert claims[name]["verdict"] == "not-comparable"
        assert claims[name]["reason"] == "simulated corpus"
    assert claims[LANGUAGES]["truth"] == 4
    schema = json.loads((project / "data/schemas/claims.schema.json").read_text("utf-8"))
    jsonschema.validate(result, schema)


ROLES = [f"table-06.{role}.{kind}" for role in ("user", "chatbot")
         for kind in ("detoxify", "moderation", "either")]  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "missed"),
    [
        ({"extra_turn": -1}, [TURNS]),
        ({"of_all": True}, [*ROLES, "table-05.wildchat.english"]),
        ({"swapped": True}, ROLES),
        ({"language_of": "all"}, ["table-05.wildchat.english", "table-05.wildchat.chinese"]),
    ],
)
def test_a_broken_estimator_misses_what_it_breaks_and_nothing_else(tmp_path, broken, missed):
    planted_in = corpus()
    found = verdicts(ledger(tmp_path, measure(planted_in, **broken), realised(planted_in)))
    assert {name for name, verdict in found.items() if verdict == "missed"} >= set(missed)
    touched = ("table-01",) if "extra_turn" in broken else ("table-05", "table-06", LANGUAGES)
    assert all(name.startswith(touched) for name, v in found.items() if v == "missed")


def test_without_a_truth_there_is_no_second_verdict(tmp_path, project):
    result = ledger(tmp_path, measure(corpus()), None)
    for claim in result["claims"]:
        assert claim["truth"] is claim["truth_tolerance"] is claim["truth_verdict"] is None
    assert "Planted" not in (tmp_path / "claims.md").read_text(encoding="utf-8")


def test_data_that_were_not_simulated_are_not_held_against_the_plant(tmp_path):
    planted_in = corpus()
    result = ledger(tmp_path, measure(planted_in, extra_turn=1), realised(planted_in),
                    releases=[release("wildchat")])  # fmt: skip
    assert verdicts(result) == {}


def test_a_value_that_was_planted_and_not_found_is_missed_unless_it_is_blank(tmp_path):
    planted_in = corpus()
    truth = realised(planted_in) | {"table-02.4-0314": 7.0}
    found = measure(planted_in)
    del found[TURNS]
    claims = by_id(ledger(tmp_path, found, truth))
    assert claims[TURNS]["obtained"] is None
    assert (claims[TURNS]["truth"], claims[TURNS]["truth_verdict"]) == (truth[TURNS], "missed")
    blank = claims["table-02.4-0314"]
    assert (blank["truth"], blank["truth_verdict"]) == (7.0, None)
    assert (blank["verdict"], blank["reason"]) == ("not-run", "blank in this test")


def test_a_classifier_whose_errors_are_not_known_gives_no_verdict(tmp_path, project):
    planted_in = corpus()
    result = ledger(tmp_path, measure(planted_in), realised(planted_in), errors=None)
    found = verdicts(result)
    assert {name for name, v in found.items() if v is None} == {
        name for name in found
        if name.startswith("table-05") or name == LANGUAGES
        or (name.startswith("table-06") and "moderation" not in name)
    }  # fmt: skip
    assert found[TURNS] == "recovered"
    schema = json.loads((project / "data/schemas/claims.schema.json").read_text("utf-8"))
    jsonschema.validate(result, schema)
    assert "| not known | none |" in (tmp_path / "claims.md").read_text(encoding="utf-8")


def test_own_numbers_are_compared_too(tmp_path):
    planted_in = corpus()
    truth = realised(planted_in) | {"own.a.right": 5, "own.a.wrong": 5, "own.a.absent": 5}
    found = measure(planted_in) | {"own.a.right": (5, None), "own.a.wrong": (6, None)}
    found |= {"own.a.absent": (None, None), "own.a.unplanted": (1, None)}
    result = ledger(tmp_path, found, truth)
    assert verdicts(result, "own.") == {
        "own.a.right": "recovered", "own.a.wrong": "missed", "own.a.absent": "missed",
    }  # fmt: skip
    assert by_id(result)["own.a.unplanted"]["truth_verdict"] is None


def test_what_was_not_planted_has_no_truth():
    truth = Truth({"simulated.user-messages.dolly.English": 4, "collection.gpt4-gap": ""})
    for name in ("own.table-05-languages.dolly.other", "own.figure-02b-languages.english",
                 "table-01.wildchat.languages", "own.figure-05-toxicity-by-month.2023-05.user",
                 "table-02.4-0314", "collection.gpt4-gap"):  # fmt: skip
        assert planted_value(name, truth) is None
    assert planted_value("own.table-05-languages.dolly.english", truth) == 100


def test_settings_are_not_planted():
    truth = Truth({"languages.minimum-prompts": 100, "training.epochs": 3})
    for name in truth.realised:
        assert planted_value(name, truth) is None
        assert compare(name, 1, None, built=True, truth=truth)["truth_verdict"] is None


@pytest.mark.parametrize(
    ("obtained", "value", "same"),
    [
        (7, 7, True), (7, 8, False), (10**15, 10**15 + 1, False), (7, 7.0, True),
        (0.1 + 0.2, 0.3, True), (0.3000001, 0.3, False), (0.0, 0, True), (1e-9, 0, False),
        ("2023-04-09", "2023-04-09", True), ("2023-04-09", "2023-04-10", False),
        ("7", 7, False), (None, 7, False), (None, 0, False),
    ],
)  # fmt: skip
def test_exact_means_equal_but_for_the_order_of_a_sum(obtained, value, same):
    assert within(obtained, value, 0) is same


PLANTED = {
    "table-05.wildchat.english": 40.0, "table-06.user.detoxify": 10.0,
    "table-06.user.either": 15.0, "table-06.user.both": 2.0, "table-06.user.moderation": 7.0,
    "table-08.jailmommy.success": 50.0, "table-08.jailmommy.occurrences": 30,
    "simulated.user-messages.wildchat.English": 400,
    "simulated.user-messages.wildchat.Polish": 600,
    "own.count": 12,
    "table-07.sharegpt.user": 3.0, "table-12.sharegpt.insult": 4.0, "table-12.sharegpt.threat": 0.0,
    "own.table-07-toxicity-datasets.sharegpt.user.detoxify": 5.0,
    "own.table-07-toxicity-datasets.sharegpt.user.either": 7.0,
    "own.table-07-toxicity-datasets.sharegpt.user.both": 1.0,
    "own.threshold-sweep.sharegpt.chatbot.0.1": 2.0,
    "own.table-12-detoxify-categories.sharegpt.insult.user-messages": 5.0,
    "own.table-12-detoxify-categories.sharegpt.insult.turns": 8.0,
    "own.table-12-detoxify-categories.lmsys_chat_1m.insult.messages": 6.0,
    "simulated.messages.sharegpt.user": 1000, "simulated.messages.sharegpt.chatbot": 1010,
    "table-13.sharegpt.sexual": 3.0,
    "own.table-13-moderation-categories.sharegpt.sexual.turns": 4.0,
}  # fmt: skip


DERIVED = {
    "own.table-05-languages.wildchat.english": 40.0, "own.figure-02b-languages.polish": 60.0,
    "own.figure-05-toxicity-by-month.2023-05.chatbot": 4.0,
}  # fmt: skip


@pytest.mark.parametrize("name", [*PLANTED, *DERIVED])
@pytest.mark.parametrize("errors", [ERRORS, {"language": {}, "detoxify": {}, "threshold": 0.1}])
def test_both_sides_of_each_tolerance(name, errors):
    month = {"simulated.toxic-share.chatbot.2023-05": 4.0}
    truth = Truth(PLANTED | month, errors, minimum_prompts=20)
    value = (PLANTED | DERIVED)[name]
    assert planted_value(name, truth) == value
    tolerance = tolerance_of(name, value, 1000, truth)
    exact = name.endswith(("moderation", "occurrences", "own.count")) or name.startswith(
        ("table-07.", "table-13.", "own.table-13", "simulated.messages.")
    )
    if errors is not ERRORS and not exact:
        assert tolerance is None
        return
    assert (tolerance == 0) == exact
    for sign in (-1, 1):
        inside, outside = value + sign * tolerance, value + sign * (tolerance * 1.0001 + 1e-5)
        assert compare(name, inside, 1000, True, truth)["truth_verdict"] == "recovered"
        assert compare(name, outside, 1000, True, truth)["truth_verdict"] == "missed"


@pytest.mark.parametrize(("n", "rate"), [(1, 0.5), (7, 0.01), (40, 0.3), (300, 0.02), (500, 0.9)])
def test_the_quantile_is_the_least_number_that_chance_keeps_to(n, rate):
    found = most_wrong(n, rate)

    def no_more_than(k):
        return sum(comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k + 1))

    assert no_more_than(found) >= 0.99
    assert found == 0 or no_more_than(found - 1) < 0.99


def test_the_quantile_at_its_ends_and_in_the_large():
    assert [most_wrong(50, 0.0), most_wrong(0, 0.3), most_wrong(50, 1.0)] == [0, 0, 50]
    assert 0.02 < most_wrong(1_000_000, 0.02) / 1_000_000 < 0.0204


@pytest.mark.parametrize("kind", ["detoxify", "either", "both"])
def test_as_many_wrong_labels_as_allowed_are_forgiven_and_one_more_is_not(kind):
    """Flip only those labels that can change the share: those are the ones that count."""
    n, both, only_d, only_m = 2000, 40, 160, 100
    counts = {"detoxify": both + only_d, "either": both + only_d + only_m, "both": both}
    moderation = 100 * (both + only_m) / n
    realised_ = {f"table-06.user.{k}": 100 * v / n for k, v in counts.items()}
    truth = Truth(realised_ | {"table-06.user.moderation": moderation}, ERRORS)
    positives = {"detoxify": both + only_d, "either": only_d, "both": both}[kind]
    negatives = {"detoxify": n - both - only_d, "either": n - both - only_d - only_m,
                 "both": only_m}[kind]  # fmt: skip
    allowed = most_wrong(positives, FN) + most_wrong(negatives, FP)
    name = f"table-06.user.{kind}"
    for step in (-1, 1):
        for extra, verdict in ((0, "recovered"), (1, "missed")):
            obtained = 100 * (counts[kind] + step * (allowed + extra)) / n
            assert compare(name, obtained, n, True, truth)["truth_verdict"] == verdict


def test_chance_seldom_exceeds_a_tolerance():
    """Classifiers at their upper limits, small samples: at most a few in a hundred miss."""
    rng = random.Random(11)
    n, n_trials = 120, 300
    missed: Counter[str] = Counter()
    for _ in range(n_trials):
        messages = [(rng.random() < 0.15, rng.random() < 0.1) for _ in range(n)]
        seen = [(d != (rng.random() < (FN if d else FP)), m) for d, m in messages]
        shares = [
            {"detoxify": sum(d for d, _ in found), "moderation": sum(m for _, m in found),
             "either": sum(d or m for d, m in found), "both": sum(d and m for d, m in found)}
            for found in (messages, seen)
        ]  # fmt: skip
        truth = Truth({f"table-06.user.{k}": 100 * v / n for k, v in shares[0].items()}, ERRORS)
        for kind, count in shares[1].items():
            name = f"table-06.user.{kind}"
            result = compare(name, 100 * count / n, n, True, truth)
            missed[kind] += result["truth_verdict"] == "missed"
    assert missed["moderation"] == 0
    assert max(missed.values()) <= 0.03 * n_trials


@pytest.mark.parametrize("minimum", [1, 2, 4])
@pytest.mark.parametrize(
    "counts", [{"A": 5, "B": 3}, {"A": 6, "B": 2, "C": 1}, {"A": 4, "B": 4, "Nolang": 2}]
)
def test_the_number_of_languages_may_differ_by_what_wrong_labels_can_do_at_most(minimum, counts):
    """Try every way to mislabel as many messages as allowed, into languages never planted too."""
    start = "simulated.user-messages.wildchat."
    truth = Truth({start + k: v for k, v in counts.items()}, ERRORS, minimum)
    wrong = most_wrong(sum(counts.values()), LANGUAGE)
    assert wrong > 0
    names = [*counts, "X", "Y"]
    reached = set()
    for moves in combinations_with_replacement(list(product(names, names)), wrong):
        after = Counter(counts)
        for source, target in moves:
            after[source] -= 1
            after[target] += 1
        if min(after.values()) >= 0:
            reached.add(sum(n >= minimum for name, n in after.items() if name != "Nolang"))
    value = planted_value(LANGUAGES, truth)
    assert value == sum(n >= minimum for name, n in counts.items() if name != "Nolang")
    tolerance = tolerance_of(LANGUAGES, value, None, truth)
    assert max(abs(value - found) for found in reached) <= tolerance
    assert tolerance <= max(abs(value - found) for found in reached) + 1


def test_a_language_far_from_the_minimum_is_safe_and_one_near_it_is_not():
    start = "simulated.user-messages.wildchat."
    for polish, tolerance in ((19, 1), (20, 1), (5, 1), (1, 1), (400, 1)):
        counts = {"English": 1000, "Polish": polish, "Nolang": 19}
        truth = Truth({start + k: v for k, v in counts.items()}, ERRORS, 20)
        assert tolerance_of(LANGUAGES, 2, None, truth) >= tolerance
    sure = {"language": {"error_high": 0.001}}
    found = []
    for polish in (19, 20, 5, 400):
        counts = {"English": 1000, "Polish": polish, "Nolang": 19}
        truth = Truth({start + k: v for k, v in counts.items()}, sure, 20)
        found.append(tolerance_of(LANGUAGES, 2, None, truth))
    assert found == [1, 1, 0, 0]


def test_page_table_and_macros_show_truth_tolerance_and_verdict(tmp_path):
    planted_in = corpus()
    result = ledger(tmp_path, measure(planted_in, extra_turn=1), realised(planted_in))
    name = "table-06.user.detoxify"
    claim = by_id(result)[name]
    page = (tmp_path / "claims.md").read_text(encoding="utf-8")
    section = page[page.index("## Planted truth (15)") : page.index("## not-comparable")]
    assert "| missed | 1 |" in section
    assert "| recovered | 14 |" in section
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows[0].startswith(f"| `{TURNS}` |")
    assert "| exact | missed |" in rows[0]
    (row,) = [line for line in rows if name in line]
    assert f"| ± {claim['truth_tolerance']:.4f}".rstrip("0") in row
    write_numbers(tmp_path / "claims.json", tmp_path / "numbers.tex")
    numbers = (tmp_path / "numbers.tex").read_text(encoding="utf-8")
    assert r"\wpdefcount{recovered}{14}" in numbers
    assert r"\wpdefcount{missed}{1}" in numbers
    assert r"\wpplantedtrue" in numbers
    write_claims_table(tmp_path / "claims.json", tmp_path / "t.tex", tmp_path / "n.tex")
    lines = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()
    (line,) = [one for one in lines if r"user.\allowbreak{}detoxify" in one]
    assert rf"\mbox{{\wpfaint $\pm$\,{claim['truth_tolerance']:.2f}}}" in line
    (line,) = [one for one in lines if r"user.\allowbreak{}moderation" in one]
    assert r"$\pm$" not in line
    with (tmp_path / "claims.csv").open(encoding="utf-8", newline="") as handle:
        (row,) = [row for row in csv.DictReader(handle) if row["id"] == name]
    assert float(row["truth_tolerance"]) == claim["truth_tolerance"]


@pytest.mark.parametrize("content", ["[]", '{"realised": []}', "{}"])
def test_a_truth_of_another_form_is_named(tmp_path, content):
    path = tmp_path / "odd.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WildpaperError, match="no object 'realised'") as caught:
        read_truth([path], [], [], 1)
    assert caught.value.where == str(path)


def test_a_planted_zero_is_a_truth(tmp_path):
    cells = [cell(c.claim, 0, "simulated") for c in as_published()]
    artifacts = load_artifacts(ARTIFACTS)
    used = {artifact_of(artifacts, one.claim).id for one in cells}
    blanks = {a.id: "blank in this test" for a in artifacts if a.id not in used and a.rule}
    result = write(tmp_path, cells, [release(**SIMULATED)], realised={cells[0].claim: 0},
                   blanks=blanks)  # fmt: skip
    claim = by_id(result)[cells[0].claim]
    assert (claim["truth"], claim["truth_tolerance"], claim["truth_verdict"]) == (0, 0, "recovered")


@pytest.mark.parametrize(("unit", "verdict"), [("messages", "recovered"), ("turns", None)])
def test_a_share_of_other_units_than_the_truth_has_no_verdict(tmp_path, unit, verdict):
    cells = [
        cell(one.claim, 0, "simulated", unit=f"percent of {unit}")
        for prefix in ("table-01.alpaca.", "table-13.alpaca.")
        for one in as_published(prefix)
    ]
    artifacts = load_artifacts(ARTIFACTS)
    used = {artifact_of(artifacts, one.claim).id for one in cells}
    blanks = {a.id: "blank in this test" for a in artifacts if a.id not in used and a.rule}
    sexual = "table-13.alpaca.sexual"
    result = write(tmp_path, cells, [release(**SIMULATED)], realised={sexual: 0}, blanks=blanks)
    assert by_id(result)[sexual]["truth_verdict"] == verdict


def judged(seed):
    """Conversations of sharegpt: lists of (role, insult), a chatbot's word first at times."""
    rng = random.Random(seed)
    made = []
    for _ in range(400):
        roles = ["chatbot"] * rng.choice([0, 0, 1]) + ["user", "chatbot"] * rng.choice([1, 2, 4])
        made.append([(role, rng.random() < 0.06) for role in roles])
    return made


def heads(conversations):
    """Return {claim: (value, n)} of the head insult, over messages, user messages and turns."""
    own = "own.table-12-detoxify-categories.sharegpt.insult"
    messages = [flag for conversation in conversations for _, flag in conversation]
    users = [flag for c in conversations for role, flag in c if role == "user"]
    turns = []
    for conversation in conversations:
        begun = len(turns)
        for role, flag in conversation:
            if role == "user":
                turns.append(flag)
            elif len(turns) > begun:
                turns[-1] |= flag
    units = {"table-12.sharegpt.insult": messages, f"{own}.user-messages": users,
             f"{own}.turns": turns}  # fmt: skip
    return {name: (100 * sum(flags) / len(flags), len(flags)) for name, flags in units.items()}


def of_sharegpt(planted):
    truth = {name: value for name, (value, _) in heads(planted).items()}
    for role in ("user", "chatbot"):
        n = sum(r == role for conversation in planted for r, _ in conversation)
        truth[f"simulated.messages.sharegpt.{role}"] = n
    return Truth(truth, ERRORS)


@pytest.mark.parametrize("seed", range(4))
def test_categories_are_recovered_with_the_errors_of_their_head(seed):
    planted, rng = judged(seed), random.Random(seed)
    wrong = {True: 0.6 * FN, False: 0.6 * FP}
    found = heads([[(role, flag != (rng.random() < wrong[flag])) for role, flag in c]
                   for c in planted])  # fmt: skip
    truth = of_sharegpt(planted)
    for name, (value, n) in found.items():
        assert compare(name, value, n, True, truth)["truth_verdict"] == "recovered"


@pytest.mark.parametrize("swapped", [(0, 1), (0, 2), (1, 2)])
def test_a_share_of_other_units_is_missed(swapped):
    planted = judged(1)
    names = list(heads(planted))
    a, b = (names[at] for at in swapped)
    planted = [[(role, flag or (role == "chatbot" and i % 3 == 0)) for role, flag in c]
               for i, c in enumerate(planted)]  # fmt: skip
    truth, found = of_sharegpt(planted), heads(planted)
    for one, other in ((a, b), (b, a)):
        assert compare(one, *found[other], True, truth)["truth_verdict"] == "missed"


def test_a_head_that_nothing_raises_is_as_wrong_as_its_worse_role():
    truth = Truth(PLANTED, ERRORS)
    allowed = 100 * most_wrong(500, FP / 2) / 500
    assert tolerance_of("table-12.sharegpt.threat", 0.0, 500, truth) == allowed
    users = "own.table-12-detoxify-categories.sharegpt.threat.user-messages"
    assert tolerance_of(users, 0.0, 500, truth) == 100 * most_wrong(500, FP / 4) / 500
    assert tolerance_of("table-12.sharegpt.obscene", 0.0, 500, truth) is None


def test_nothing_is_known_of_thresholds_at_which_no_errors_were_counted():
    name = "own.threshold-sweep.sharegpt.chatbot.0.1"
    for threshold, known in ((0.1, True), (0.3, False)):
        errors = ERRORS | {"threshold": threshold}
        verdict = compare(name, 2.0, 100, True, Truth(PLANTED, errors))["truth_verdict"]
        assert verdict == ("recovered" if known else None)
    assert planted_value("own.threshold-sweep.sharegpt.chatbot.0.3", Truth(PLANTED)) is None


TOKENS = "table-01.wildchat.user-tokens"
REALISED = {f"{TOKENS}-mean": 50.0, f"{TOKENS}-std": 9.0,
            "simulated.user-tokens-mean.redacted": 49.0, "simulated.user-tokens-std.redacted": 8.5,
            "table-01.wildchat.chatbot-tokens-mean": 70.0}  # fmt: skip


def test_tokens_are_compared_with_what_redaction_should_leave():
    assert planted_value(f"{TOKENS}-mean", Truth(REALISED)) == 49.0
    assert planted_value(f"{TOKENS}-std", Truth(REALISED)) == 8.5
    assert planted_value("table-01.wildchat.chatbot-tokens-mean", Truth(REALISED)) == 70.0
    unredacted = {f"{TOKENS}-mean": 50.0}
    assert planted_value(f"{TOKENS}-mean", Truth(unredacted)) == 50.0


@pytest.mark.parametrize(("n_missed", "n_false"), [(0, 0), (3, 0), (0, 2), (5, 4)])
def test_errors_of_redaction_move_token_counts_within_the_tolerance(n_missed, n_false):
    rng = random.Random(n_missed * 10 + n_false)
    right = [rng.randrange(5, 400) for _ in range(800)]
    truth = Truth(
        {"simulated.user-tokens-mean.redacted": statistics.fmean(right),
         "simulated.user-tokens-std.redacted": statistics.pstdev(right)},
        n_missed=n_missed, n_false=n_false,
    )  # fmt: skip
    found = list(right)
    for place in rng.sample(range(800), n_missed + n_false):
        found[place] += rng.choice([-1, 1]) * rng.randrange(64)
    for name, value in (("mean", statistics.fmean(found)), ("std", statistics.pstdev(found))):
        verdict = compare(f"{TOKENS}-{name}", value, 800, True, truth)
        assert verdict["truth_verdict"] == "recovered"
        assert (verdict["truth_tolerance"] == 0) == (n_missed + n_false == 0)
    far = statistics.fmean(right) + 64 * (n_missed + n_false + 1) / 800
    assert compare(f"{TOKENS}-mean", far, 800, True, truth)["truth_verdict"] == "missed"


def test_what_redaction_misses_changes_no_reply():
    role = "table-01.wildchat.chatbot-tokens-mean"
    assert tolerance_of(role, 70.0, 100, Truth(REALISED, n_missed=5)) == 0
    assert tolerance_of(role, 70.0, 100, Truth(REALISED, n_false=5)) == 3.2


def test_errors_of_redaction_are_read_from_its_assessment(tmp_path):
    kinds = {
        "URL": {"recall": {"n": 5, "n_found": 4}, "precision": {"n": 6, "n_found": 4}},
        "SECRET": {"recall": {"n": 3, "n_found": 3}, "precision": {"n": 3, "n_found": 2}},
    }
    path = tmp_path / "redaction-truth.json"
    path.write_text(json.dumps({"kinds": kinds}), encoding="utf-8")
    truth = read_truth([], [], [path], 1)
    assert (truth.n_missed, truth.n_false) == (1, 3)


def test_counts_of_the_release_are_compared_with_the_planted_ledger():
    truth = Truth({"simulated.ledger.withdrawn": 7, "simulated.ledger-conversations.withdrawn": 3})
    assert planted_value("own.release-text.calls.withdrawn", truth) == 7
    assert planted_value("own.release-text.conversations.withdrawn", truth) == 3
    assert planted_value("own.release-text.calls.kept", truth) is None


PROMPTS = {"coding": 0.07, "math-reasoning": 0.06, "factual-information": 0.25, "other": 0.62}
SORTING = ERRORS | {"category": {"error_high": 0.02}}


def prompts(n, seed):
    rng = random.Random(seed)
    return rng.choices(list(PROMPTS), list(PROMPTS.values()), k=n)


def planted_prompts(planted_in, errors=SORTING):
    counts = Counter(planted_in)
    return Truth({f"simulated.prompt-categories.{name}": counts[name] for name in PROMPTS}, errors)


def claim_of(name):
    return "own.table-04-prompt-categories.other" if name == "other" else f"table-04.{name}"


def verdicts_on_prompts(sample, truth, **broken):
    names = broken.get("names", dict(zip(PROMPTS, PROMPTS, strict=True)))
    counted = [name for name in sample if name not in broken.get("without", ())]
    n = len(counted)
    found = Counter(names[name] for name in counted)
    return {
        name: compare(claim_of(name), 100 * found[name] / n, n, True, truth)["truth_verdict"]
        for name in PROMPTS
    }


@pytest.mark.parametrize("seed", range(5))
def test_categories_of_a_sample_with_wrong_labels_are_recovered(seed):
    planted_in, rng = prompts(1800, seed), random.Random(seed)
    truth = planted_prompts(planted_in)
    sample = rng.sample(planted_in, 1000)
    blurred = ["other" if rng.random() < 0.03 else name for name in sample]
    assert set(verdicts_on_prompts(blurred, truth).values()) == {"recovered"}
    assert set(verdicts_on_prompts(planted_in, truth).values()) == {"recovered"}


def test_categories_that_are_counted_wrongly_are_missed():
    planted_in = prompts(1800, 3)
    truth, sample = planted_prompts(planted_in), planted_in[:1000]
    swapped = {"other": "factual-information", "factual-information": "other"}
    names = {name: swapped.get(name, name) for name in PROMPTS}
    found = verdicts_on_prompts(sample, truth, names=names)
    assert {name for name, v in found.items() if v == "missed"} == set(swapped)
    found = verdicts_on_prompts(sample, truth, without=("other",))
    assert found["other"] == found["factual-information"] == "missed"


def test_the_tolerance_of_a_category_is_of_its_labels_and_of_its_sample():
    start = "simulated.prompt-categories."
    errors = {"category": {"error_high": 0.02}, "language": {"error_high": 0.01}}
    truth = Truth({f"{start}coding": 300, f"{start}other": 700}, errors)
    whole = 100 * most_wrong(1000, 0.03) / 1000
    assert tolerance_of("table-04.coding", 30.0, 1000, truth) == whole
    assert tolerance_of("table-04.coding", 30.0, 1004, truth) == whole
    half = tolerance_of("table-04.coding", 30.0, 500, truth)
    assert half == 100 * most_wrong(500, 0.03) / 500 + sampling_error(300, 1000, 500)
    assert planted_value("table-04.coding", truth) == 30.0
    assert planted_value("own.table-04-prompt-categories.other", truth) == 70.0
    for name in ("table-04.gossip", "own.table-04-prompt-categories.coding.confident",
                 "own.table-04-prompt-categories.sample.prompts"):  # fmt: skip
        assert planted_value(name, truth) is None
    assert planted_value("table-04.coding", Truth({})) is None


@pytest.mark.parametrize(("of_kind", "total", "n"), [(30, 100, 40), (3, 50, 10), (90, 100, 60)])
def test_samples_are_rarely_farther_off_than_the_sampling_error(of_kind, total, n):
    error = sampling_error(of_kind, total, n)
    beyond = sum(
        comb(of_kind, k) * comb(total - of_kind, n - k) / comb(total, n)
        for k in range(max(0, n - total + of_kind), min(of_kind, n) + 1)
        if abs(100 * k / n - 100 * of_kind / total) > error + 1e-9
    )
    assert beyond <= 0.002
    assert 0 < error < 60
    assert sampling_error(of_kind, total, total) == 0


def test_without_a_measured_classifier_a_category_gets_no_verdict(tmp_path):
    truth = planted_prompts(prompts(100, 1), ERRORS)
    verdict = compare("table-04.coding", 7.0, 100, True, truth)
    assert verdict["truth"] is not None
    assert verdict["truth_tolerance"] is verdict["truth_verdict"] is None
    for errors in (ERRORS, SORTING):
        path = tmp_path / "annotator-errors.json"
        path.write_text(json.dumps(errors), encoding="utf-8")
        assert read_truth([], [path], [], 1).errors == errors
