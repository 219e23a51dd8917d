"""Table 10: pairs of models, in both units, and the bias of the judge towards a position."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import ratio_intervals
from wildpaper.measure.mtbench.judged import Integers, Judged, by_question, read_judged, scaled
from wildpaper.measure.mtbench.scores import explain
from wildpaper.measure.shares import shares_of

ARTIFACT = "table-10-mtbench-pairs"
OUTCOMES = ("win", "tie", "loss")
PUBLISHED_PAIRS = (
    ("wildllama_7b", "llama2_chat_7b"),
    ("vicuna_7b", "llama2_chat_7b"),
    ("wildllama_7b", "vicuna_7b"),
)
_COMPARISONS = "percent of comparisons"
_GAMES = "percent of games"
_WINNERS = {"win": "first", "tie": "tie", "loss": "second"}


@dataclass(frozen=True, slots=True)
class PairCounts:
    """What pairs of models came to, question by question; arrays of int64, shape (n_questions,).

    Attributes
    ----------
    comparisons : dict
        {win, tie, loss of the first model: single comparisons}; each order is one.
    games : dict
        The same over questions and turns judged in both orders: where the orders disagree, or
        one says tie, it is a tie.
    consistent : ndarray
        Games in which both orders say the same.
    first_shown, second_shown : ndarray
        Comparisons won by the answer that was shown first, or second.
    n_unparsed, n_missing, n_incomplete : int
        Comparisons without a verdict, without an answer; games that lack an order.
    """

    comparisons: dict[str, Integers]
    games: dict[str, Integers]
    consistent: Integers
    first_shown: Integers
    second_shown: Integers
    n_unparsed: int
    n_missing: int
    n_incomplete: int

    @property
    def n_comparisons(self) -> Integers:
        """Comparisons with a verdict, by question."""
        total: Integers = np.sum(list(self.comparisons.values()), axis=0, dtype=np.int64)
        return total

    @property
    def n_games(self) -> Integers:
        """Games judged in both orders, by question."""
        total: Integers = np.sum(list(self.games.values()), axis=0, dtype=np.int64)
        return total


def measure_pairs(
    judgments: Path,
    reports: list[Path],
    table: Path,
    notes: Path,
    models: list[str],
    trained: list[str],
    published_as: dict[str, str],
    published_notes: dict[str, str],
    n_replicates: int,
    seed: int,
) -> None:
    """Write wins, ties and losses of each pair, in both units, and the bias towards a position.

    Columns `win`, `tie` and `loss` count single comparisons, as the paper's percentages imply
    (they are multiples of 1/320); `games-…` count questions and turns, of which one is a tie
    where the two orders disagree. `win-rate` is wins and half the ties over games;
    `consistent` the share of games whose orders agree; `position-bias` how much more often, in
    points of percent, the answer shown first won than the one shown second. `unparsed`,
    `missing` and `incomplete` are counts of what is left out; nothing is imputed.

    Parameters
    ----------
    judgments, reports, table, notes, models, trained, published_as, published_notes, \
