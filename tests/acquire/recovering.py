"""What was planted, recovered from the logs alone, under the ids of the truth."""

import math
from collections import Counter, defaultdict
from itertools import product

import yaml
from linking_oracle import Logs, Places, Turn, texts_of, user_of
from prompt_categories import categories_of, phrases
from simulating import PUBLISHED, Run

from wildpaper.acquire.simulation.compose import planted_in
from wildpaper.acquire.simulation.places import COUNTRIES
from wildpaper.acquire.simulation.text_personas import DECOYS, PERSONAS, normalised_name


def share(part: int, whole: int) -> float:
    return 100 * part / whole


def toxicity(chains: list[list[Turn]]) -> dict[str, float]:
    """Return Table 6 and the shares by month, read from the texts alone."""
    found: Counter = Counter()
    for chain in chains:
        month = chain[-1].time.strftime("%Y-%m")
        for role, name in (("user", "user"), ("assistant", "chatbot")):
            for text in texts_of(chain, role):
                insult, categories = planted_in(text)
                found[name, "n"] += 1
                found[name, month] += 1
                for kind, holds in (
                    ("detoxify", insult), ("moderation", bool(categories)),
                    ("either", insult or bool(categories)), ("both", insult and bool(categories)),
                    (f"toxic {month}", insult or bool(categories)),
                ):  # fmt: skip
                    found[name, kind] += holds
    table = {
        f"table-06.{role}.{kind}": share(found[role, kind], found[role, "n"])
        for role in ("user", "chatbot")
        for kind in ("detoxify", "moderation", "either", "both")
    }
    for role in ("user", "chatbot"):
        table[f"table-07.wildchat.{role}"] = table[f"table-06.{role}.moderation"]
        for kind in ("detoxify", "either", "both"):
            own = f"own.table-07-toxicity-datasets.wildchat.{role}.{kind}"
            table[own] = table[f"table-06.{role}.{kind}"]
        table[f"own.threshold-sweep.wildchat.{role}.0.1"] = table[f"table-06.{role}.detoxify"]
    return table | {
        f"simulated.toxic-share.{role}.{kind[6:]}": share(n, found[role, kind[6:]])
        for (role, kind), n in found.items()
        if kind.startswith("toxic ")
    }


def jailbreaks(chains: list[list[Turn]]) -> dict[str, int]:
    """Return occurrences, users and successes by family, read from the texts alone."""
    counts: Counter = Counter()
    users: dict[str, set[str]] = defaultdict(set)
    first_users: dict[str, set[str]] = defaultdict(set)
    n_decoys = 0
    for chain in chains:
        for asked, reply in zip(texts_of(chain, "user"), texts_of(chain, "assistant"), strict=True):
            insult, categories = planted_in(reply)
            text, seeming = without_decoys(normalised_name(asked))
            n_decoys += seeming
            for family in (f for f, names in NAMES.items() if any(name in text for name in names)):
                counts[family, "occurrences"] += 1
                counts[family, "successes"] += insult or bool(categories)
                users[family].add(user_of(chain))
                if asked == texts_of(chain, "user")[0]:
                    first_users[family].add(user_of(chain))
    found = {f"simulated.jailbreak.{f}.{kind}": n for (f, kind), n in counts.items()}
    found["simulated.jailbreak-decoys"] = n_decoys
    found["own.jailbreak-discovery.families"] = sum(len(met) >= 3 for met in first_users.values())
    return found | {f"simulated.jailbreak.{f}.users": len(met) for f, met in users.items()}


NAMES = {family: [normalised_name(n) for n in names] for family, names in PERSONAS.items()}
SEEMING = [normalised_name(decoy).rstrip(".") for decoy in DECOYS]


def without_decoys(text: str) -> tuple[str, bool]:
    """Return a normalised text without the sentences that only seem to name a persona."""
    rest = text
    for decoy in SEEMING:
        rest = rest.replace(decoy, "")
    return rest, rest != text


COLUMNS = {
    "harassment": "harassment", "hate": "hate", "self_harm": "self-harm", "sexual": "sexual",
    "violence": "violence",
}  # fmt: skip


def columns_of(text: str) -> set[str]:
    """Return the columns of Tables 12 and 13 that a text belongs to."""
    insult, found = planted_in(text)
    listed = {title for start, title in COLUMNS.items() if any(f.startswith(start) for f in found)}
    return listed | ({"insult"} if insult else set())


