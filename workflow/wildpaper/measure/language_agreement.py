"""How far recorded languages agree with those that lingua finds."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.language_pairs import (
    cohen_kappa,
    compare_conversations,
    compare_messages,
    count_pairs,
)
from wildpaper.measure.shards import OpenedDataset, each_dataset
from wildpaper.measure.shares import shares_of, slugs

ARTIFACT = "language-agreement"
SHORT_CHARACTERS, MEDIUM_CHARACTERS = 20, 50
"""Messages of fewer characters are short, medium."""

MOST_CONFUSIONS = 10

MESSAGE_GROUPS = {
    "all": "spoken",
    "user": "spoken AND role = 'user'",
    "chatbot": "spoken AND role = 'assistant'",
    "short": f"spoken AND n_characters < {SHORT_CHARACTERS}",
    "medium": f"spoken AND n_characters BETWEEN {SHORT_CHARACTERS} AND {MEDIUM_CHARACTERS - 1}",
    "long": f"spoken AND n_characters >= {MEDIUM_CHARACTERS}",
    "one-language": "spoken AND n_languages = 1",
    "mixed": "spoken AND n_languages > 1",
    "no-language": "NOT spoken",
}
"""Groups of messages as conditions; `spoken` if neither side says that there is none."""

CONVERSATIONS = "conversations"
CONFUSION = "confusion"
AGREEMENT, KAPPA, SHARE, UNMAPPED = "agreement", "kappa", "share", "unmapped"


def measure_language_agreement(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    languages: list[Path],
    checks: list[Path],
    checked: list[str],
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure on which share of messages and of conversations two labels are the same.

    Messages are those of the label `language_check`; those that either side gives no
    language are a group of their own. The language that a release records for a
    conversation is compared with the most frequent one of its messages (of equals the
    one seen first); conversations whose recorded language lingua does not know, or that
    either side gives none, are left out.

    Parameters
    ----------
    reports, conversations, messages, languages : list of Path
        See `wildpaper.measure.shards.each_dataset`.
    checks : list of Path
        Shards of `language_check` of the data sets in `checked`, in that order, equally
        many for each.
    checked : list of str
        Data sets whose messages have recorded languages.
    table, notes : Path
        The long table, with a row ``<data set>.<group>`` for each group and
        ``<data set>.confusion`` for the most frequent pairs that differ; a JSON object
        {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.

    Raises
    ------
    WildpaperError
        If a check belongs to no message or occurs twice, or the labels of a data set in
        `checked` are not recorded.
    """
    n_shards = len(checks) // max(len(checked), 1)
    own = {name: checks[i * n_shards : (i + 1) * n_shards] for i, name in enumerate(checked)}
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    for opened in each_dataset(reports, conversations, messages, {"language": languages}):
        measured = _Agreement(opened, n_replicates, seed, explained)
        if opened.dataset in own:
            cells += measured.of_messages(own[opened.dataset])
        cells += measured.of_conversations()
        if not measured.recorded:
            cells += measured.nothing(opened.routes["language"] == "recorded")
    write_long_table(table, cells)
    write_json(notes, explained)


