"""Table 4: categories of first user messages in English, on a sample."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wildpaper.annotate.categories.sample import LANGUAGE, in_random_order
from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import wilson_share

CATEGORIES = (
    "assisting-or-creative-writing",
    "analysis-or-decision-explanation",
    "coding",
    "factual-information",
    "math-reasoning",
)
"""The rows of the paper's table; slugs of ``data/categories.yaml``."""

OTHER = "other"
N_PARTS = 5
CONFIDENT = 0.5
ARTIFACT = "table-04-prompt-categories"
UNIT = "percent of sampled prompts"

_FIRST = f"""
CREATE TABLE first AS
SELECT conversation_id, prompt.category, prompt.probability FROM (
    SELECT conversation_id,
           arg_min(struct_pack(language, category, probability), position) AS prompt
    FROM messages WHERE role = 'user' GROUP BY conversation_id
) WHERE prompt.language = '{LANGUAGE}'
"""  # noqa: S608 - a name of ours


@dataclass(frozen=True, slots=True)
class _Sample:
    """Sampled prompts in random order, each by category and probability, of `n_english`."""

    prompts: list[tuple[str, float]]
    n_english: int
    route: str


def measure_prompt_categories(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    languages: list[Path],
    categories: list[Path],
    table: Path,
    notes: Path,
    n_sample: int,
    seed: int,
) -> None:
    """Measure the share of each category among the sampled first user messages in English.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, languages, categories : list of Path
        All its shards, of ingest and of the labels `language` and `category`.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    n_sample : int
        How many prompts were wanted.
    seed : int
        Of the run; orders the sample at random, so that it can be cut into fifths.

    Raises
    ------
    WildpaperError
        If a label belongs to no first user message in English, or is no category.

    Notes
    -----
    Columns of a category: ``percent``; ``lowest-fifth`` and ``highest-fifth``, the range of the
    share over disjoint fifths of the sample; ``confident``, the share among prompts whose label
    has a probability of at least one half. The sample is a simple random one without
    replacement, one message a conversation; the intervals are Wilson's, for the share among all
    first user messages in English, and leave aside that a large part of these may be sampled:
    then they are too wide.
    """
    labels = {"language": languages, "category": categories}
    with open_dataset(report, conversations, messages, labels) as opened:
        sample = _read_sample(opened, categories, seed)
        title = opened.title
    write_long_table(table, [*_all_shares(sample), *_sizes(sample)])
    write_json(notes, _explained(sample, n_sample, title))


def _read_sample(opened: OpenedDataset, categories: list[Path], seed: int) -> _Sample:
    opened.connection.execute(_FIRST)
    query = "SELECT conversation_id, category, probability FROM first WHERE category IS NOT NULL"
    rows = opened.connection.execute(query).fetchall()
    found = {number: (category, probability) for number, category, probability in rows}
    strange = {category for category, _ in found.values()} - {*CATEGORIES, OTHER}
    n_strange = opened.n_labelled["category"] - len(found)
    if strange or n_strange:
        raise WildpaperError(
            f"{n_strange} labels belong to no first user message in {LANGUAGE}; "
            f"unknown categories: {sorted(strange)}",
            where=", ".join(map(str, categories)),
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    order = in_random_order(seed, opened.dataset, list(found))
    n_english = opened.one("SELECT count(*) FROM first")
    route = opened.route("language", "category")
    return _Sample([found[number] for number in order], n_english, route)


def _all_shares(sample: _Sample) -> Iterable[Cell]:
    parts = _parts(sample.prompts)
    confident = [prompt for prompt in sample.prompts if prompt[1] >= CONFIDENT]
    for name in (*CATEGORIES, OTHER):
        own = f"own.{ARTIFACT}.{name}"
        claim = own if name == OTHER else f"table-04.{name}"
        yield _share(sample, sample.prompts, name, "percent", claim)
        if parts:
            shares = [_share(sample, part, name, "", "") for part in parts]
            shares.sort(key=lambda cell: float(cell.value or 0))
            for column, cell in (("lowest-fifth", shares[0]), ("highest-fifth", shares[-1])):
                yield Cell(name, column, cell.value, None, None, cell.n, UNIT, f"{own}.{column}",
                           sample.route)  # fmt: skip
        yield _share(sample, confident, name, "confident", f"{own}.confident")


def _parts(prompts: list[tuple[str, float]]) -> list[list[tuple[str, float]]]:
    """Return the fifths of the sample; none if there are too few prompts."""
    if len(prompts) < N_PARTS:
        return []
    ends = [len(prompts) * i // N_PARTS for i in range(N_PARTS + 1)]
    return [prompts[ends[i] : ends[i + 1]] for i in range(N_PARTS)]


def _share(
    sample: _Sample, prompts: list[tuple[str, float]], name: str, column: str, claim: str
) -> Cell:
    share = wilson_share(sum(category == name for category, _ in prompts), len(prompts))
    return share.cell(name, column, UNIT, claim, sample.route)


def _sizes(sample: _Sample) -> Iterable[Cell]:
    n_confident = sum(probability >= CONFIDENT for _, probability in sample.prompts)
    for column, n in (
        ("prompts", len(sample.prompts)),
        ("english-first-prompts", sample.n_english),
        ("confident", n_confident),
    ):
        claim = f"own.{ARTIFACT}.sample.{column}"
        yield Cell("sample", column, n, None, None, None, "prompts", claim, sample.route)


def _explained(sample: _Sample, n_sample: int, title: str) -> dict[str, str]:
    """Return {claim: how its prompts were sampled}."""
    n = len(sample.prompts)
    if not n:
        note = f"{title}: no first user message is labelled {LANGUAGE}"
    else:
        note = (
            f"taken over {n:,} of the {sample.n_english:,} first user messages in {LANGUAGE}, "
            "a simple random sample other than the paper's"
        )
        if n < n_sample:
            note = (
                f"{title} has no more than {n:,} first user messages in {LANGUAGE}: all are taken"
            )
    names = [*(f"table-04.{name}" for name in CATEGORIES), f"own.{ARTIFACT}.{OTHER}"]
    return dict.fromkeys(names, note)
