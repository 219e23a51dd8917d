"""What the doctor found, as text and as JSON."""

from dataclasses import asdict
from typing import Any

from wildpaper.doctor.coverage import Covered
from wildpaper.doctor.environment import Check
from wildpaper.doctor.presets import Preset
from wildpaper.terminal import folded, side_by_side

_COUNTS = ("computed", "real", "compared", "blank")


def as_json(checks: list[Check], presets: list[Preset]) -> dict[str, Any]:
    """Return all findings as JSON values."""
    return {
        "machine": [asdict(one) for one in checks],
        "presets": [
            {
                "name": one.name,
                "purpose": one.purpose,
                "can_run": one.can_run,
                "lacks": [asdict(lack) for lack in one.lacks],
                "network_not_asked": one.unasked,
                "claims": None if one.covered is None else _totals(one),
                "artifacts": None if one.covered is None else [asdict(c) for c in one.covered],
            }
            for one in presets
        ],
    }


def as_text(checks: list[Check], presets: list[Preset]) -> str:
    """Return all findings, aligned for a terminal."""
    rows = [(one.what, one.found + (f". {one.mend}" if one.mend else "")) for one in checks]
    parts = ["This machine", side_by_side(rows, indent=2), "", *_overview(presets)]
    for one in presets:
        parts += ["", *_lacks(one)] if one.lacks else []
        parts += ["", *_claims(one)] if len(presets) == 1 and one.covered else []
    return "\n".join(parts)


def _totals(one: Preset) -> dict[str, int]:
    covered = one.covered or []
    return {
        "published": sum(c.claims for c in covered),
        "computed": sum(len(c.computed) for c in covered),
        "real": sum(len(c.real) for c in covered),
        "compared": sum(len(c.compared) for c in covered),
        "blank": sum(len(c.blank) for c in covered),
    }


def _overview(presets: list[Preset]) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("preset", "can run here", "computed", "real", "compared", "blank", "purpose")
    ]
    for one in presets:
        totals = {name: str(n) for name, n in _totals(one).items()} if one.covered else {}
        counts = [totals.get(name, "?") for name in _COUNTS]
        says = "yes" if one.can_run else f"no, lacks {len(one.lacks)}"
        says += ", if online" if one.can_run and one.unasked else ""
        rows.append((one.name, says, *counts, one.purpose or "its file is not valid"))
    total = next((_totals(one)["published"] for one in presets if one.covered), 0)
    values = f"the {total} published values" if total else "published values"
    about = (
        f"Presets, and what becomes of {values}: computed; of these, from real data; of these, "
        "compared, since the data are the paper's; left blank"
    )
    unasked = [one.name for one in presets if one.unasked]
    said = [
        folded(f"Nobody was asked over the network, which {', '.join(unasked)} need"
               f"{'s' if len(unasked) == 1 else ''}: add --network.")
    ] if unasked else []  # fmt: skip
    return [folded(about), side_by_side(rows, indent=2, numbers=(2, 3, 4, 5)), *said]


def _lacks(one: Preset) -> list[str]:
    lines = [f"{one.name} lacks"]
    for number, lack in enumerate(one.lacks, start=1):
        what = lack.what + (f": {lack.found}" if lack.found else "")
        where = f" ({lack.where})" if lack.where else ""
        stop = "" if what.endswith(".") else "."
        lines.append(folded(f"{number}. {what}{where}{stop} {lack.mend}".rstrip(), 2, 3))
    return lines


def _claims(one: Preset) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("artifact", "computed", "real", "compared", "blank", "why blank")
    ]
    for c in one.covered or []:
        counts = [str(len(ids)) for ids in (c.computed, c.real, c.compared, c.blank)]
        rows.append((c.artifact, *counts, _reasons(c)))
    return [f"Published values of {one.name}", side_by_side(rows, 2, (1, 2, 3, 4))]


def _reasons(covered: Covered) -> str:
    """Return why values are blank; reasons that differ after their colon only become one."""
    by_beginning: dict[str, dict[str, None]] = {}
    for reason in covered.blank.values():
        beginning, _, rest = reason.partition(": ")
        parts = rest.split(", ") if rest else []
        by_beginning.setdefault(beginning, {}).update(dict.fromkeys(parts))
    return "; ".join(
        beginning + (f": {', '.join(rest)}" if rest else "")
        for beginning, rest in by_beginning.items()
    )