class _Agreement:
    """The cells of one data set; what needs explaining goes into `explained`."""

    def __init__(
        self, opened: OpenedDataset, n_replicates: int, seed: int, explained: dict[str, str]
    ) -> None:
        self._opened, self._explained = opened, explained
        self._draws = n_replicates, seed
        self._route = opened.route("language", recorded=True)
        self.recorded = False

    def of_messages(self, checks: list[Path]) -> Iterator[Cell]:
        """Yield the cells of the sampled messages, in groups, and their confusions."""
        compare_messages(self._opened, checks)
        self.recorded = True
        yield from self._agreement("compared", MESSAGE_GROUPS, "messages")
        yield self._mixed_share()
        n, n_labelled, n_into = (
            self._opened.one(f"SELECT count(*) FROM {what}")  # noqa: S608
            for what in ("checks", "compared", "compared WHERE n_languages > 0")
        )
        title = self._opened.title
        if n_labelled < n:
            self._explain(
                MESSAGE_GROUPS, f"{title}: {n - n_labelled:,} of {n:,} sampled messages "
                "have no recorded language"
            )  # fmt: skip
        self._explain(
            ("one-language", "mixed"), f"{title}: several languages are looked for in "
            f"{n_into:,} of {n_labelled:,} messages"
        )  # fmt: skip
        yield from self._confusions("compared", "messages")

    def of_conversations(self) -> Iterator[Cell]:
        """Yield the cells of the conversations, if the data set records their language."""
        if not compare_conversations(self._opened):
            return
        groups = {CONVERSATIONS: "spoken"}
        yield from self._agreement("modes", groups, CONVERSATIONS)
        yield from self._left_out()
        if not self.recorded:
            yield from self._confusions("modes", CONVERSATIONS)
        self.recorded = True

    def nothing(self, labelled: bool) -> Iterator[Cell]:
        """Yield the empty cell of a data set that records no language, or is not checked."""
        group = "all" if labelled else CONVERSATIONS
        why = "no message was checked" if labelled else "the files record no language"
        yield self._cell(group, AGREEMENT, None, 0, "percent")
        self._note(group, AGREEMENT, f"{self._opened.title}: {why}")

    def _agreement(self, source: str, groups: Mapping[str, str], unit: str) -> Iterator[Cell]:
        """Yield agreement and kappa of each group of a table."""
        names = list(groups)
        same, totals = (
            self._opened.counts(
                " UNION ALL ".join(
                    f"SELECT cluster, '{name}' AS name, count(*) FILTER ({counted}) AS n "  # noqa: S608
                    f"FROM {source} WHERE {condition} GROUP BY cluster"
                    for name, condition in groups.items()
                ),
                names,
            )
            for counted in ("recorded = computed", "true")
        )
        stream = f"{ARTIFACT}.{self._opened.dataset}.{unit}"
        shares = shares_of(same, totals, *self._draws, stream)
        for (name, condition), share in zip(groups.items(), shares, strict=True):
            row = f"{self._opened.dataset}.{name}"
            claim = self._claim(name, AGREEMENT)
            yield share.cell(row, AGREEMENT, f"percent of {unit}", claim, self._route)
            kappa = cohen_kappa(count_pairs(self._opened, source, condition))
            yield self._cell(name, KAPPA, kappa, share.total, "Cohen's kappa")
            title = self._opened.title
            if not share.total:
                self._explain([name], f"{title}: no {unit} of this kind")
            elif kappa is None:
                self._note(name, KAPPA, f"{title}: one side has fewer than two languages")

    def _mixed_share(self) -> Cell:
        """Return the share of messages in several languages, of those that are looked into."""
        counts = self._opened.counts(
            "SELECT cluster, CASE WHEN n_languages > 1 THEN 'mixed' ELSE 'one' END AS name, "
            "count(*) AS n FROM compared WHERE spoken AND n_languages > 0 GROUP BY ALL",
            ["mixed", "one"],
        )
        stream = f"{ARTIFACT}.{self._opened.dataset}.{SHARE}"
        totals = np.sum(counts, axis=1, keepdims=True)
        (share,) = shares_of(counts[:, :1], totals, *self._draws, stream)
        row = f"{self._opened.dataset}.mixed"
        claim = self._claim("mixed", SHARE)
        return share.cell(row, SHARE, "percent of messages", claim, self._route)

    def _left_out(self) -> Iterator[Cell]:
        """Yield how many conversations have a language that lingua does not know."""
        one = self._opened.one
        n = one("SELECT count(*) FROM modes")
        n_unmapped = one("SELECT count(*) FROM modes WHERE recorded IS NULL")
        n_silent = one("SELECT count(*) FROM modes WHERE NOT spoken AND recorded IS NOT NULL")
        yield self._cell(CONVERSATIONS, UNMAPPED, n_unmapped, n, CONVERSATIONS)
        if n_unmapped or n_silent:
            self._explain(
                [CONVERSATIONS], f"{self._opened.title}: of {n:,} conversations {n_unmapped:,} "
                f"whose recorded language lingua does not know and {n_silent:,} without a "
                "language are left out"
            )  # fmt: skip

    def _confusions(self, source: str, unit: str) -> Iterator[Cell]:
        """Yield the most frequent pairs of different labels, and how often they occur."""
        pairs = count_pairs(self._opened, source, "spoken")
        different = {pair: n for pair, n in pairs.items() if pair[0] != pair[1]}
        first = sorted(different, key=lambda pair: (-different[pair], pair))[:MOST_CONFUSIONS]
        slug = slugs(name for pair in first for name in pair)
        for pair in first:
            recorded, computed = pair
            claim = self._claim(CONFUSION, f"{slug[recorded]}.{slug[computed]}")
            row, column = f"{self._opened.dataset}.{CONFUSION}", f"{recorded} > {computed}"
            n = sum(pairs.values())
            yield Cell(row, column, different[pair], None, None, n, unit, claim, self._route)

    def _cell(self, group: str, column: str, value: float | None, n: int, unit: str) -> Cell:
        row = f"{self._opened.dataset}.{group}"
        claim = self._claim(group, column)
        return Cell(row, column, value, None, None, n, unit, claim, self._route)

    def _claim(self, group: str, column: str) -> str:
        return f"own.{ARTIFACT}.{self._opened.dataset}.{group}.{column}"

    def _explain(self, groups: Iterable[str], why: str) -> None:
        for group in groups:
            for column in (AGREEMENT, KAPPA):
                self._note(group, column, why)

    def _note(self, group: str, column: str, why: str) -> None:
        claim = self._claim(group, column)
        known = self._explained.get(claim)
        self._explained[claim] = f"{known}; {why}" if known else why
