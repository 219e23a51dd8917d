"""Contenders of `statistics.py`: each gives the values of Tables 1, 2, 3 and 5 of a corpus.

The readers of the release take its nested files, the others the canonical files that ours
takes; all name the columns that they need. They give no intervals.
"""

import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
N_REPLICATES, SEED, MINIMUM_PROMPTS = 1_000, 20240501, 100
NEEDED = ["model", "country", "hashed_ip", "conversation"]

Values = dict[str, float]


def ours(folder: Path, out: Path, n_replicates: int) -> Values:
    """Run the measures as the rules of the workflow call them; values are read from the tables."""
    from wildpaper.long_table import read_long_table
    from wildpaper.measure.table_01_datasets import measure_datasets
    from wildpaper.measure.table_02_apis import measure_apis
    from wildpaper.measure.table_03_countries import measure_countries
    from wildpaper.measure.table_05_languages import measure_languages

    files = {kind: canonical(folder, kind) for kind in ("conversations", "messages", "languages")}
    report, conversations = folder / "canonical" / "report.json", files["conversations"]
    drawn = {"n_replicates": n_replicates, "seed": SEED}
    to = [{"table": out / f"{i}.csv", "notes": out / f"{i}.json"} for i in range(4)]
    measure_datasets(
        [report], **files, tokens=canonical(folder, "tokens"), deviation="population",
        minimum_prompts=MINIMUM_PROMPTS, **drawn, **to[0],
    )  # fmt: skip
    measure_apis(report, conversations, **drawn, **to[1])
    measure_countries(report, conversations, **drawn, **to[2])
    measure_languages([report], **files, **drawn, **to[3])
    cells = [cell for paths in to for cell in read_long_table(paths["table"])]
    return {cell.claim: float(cell.value) for cell in cells if cell.value is not None}


class Sums:
    """What loops add up."""

    def __init__(self) -> None:
        self.n = self.n_turns = 0
        self.models: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.countries: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.tokens = {role: [0, 0, 0] for role in ("user", "assistant")}

    def conversation(self, user: str, model: str, country: str | None) -> None:
        """Add a conversation."""
        self.n += 1
        self.models[model] += 1
        by_country = self.countries[user]
        if country is not None:
            by_country[country] += 1

    def message(self, role: str, n_tokens: int, language: str) -> None:
        """Add a message."""
        sums = self.tokens[role]
        sums[0] += 1
        sums[1] += n_tokens
        sums[2] += n_tokens * n_tokens
        if role == "user":
            self.n_turns += 1
            self.languages[language] += 1

    def values(self) -> Values:
        """Return the values of the tables."""
        most = [max(own, key=own.__getitem__) if own else None for own in self.countries.values()]
        moments = {}
        for role, (n, total, squares) in self.tokens.items():
            mean = total / n
            moments[role] = (mean, (squares / n - mean**2) ** 0.5)
        return tabulate(
            self.n, self.n_turns, len(self.countries), moments, self.models, Counter(most),
            self.languages,
        )  # fmt: skip


def tabulate(
    n: int,
    n_turns: int,
    n_users: int,
    moments: dict[str, tuple[float, float]],
    models: dict[str, int],
    countries: dict[str | None, int],
    languages: dict[str, int],
) -> Values:
    """Return values by claim."""
    from wildpaper.measure.table_02_apis import MODELS
    from wildpaper.measure.table_03_countries import COUNTRIES
    from wildpaper.measure.table_05_languages import LANGUAGES

    own = "table-01.wildchat."
    n_prompts = {name: count for name, count in languages.items() if name != "Nolang"}
    values: Values = {
        f"{own}conversations": n,
        f"{own}users": n_users,
        f"{own}turns-per-conversation": n_turns / n,
        f"{own}languages": sum(count >= MINIMUM_PROMPTS for count in n_prompts.values()),
    }
    for name, role in (("user", "user"), ("chatbot", "assistant")):
        for kind, value in zip(("mean", "std"), moments[role], strict=True):
            values[f"{own}{name}-tokens-{kind}"] = value
    for name, slug in MODELS.items():
        values[f"table-02.{slug}"] = 100 * int(models.get(name, 0)) / n
    for country, slug in COUNTRIES.items():
        values[f"table-03.{slug}"] = 100 * int(countries.get(country, 0)) / n_users
    further = sum(int(c) for name, c in countries.items() if name and name not in COUNTRIES)
    values["own.table-03-countries.other"] = 100 * further / n_users
    named = {name: int(languages.get(name, 0)) for name in LANGUAGES}
    named["other"] = n_turns - sum(named.values())
    for name, count in named.items():
        values[f"table-05.wildchat.{name.lower()}"] = 100 * count / n_turns
    return {claim: float(value) for claim, value in values.items()}


def datasets_of_release(folder: Path, out: Path) -> Values:
    """Loop over the rows of the release, and over their messages."""
    rows = load(release(folder), out).select_columns(NEEDED)
    sums = Sums()
    for row in rows:
        sums.conversation(row["hashed_ip"], row["model"], row["country"])
        for message in row["conversation"]:
            sums.message(message["role"], message["n_tokens"], message["language"])
    return sums.values()