def by_category(dataset: str, conversations: list[list[tuple[str, str]]]) -> dict[str, float]:
    """Return Tables 12 and 13 of conversations of (role, text), read from the texts alone."""
    units: dict[str, list[set[str]]] = {"messages": [], "user-messages": [], "turns": []}
    for conversation in conversations:
        starts = [at for at, (role, _) in enumerate(conversation) if role == "user"]
        columns = [columns_of(text) for _, text in conversation]
        units["messages"] += columns
        units["user-messages"] += [columns[at] for at in starts]
        ends = [*starts[1:], len(conversation)]
        units["turns"] += [set().union(*columns[a:b]) for a, b in zip(starts, ends, strict=True)]
    found = {}
    for table, artifact, names in (
        ("table-12", "table-12-detoxify-categories", HEADS),
        ("table-13", "table-13-moderation-categories", COLUMNS.values()),
    ):
        for name, (unit, held) in product(names, units.items()):
            own = f"own.{artifact}.{dataset}.{name}.{unit}"
            is_printed = unit == "messages" and f"{table}.{dataset}.{name}" in PUBLISHED_IDS
            claim = f"{table}.{dataset}.{name}" if is_printed else own
            found[claim] = share(sum(name in columns for columns in held), len(held))
    return found


HEADS = ("identity_attack", "insult", "obscene", "severe_toxicity", "sexual_explicit", "threat")


PUBLISHED_IDS = {
    claim["id"] for claim in yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))["claims"]
}
PRINTED = {name.removeprefix("table-03.") for name in PUBLISHED_IDS if name.startswith("table-03.")}


def categories(chains: list[list[Turn]]) -> dict[str, int]:
    """Return first prompts by category, read from the texts alone."""
    counts: Counter = Counter(dict.fromkeys(phrases(), 0))
    for chain in chains:
        counts.update(categories_of(texts_of(chain, "user")[0]))
    return {f"simulated.prompt-categories.{name}": n for name, n in counts.items()}


def concentration(chains: list[list[Turn]]) -> dict[str, float]:
    """Return the Gini coefficient, by the mean difference of all pairs, and the top shares."""
    turns: Counter = Counter()
    for chain in chains:
        turns[user_of(chain)] += len(chain)
    falling, n = sorted(turns.values(), reverse=True), len(turns)
    gaps = sum(abs(a - b) for a in falling for b in falling)
    tops = {"0.1": math.ceil(n / 1000), "1": math.ceil(n / 100), "10": math.ceil(n / 10)}
    return {
        "own.use-concentration.gini": gaps / (2 * n * sum(falling)),
        **{f"own.use-concentration.top-{p}": share(sum(falling[:k]), sum(falling))
           for p, k in tops.items()},
    }  # fmt: skip


def by_month(chains: list[list[Turn]]) -> dict[str, int]:
    """Return conversations by month of the last turn and family of the model."""
    counts: Counter = Counter()
    for chain in chains:
        month = f"own.conversations-by-month.{chain[-1].time:%Y-%m}"
        is_gpt4 = chain[-1].model.startswith("gpt-4")
        counts.update({f"{month}.gpt-4": is_gpt4, f"{month}.gpt-3.5": not is_gpt4})
    return dict(counts)


def collection(run: Run, logs: Logs) -> dict[str, object]:
    """Return what a naive linker finds, under the ids of the truth."""
    chains, n = logs.released, len(logs.released)
    turns = [turn for chain in chains for turn in chain]
    users = {user_of(chain) for chain in chains}
    seen = Counter(tuple(m["content"] for m in chain[-1].messages) for chain in chains)
    models = Counter(chain[-1].model for chain in chains)
    located = Places(run.rawlogs / "geoip")
    places = {user_of(chain): located.country(chain) for chain in chains}
    countries = Counter(places.values())
    n_empty = sum(text == "" for chain in chains for text in texts_of(chain, "user"))
    return {
        "simulated.calls": logs.n_lines,
        "collection.turns-raw": logs.n_answered,
        "collection.conversations-linked": len(logs.kept),
        "collection.conversations-wildbench": logs.dropped_conversations["wildbench"],
        "collection.conversations-released": n,
        "table-01.wildchat.conversations": n,
        "collection.turns-released": len(turns),
        "collection.users": len(users),
        "collection.start": str(min(turn.time for turn in turns).date()),
        "collection.end": str(max(turn.time for turn in turns).date()),
        "turns.mean-text": len(turns) / n,
        "turns.multi-turn-share": share(sum(len(chain) > 1 for chain in chains), n),
        "turns.more-than-10-share": share(sum(len(chain) > 10 for chain in chains), n),
        "simulated.duplicates": sum(times - 1 for times in seen.values()),
        "simulated.user-messages.wildchat.Nolang": n_empty,
        "apis.gpt4-share": share(sum(k for m, k in models.items() if m.startswith("gpt-4")), n),
        **{f"simulated.ledger.{reason}": k for reason, k in logs.dropped.items()},
        **{f"simulated.ledger-conversations.{r}": k for r, k in logs.dropped_conversations.items()},
        **{f"table-02.{model.removeprefix('gpt-')}": share(k, n) for model, k in models.items()},
        **{
            ("table-03." if place.slug in PRINTED else "simulated.users.") + place.slug:
            share(countries[place.name], len(users)) for place in COUNTRIES
        },
        **toxicity(chains),
        **jailbreaks(chains),
        **categories(chains),
        **by_month(chains),
        **by_category("wildchat", [
            [(m["role"], m["content"]) for m in chain[-1].messages] for chain in chains
        ]),
    }  # fmt: skip
