"""How far recorded Detoxify scores agree with those that a checkpoint computes."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.language_pairs import cohen_kappa
from wildpaper.measure.shards import OpenedDataset, each_dataset
from wildpaper.measure.shares import shares_of
from wildpaper.measure.toxicity.category_shares import check_numbers, count_verdicts

ARTIFACT = "recorded-scores"
GROUPS = {"all": "true", "unredacted": "NOT redacted", "redacted": "redacted"}
"""{group of messages: SQL}; the last two where the release says which conversations it redacted."""

AGREEMENT, KAPPA, MEAN, LARGEST, SPEARMAN, TRUNCATED = (
    "agreement", "kappa", "mean-difference", "largest-difference", "spearman", "truncated",
)  # fmt: skip
_COMPARED = """
CREATE TABLE compared AS
SELECT m.conversation_id, m.position, m.cluster, v.redacted, c.truncated,
       m.toxicity::DOUBLE AS recorded, c.toxicity::DOUBLE AS computed,
       m.toxicity > {threshold!r}::DOUBLE AS above_recorded,
       c.toxicity > {threshold!r}::DOUBLE AS above_computed
FROM checks c
JOIN messages m USING (conversation_id, position)
JOIN conversations v USING (conversation_id)
WHERE m.has_detoxify AND c.toxicity IS NOT NULL
"""

Pairs = npt.NDArray[np.float64]


MEAN_DECIMALS, LARGEST_DECIMALS, SCORE_DECIMALS = 6, 4, 3
"""What is finer depends on which texts were scored in one batch."""


def measure_recorded_scores(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    checks: list[Path],
    table: Path,
    notes: Path,
    threshold: float,
    n_replicates: int,
    seed: int,
) -> None:
    """Compare the recorded head `toxicity` of sampled messages with the computed one.

    Parameters
    ----------
    reports, conversations, messages, detoxify : list of Path
        Of data sets whose scores are recorded; see `wildpaper.measure.shards.each_dataset`.
    checks : list of Path
        Shards of `detoxify_check` of the same data sets, in the same order.
    table, notes : Path
        The long table, a row a data set and a column ``<group>.<measure>``: share of the
        messages whose scores are on the same side of the threshold, Cohen's kappa, mean and
        largest absolute difference, Spearman's correlation, and the share of messages the end
        of which was not read; a JSON object {claim id: explanation}.
    threshold : float
        Of toxicity.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.

    Raises
    ------
    WildpaperError
        If scores are not recorded or are not a number, or a check belongs to no message or
        occurs twice.
    """
    n_shards = len(checks) // max(len(reports), 1)
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    labels = {"detoxify": detoxify}
    for i, opened in enumerate(
        each_dataset(reports, conversations, messages, labels, columns=("redacted",))
    ):
        _compare(opened, checks[i * n_shards : (i + 1) * n_shards], threshold)
        n_known = opened.one("SELECT count(redacted) FROM compared")
        for group in GROUPS if n_known else ("all",):
            cells += _of_group(opened, group, n_replicates, seed)
        explained |= _explain(opened, cells)
    write_long_table(table, cells)
    write_json(notes, explained)


def _compare(opened: OpenedDataset, checks: list[Path], threshold: float) -> None:
    """Create the tables `checks`, and `compared`: checked messages with a recorded score."""
    where = ", ".join(map(str, checks))
    if opened.routes["detoxify"] != "recorded":
        raise WildpaperError(
            f"The scores of {opened.dataset} are {opened.routes['detoxify']}; only recorded ones "
            "can be checked",
            where=where,
        )
    check_numbers(opened, ("toxicity",))
    opened.connection.execute("CREATE TABLE checks AS FROM read_parquet(?)", [[*map(str, checks)]])
    n = opened.one("SELECT count(*) FROM checks")
    n_found = opened.one(
        "SELECT count(*) FROM (SELECT DISTINCT conversation_id, position FROM checks) "
        "JOIN messages USING (conversation_id, position)"
    )
    n_broken = opened.one("SELECT count(*) FILTER (isnan(toxicity)) FROM checks")
    if n_found != n or n_broken:
        raise WildpaperError(
            f"{n - n_found} of {n} checks belong to no message or occur twice; {n_broken} have a "
            "score that is not a number",
            where=where,
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    opened.connection.execute(_COMPARED.format(threshold=threshold))


def _of_group(opened: OpenedDataset, group: str, n_replicates: int, seed: int) -> Iterator[Cell]:
    """Yield the cells of a group of messages."""
    row, route = opened.dataset, opened.route("detoxify")
    units = (
        f"SELECT cluster, above_recorded = above_computed AS {AGREEMENT}, {TRUNCATED} "  # noqa: S608
        f"FROM compared WHERE {GROUPS[group]}"
    )
    names = (AGREEMENT, TRUNCATED)
    counts = count_verdicts(opened, units, names)
    shares = shares_of(*counts, n_replicates, seed, f"{ARTIFACT}.{row}.{group}")
    for name, share in zip(names, shares, strict=True):
        yield share.cell(row, f"{group}.{name}", "percent of messages", _claim(row, group, name),
                         route)  # fmt: skip
    for name, value, unit in _numbers(opened, group):
        yield Cell(row, f"{group}.{name}", value, None, None, shares[0].total, unit,
                   _claim(row, group, name), route)  # fmt: skip


def _numbers(opened: OpenedDataset, group: str) -> list[tuple[str, float | None, str]]:
    """Return (name, value, unit) of what is no share."""
    found = opened.connection.execute(
        "SELECT recorded, computed, above_recorded, above_computed FROM compared "  # noqa: S608
        f"WHERE {GROUPS[group]} ORDER BY conversation_id, position"
    ).fetchnumpy()
    recorded, computed = (np.asarray(found[name], np.float64) for name in ("recorded", "computed"))
    sides = [np.asarray(found[f"above_{name}"], np.bool_) for name in ("recorded", "computed")]
    pairs = {
        (str(one), str(other)): int(((sides[0] == one) & (sides[1] == other)).sum())
        for one in (False, True)
        for other in (False, True)
    }
    kappa = cohen_kappa({pair: n for pair, n in pairs.items() if n}) if len(recorded) else None
    away = np.abs(recorded - computed)
    mean = round(math.fsum(away) / len(away), MEAN_DECIMALS) if len(away) else None
    largest = round(float(away.max()), LARGEST_DECIMALS) if len(away) else None
    return [
        (KAPPA, kappa, "Cohen's kappa"),
        (MEAN, mean, "probability"),
        (LARGEST, largest, "probability"),
        (SPEARMAN, _spearman(recorded, computed), "Spearman's correlation"),
    ]


def _spearman(recorded: Pairs, computed: Pairs) -> float | None:
    """Return the correlation of ranks of rounded scores; None where one side is constant."""
    recorded, computed = recorded.round(SCORE_DECIMALS), computed.round(SCORE_DECIMALS)
    if len(recorded) < 2 or np.ptp(recorded) == 0 or np.ptp(computed) == 0:
        return None
    return round(float(spearmanr(recorded, computed).statistic), LARGEST_DECIMALS)


def _explain(opened: OpenedDataset, cells: list[Cell]) -> dict[str, str]:
    n, n_compared = (opened.one(f"SELECT count(*) FROM {name}") for name in ("checks", "compared"))  # noqa: S608
    notes = {}
    for cell in cells:
        if cell.row != opened.dataset:
            continue
        parts = []
        if n_compared < n and cell.column.startswith("all."):
            parts.append(f"{n - n_compared:,} of {n:,} sampled messages lack one of the scores")
        if cell.value is None:
            parts.append("all on one side" if cell.n else "no messages of this kind")
        if parts:
            notes[cell.claim] = f"{opened.title}: {'; '.join(parts)}"
    return notes


def _claim(dataset: str, group: str, name: str) -> str:
    return f"own.{ARTIFACT}.{dataset}.{group}.{name}"