def datasets_of_canonical(folder: Path, out: Path) -> Values:
    """Loop over conversations in their order, and over messages beside their labels."""
    columns = {
        "conversations": ["conversation_id", "user", "model", "country"], "messages": ["role"],
        "tokens": ["n_tokens"], "languages": ["language"],
    }  # fmt: skip
    tables = {kind: load(canonical(folder, kind), out, names) for kind, names in columns.items()}
    sums = Sums()
    for row in sorted(tables["conversations"], key=itemgetter("conversation_id")):
        sums.conversation(row["user"], row["model"], row["country"])
    rows: Iterable[tuple[dict, ...]] = zip(
        *(tables[kind] for kind in ("messages", "tokens", "languages")), strict=True
    )
    for message, tokens, language in rows:
        sums.message(message["role"], tokens["n_tokens"], language["language"])
    return sums.values()


def load(paths: list[Path], cache: Path, columns: list[str] | None = None):
    """Return parquet files as a data set, by rows of Python objects."""
    import datasets

    files = [str(path) for path in paths]
    return datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(cache), columns=columns
    )


def pandas_of_release(folder: Path, out: Path) -> Values:
    """Explode the messages of the release."""
    import pandas as pd

    rows = pd.concat([pd.read_parquet(p, columns=NEEDED) for p in release(folder)])
    exploded = rows["conversation"].explode()
    del rows["conversation"]
    fields = ("role", "n_tokens", "language")
    messages = pd.DataFrame({name: exploded.str.get(name) for name in fields})
    return from_frames(rows, messages.astype({"n_tokens": "int64"}), "hashed_ip")


def pandas_of_canonical(folder: Path, out: Path) -> Values:
    """Merge messages and their labels."""
    import pandas as pd

    def read(kind: str, *columns: str) -> pd.DataFrame:
        read_one = partial(pd.read_parquet, columns=list(columns))
        return pd.concat(map(read_one, canonical(folder, kind)))

    keys = ("conversation_id", "position")
    rows = read("conversations", "conversation_id", "user", "model", "country")
    messages = read("messages", *keys, "role")
    for kind, column in (("tokens", "n_tokens"), ("languages", "language")):
        messages = messages.merge(read(kind, *keys, column), on=list(keys), validate="1:1")
    return from_frames(rows.sort_values("conversation_id"), messages, "user")


def from_frames(rows, messages, user: str) -> Values:
    """Return the values of the tables."""
    by_user = rows.groupby([user, "country"], sort=False).size()
    most = by_user.groupby(level=0, sort=False).idxmax().map(lambda pair: pair[1])
    n_users = rows[user].nunique()
    countries = dict(most.value_counts()) | {None: n_users - len(most)}
    tokens = messages.groupby("role", observed=True)["n_tokens"]
    moments = {role: (own.mean(), own.std(ddof=0)) for role, own in tokens}
    languages = messages.loc[messages["role"] == "user", "language"].value_counts()
    return tabulate(
        len(rows), int(languages.sum()), n_users, moments, dict(rows["model"].value_counts()),
        countries, dict(languages),
    )  # fmt: skip


def canonical(folder: Path, kind: str) -> list[Path]:
    """Return the canonical files of a kind."""
    return sorted((folder / "canonical").glob(f"{kind}-*.parquet"))


def release(folder: Path) -> list[Path]:
    """Return the nested files."""
    return sorted((folder / "release").glob("*.parquet"))


Contender = Callable[[Path, Path], Values]
OURS, PLAIN = "ours", "ours-without-intervals"
MEASURES = tuple(
    f"wildpaper.measure.table_{name}"
    for name in ("01_datasets", "02_apis", "03_countries", "05_languages")
)
SAME_FILES = "datasets-canonical"
LOOPS = (SAME_FILES, "datasets-release")
CONTENDERS: dict[str, tuple[Contender, tuple[str, ...]]] = {
    OURS: (partial(ours, n_replicates=N_REPLICATES), ()),
    PLAIN: (partial(ours, n_replicates=0), ()),
    LOOPS[1]: (datasets_of_release, ("datasets",)),
    LOOPS[0]: (datasets_of_canonical, ("datasets",)),
    "pandas-release": (pandas_of_release, ("pandas", "pyarrow.parquet")),
    "pandas-canonical": (pandas_of_canonical, ("pandas", "pyarrow.parquet")),
}
"""{name: what it does, and which libraries are imported before the clock starts, besides ours}."""


def highest_bytes() -> int:
    """Return the highest resident size of this process so far."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    """Run a contender; write its values, times and memory as JSON."""
    name, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    contend, libraries = CONTENDERS[name]
    for library in (*MEASURES, *libraries):
        __import__(library)
    start, cores = time.perf_counter(), sum(os.times()[:4])
    values = contend(folder, out)
    seconds, cpu_seconds = time.perf_counter() - start, sum(os.times()[:4]) - cores
    found = {"seconds": seconds, "cpu_seconds": cpu_seconds, "bytes": highest_bytes()}
    (out / "found.json").write_text(json.dumps(found | {"values": values}), encoding="utf-8")


if __name__ == "__main__":
    sys.path += [str(HERE), str(ROOT / "workflow")]
    main()
