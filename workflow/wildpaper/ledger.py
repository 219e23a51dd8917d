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


def merge_ledgers(parts: list[Path], ledger: Path, branches: bool = False) -> None:
    """Join the ledgers of all stages into one file, in the order of the stages.

    `branches` says that linking lets a call be a turn of several conversations.

    Raises
    ------
    WildpaperError
        If a row does not add up, a stage did not take what the one before it kept, or the
        release is not made of the conversations and calls that linking kept.
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
    _check_release(rows, ledger, branches)
    write_json(ledger, rows)


def _check_release(rows: list[dict[str, Any]], ledger: Path, branches: bool) -> None:
    """Check that the release is made of what linking kept.

    Each call that was kept is a turn of the release, a message and its reply, or, with
    branches, of several conversations.
    """
    counts = {(row["stage"], row["dataset"], row["unit"]): row for row in rows}
    for unit, linked, each in (("message", "call", 2), ("conversation", "conversation", 1)):
        before = counts.get(("release", "rawlogs", linked))
        after = counts.get(("release", "wildchat", unit))
        if not before or not after:
            continue
        repeated = branches and linked == "call" and after["in"] > each * before["kept"]
        if after["in"] != each * before["kept"] and not repeated:
            raise WildpaperError(
                f"{before['kept']} {linked}s were kept, but {after['in']} {unit}s were written",
                where=str(ledger),
            )