n_replicates, seed
        See `wildpaper.measure.mtbench.scores.measure_scores`.
    """
    judged = read_judged(judgments, models, trained, published_as, reports)
    rows = judged.plain("pair")
    cells: list[Cell] = []
    order = {name: place for place, name in enumerate(judged.models)}
    pairs = sorted(set(zip(rows["first"], rows["second"], strict=True)),
                   key=lambda pair: [order[name] for name in pair])  # fmt: skip
    for first, second in pairs:
        chosen = rows[(rows["first"] == first) & (rows["second"] == second)]
        cells += _pair_cells(first, second, count_pair(chosen), judged, n_replicates, seed)
    answered = {cell.claim for cell in cells}
    for first, second in PUBLISHED_PAIRS:
        for outcome in OUTCOMES:
            row = f"{first}-vs-{second}"
            claim = f"table-10.{row}.{outcome}"
            if claim not in answered:
                cells.append(Cell(row, outcome, None, None, None, None, _COMPARISONS, claim, ""))
    write_long_table(table, cells)
    write_json(notes, explain(cells, "table-10.", judged, published_notes))


def count_pair(rows: pd.DataFrame) -> PairCounts:
    """Count what a pair of models, or several, came to.

    Parameters
    ----------
    rows : DataFrame
        Plain judgments, `winner` relative to the first model whatever was shown first.
    """
    questions = sorted(rows["question_id"].unique())
    winner, swapped = rows["winner"], rows["swapped"].astype(bool)
    first_shown = (winner == "first") & ~swapped | (winner == "second") & swapped
    decided = winner.isin(["first", "second"])
    game = ["first", "second", "question_id", "turn"]
    wide = rows.pivot_table(
        index=game, columns="swapped", values="winner", aggfunc="first"
    ).reindex(columns=[False, True])
    whole = wide.dropna()
    agree = whole[False] == whole[True]
    verdict = whole[False].where(agree, "tie").to_numpy()
    plain = pd.DataFrame({"question_id": whole.index.get_level_values("question_id")})

    def games(chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Integers:
        return by_question(plain, pd.Series(chosen.astype(np.int64)), questions)

    n_all = len(rows.groupby(game))
    missing = rows["outcome"] == "no-answer"
    return PairCounts(
        {o: by_question(rows, (winner == w).astype(int), questions) for o, w in _WINNERS.items()},
        {outcome: games(verdict == w) for outcome, w in _WINNERS.items()},
        games(agree.to_numpy(dtype=bool)),
        by_question(rows, first_shown.astype(int), questions),
        by_question(rows, (decided & ~first_shown).astype(int), questions),
        int((winner.isna() & ~missing).sum()),
        int(missing.sum()),
        n_all - len(whole),
    )


def _pair_cells(
    first: str, second: str, found: PairCounts, judged: Judged, n_replicates: int, seed: int
) -> list[Cell]:
    row, route = f"{first}-vs-{second}", judged.route(first, second)
    own = f"own.{ARTIFACT}.{row}"
    printed = [judged.published.get(name) for name in (first, second)]
    base = f"table-10.{printed[0]}-vs-{printed[1]}" if tuple(printed) in PUBLISHED_PAIRS else own
    one = found.n_comparisons[:, None]
    counts = np.column_stack([found.comparisons[outcome] for outcome in OUTCOMES])
    shares = shares_of(counts, one, n_replicates, seed, own)
    cells = [
        share.cell(row, outcome, _COMPARISONS, f"{base}.{outcome}", route)
        for outcome, share in zip(OUTCOMES, shares, strict=True)
    ]
    games = np.column_stack([*(found.games[outcome] for outcome in OUTCOMES), found.consistent])
    names = [*(f"games-{outcome}" for outcome in OUTCOMES), "consistent"]
    shares = shares_of(games, found.n_games[:, None], n_replicates, seed, f"{own}.games")
    cells += [
        share.cell(row, name, _GAMES, f"{own}.{name}", route)
        for name, share in zip(names, shares, strict=True)
    ]
    rate = 2 * found.games["win"] + found.games["tie"]
    cells += [
        _ratio(row, "win-rate", rate, 2 * found.n_games, _GAMES, own, route, n_replicates, seed),
        _ratio(row, "position-bias", found.first_shown - found.second_shown, found.n_comparisons,
               "points of percent of comparisons", own, route, n_replicates, seed),
    ]  # fmt: skip
    for name, n, unit in (
        ("unparsed", found.n_unparsed, "comparisons"),
        ("missing", found.n_missing, "comparisons"),
        ("incomplete", found.n_incomplete, "games"),
    ):
        cells.append(Cell(row, name, n, None, None, None, unit, f"{own}.{name}", route))
    return cells


def _ratio(
    row: str, column: str, above: Integers, below: Integers, unit: str, own: str, route: str,
    n_replicates: int, seed: int,
) -> Cell:  # fmt: skip
    """Return 100 times a ratio of sums over questions, as a cell."""
    name = f"{own}.{column}"
    (interval,) = ratio_intervals(above[:, None], below[:, None], n_replicates, seed, name)
    n = int(below.sum())
    low, high = scaled(interval if n else None, 100)
    value = 100 * int(above.sum()) / n if n else None
    return Cell(row, column, value, low, high, n, unit, name, route)
