"""The ledger: what each stage took, kept and dropped, by reason."""

from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, write_json

STAGES = ("release", "ingest", "annotate", "measure", "train", "evaluate")


def entry(
    stage: str, dataset: str, unit: str, kept: int, dropped: dict[str, int]
) -> dict[str, Any]:
    """Return one row of the ledger; what came in is the sum of what was kept and dropped."""
    reasons = {reason: n for reason, n in sorted(dropped.items()) if n}
    return {
        "stage": stage,
        "dataset": dataset,
        "unit": unit,
        "in": kept + sum(reasons.values()),
        "kept": kept,
        "dropped": reasons,
    }


def merge_ledgers(parts: list[Path], ledger: Path) -> None:
    """Join the ledgers of all stages into one file, in the order of the stages.

    Raises
    ------
    WildpaperError
        If a row does not add up, a stage did not take what the one before it kept, or the
        messages of a release are not two for each call that was kept.
    """
    rows = [row for part in parts for row in read_json(part)]
    rows.sort(key=lambda row: (STAGES.index(row["stage"]), row["dataset"], row["unit"]))
    kept: dict[tuple[str, str], tuple[str, int]] = {}
    for row in rows:
        if row["in"] != row["kept"] + sum(row["dropped"].values()):
            raise WildpaperError(f"The ledger does not add up: {row}", where=str(ledger))
        key = (row["dataset"], row["unit"])
        stage, before = kept.get(key, ("", row["in"]))
        if before != row["in"]:
            raise WildpaperError(
                f"Stage {row['stage']} took {row['in']} {row['unit']}s of {row['dataset']}, "
                f"but stage {stage} kept {before}",
                where=str(ledger),
            )
        kept[key] = (row["stage"], row["kept"])
    _check_turns(rows, ledger)
    write_json(ledger, rows)


def _check_turns(rows: list[dict[str, Any]], ledger: Path) -> None:
    """Check that each call that was kept is a turn of the release: a message and its reply."""
    counts = {(row["stage"], row["dataset"], row["unit"]): row for row in rows}
    calls = counts.get(("release", "rawlogs", "call"))
    messages = counts.get(("release", "wildchat", "message"))
    if calls and messages and messages["in"] != 2 * calls["kept"]:
        raise WildpaperError(
            f"{calls['kept']} calls were kept, but {messages['in']} messages were written",
            where=str(ledger),
        )
