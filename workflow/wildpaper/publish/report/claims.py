"""The claims of a run as rows of a page: printed values, what to sort by, what to search."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from wildpaper.artifacts import Artifact
from wildpaper.config import DATASETS
from wildpaper.publish.claims_md import (
    VERDICTS,
    format_interval,
    format_published,
    format_value,
)

TRUTH_VERDICTS = ("recovered", "missed")
FIELDS = (
    "kind",
    "verdict",
    "truth_verdict",
    "route",
    "datasets",
    "artifact",
    "unit",
    "tolerance",
    "truth",
    "truth_tolerance",
    "rule",
    "target",
    "sort",
)
"""What a page knows of each claim besides what its row shows, in this order."""

_DATASET = {name: re.compile(rf"(?<![a-z0-9_]){name}(?![a-z0-9_])") for name in DATASETS}


@dataclass(frozen=True, slots=True)
class Row:
    """One claim: its texts, and `facts` in the order of `FIELDS`."""

    id: str
    where: str
    published: str
    obtained: str
    interval: str
    verdict: str
    truth_verdict: str
    route: str
    reason: str
    kind: str
    facts: list[Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many claims of an artifact have which verdict."""

    id: str
    title: str
    section: str
    verdicts: dict[str, int]
    truths: dict[str, int]

    @property
    def n(self) -> int:
        """Published claims."""
        return sum(self.verdicts.values())


def claim_rows(claims: list[dict[str, Any]], artifacts: list[Artifact]) -> list[Row]:
    """Return a row a claim, in the order of claims.json."""
    registry = {artifact.id: artifact for artifact in artifacts}
    return [_row(claim, registry.get(claim["artifact"] or "")) for claim in claims]


def _row(claim: dict[str, Any], artifact: Artifact | None) -> Row:
    return Row(
        id=claim["id"],
        where="own" if claim["kind"] == "own" else claim["where"] or "",
        published=show(claim["published"], format_published(claim)),
        obtained=show(claim["obtained"], format_value(claim["obtained"], claim["tolerance"])),
        interval=format_interval(claim),
        verdict=claim["verdict"] or "",
        truth_verdict=claim.get("truth_verdict") or "",
        route=claim["route"] or "",
        reason=claim["reason"] or "",
        kind=claim["kind"],
        facts=_facts(claim, artifact),
    )


def _facts(claim: dict[str, Any], artifact: Artifact | None) -> list[Any]:
    target = artifact.id if artifact and artifact.kind != "numbers" else "claims"
    numbers = [claim[key] for key in ("published", "obtained", "ci_low")]
    truth = claim.get("truth")
    facts = {
        "kind": claim["kind"],
        "verdict": claim["verdict"] or "",
        "truth_verdict": claim.get("truth_verdict") or "",
        "route": claim["route"] or "",
        "datasets": _datasets(claim["dataset"] or "", artifact),
        "artifact": claim["artifact"] or "",
        "unit": claim["unit"] or "",
        "tolerance": _tolerance(claim["tolerance"]),
        "truth": show(truth, format_value(truth, claim["tolerance"])),
        "truth_tolerance": _tolerance(claim.get("truth_tolerance")) if truth is not None else "",
        "rule": claim["rule"] or "",
        "target": target,
        "sort": [n if isinstance(n, int | float) else None for n in numbers],
    }
    return [facts[name] for name in FIELDS]


def show(value: Any, formatted: str) -> str:
    """Return a value's text; words stand as they are, without Markdown's escapes."""
    return value if isinstance(value, str) else formatted


def _tolerance(tolerance: float | None) -> str:
    if tolerance is None:
        return ""
    return f"± {tolerance:.4g}" if tolerance else "exact"


def _datasets(named: str, artifact: Artifact | None) -> list[str]:
    """Return the data sets behind a claim, as far as its row or its artifact names any."""
    found = [name for name, pattern in _DATASET.items() if pattern.search(named)]
    if not found and artifact and len(artifact.datasets) == 1:
        found = list(artifact.datasets)
    return found


def tallies(claims: list[dict[str, Any]], artifacts: list[Artifact]) -> list[Tally]:
    """Return the verdicts on the published values, artifact by artifact as registered."""
    published = [claim for claim in claims if claim["kind"] == "published"]
    found = []
    for artifact in artifacts:
        own = [claim for claim in published if claim["artifact"] == artifact.id]
        if own:
            counted = tally(own)
            found.append(Tally(artifact.id, artifact.title, artifact.section, *counted))
    return found


def tally(claims: list[dict[str, Any]]) -> tuple[dict[str, int], dict[str, int]]:
    """Count the verdicts, and the verdicts against the planted truth."""
    verdicts = Counter(claim["verdict"] for claim in claims)
    truths = Counter(claim.get("truth_verdict") for claim in claims)
    return (
        {name: verdicts[name] for name in VERDICTS},
        {name: truths[name] for name in TRUTH_VERDICTS},
    )


def reasons(claims: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Return (verdict, reason, how many published claims), the most frequent first."""
    counts = Counter(
        (claim["verdict"], claim["reason"])
        for claim in claims
        if claim["kind"] == "published" and claim["reason"]
    )
    order = {name: i for i, name in enumerate(VERDICTS)}
    listed = [(verdict, reason, n) for (verdict, reason), n in counts.items()]
    return sorted(listed, key=lambda item: (order.get(item[0], len(order)), -item[2], item[1]))
