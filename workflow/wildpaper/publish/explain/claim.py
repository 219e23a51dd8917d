"""Everything that is known of one claim of a run."""

import csv
import difflib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from wildpaper.artifacts import Artifact, load_artifacts
from wildpaper.config import DATASETS
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.publish.explain.chain import Step, as_json, trace
from wildpaper.publish.explain.records import Records, read_records
from wildpaper.publish.explain.rules import PROJECT, digest_now, find_rule

_NEAR = 5


@dataclass(frozen=True, slots=True)
class Explained:
    """A claim with all that is behind it: as JSON, and what its text is made of."""

    facts: dict[str, Any]
    chain: Step | None
    records: Records


def read_claims(results: Path, preset: str) -> list[dict[str, Any]]:
    """Return the claims of a run.

    Raises
    ------
    WildpaperError
        If the run has none yet; says how to make them.
    """
    path = results / "publish" / "claims.json"
    if not path.is_file():
        raise WildpaperError(
            f"There are no claims of the preset {preset!r} yet",
            where=str(path),
            hint=f"Make them: {_snakemake(preset, 'claims')}",
        )
    found: list[dict[str, Any]] = read_json(path)["claims"]
    return found


def find_claim(claims: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the claim of a name.

    Raises
    ------
    WildpaperError
        If there is none; names those that were probably meant.
    """
    by_id = {claim["id"]: claim for claim in claims}
    if name in by_id:
        return by_id[name]
    inside = [one for one in by_id if name in one]
    near = inside or difflib.get_close_matches(name, by_id, n=_NEAR, cutoff=0.6)
    meant = f"Did you mean {', '.join(near[:_NEAR])}? " if near else ""
    pattern = f" {name}" if inside else ""
    raise WildpaperError(
        f"There is no claim {name!r} in this run",
        hint=f"{meant}List them: python -m wildpaper explain --list{pattern}",
    )


def matching(claims: list[dict[str, Any]], pattern: str) -> list[dict[str, Any]]:
    """Return the claims whose id matches a pattern with ``*``, or holds it."""
    stars = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    return [claim for claim in claims if fnmatchcase(claim["id"], stars)]


def explain_claim(claim: dict[str, Any], results: Path, preset: str) -> Explained:
    """Return where a claim comes from.

    Parameters
    ----------
    claim : dict
        Of ``claims.json``.
    results : Path
        Folder of the run.
    preset : str
        What ran.

    Returns
    -------
    Explained
        ``facts``: ``claim``, ``artifact``, ``cell``, ``rule``, ``chain``, ``shown_in``,
        ``commands``; what does not exist is None.
    """
    records = read_records(results, preset)
    artifact = _artifact(claim)
    known = artifact.model_dump(mode="json") if artifact else None
    cell = _cell(claim, records)
    facts: dict[str, Any] = {
        "claim": claim, "artifact": known, "cell": cell, "rule": None, "chain": None,
        "other_datasets": [], "commands": [],
        "shown_in": _shown_in(claim["id"], cell["file"] if cell else "", records),
    }  # fmt: skip
    if cell is None:
        facts["rule"] = _rule(artifact.rule if artifact else "", None)
        return Explained(facts, None, records)
    chain, left = trace(cell["file"], records, _datasets(claim, artifact))
    job = records.made_by.get(cell["file"])
    facts["rule"] = _rule(chain.rule, job.code_digest if job else None)
    facts["chain"], facts["other_datasets"] = as_json(chain, records), left
    facts["commands"] = commands(known or _by_rule(cell, chain), preset, force=True)
    return Explained(facts, chain, records)


def _artifact(claim: dict[str, Any]) -> Artifact | None:
    known = load_artifacts(PROJECT / "data" / "artifacts.yaml")
    return next((one for one in known if one.id == claim["artifact"]), None)


def _datasets(claim: dict[str, Any], artifact: Artifact | None) -> list[str]:
    """Return the data sets behind a claim, raw logs with WildChat; none if that is not known."""
    named = [name for name in str(claim["dataset"]).split(",") if name in DATASETS]
    if not named and artifact and len(artifact.datasets) == 1:
        named = list(artifact.datasets)
    return [*named, "rawlogs"] if "wildchat" in named else named


def _cell(claim: dict[str, Any], records: Records) -> dict[str, Any] | None:
    """Return the line of a long table that holds the claim; None if no table has one."""
    folder = records.results / "measure"
    own = folder / f"{claim['artifact']}.csv"
    others = sorted(folder.glob("*.csv")) if claim["kind"] == "own" else []
    for path in dict.fromkeys([own, *others]):
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as handle:
                reader = csv.DictReader(handle)
                for line in reader:
                    if line.get("claim") == claim["id"]:
                        name = f"results/{records.preset}/measure/{path.name}"
                        fields = {key: line[key] for key in ("row", "column", "value", "n")}
                        return {"file": name, "line": reader.line_num, **fields}
    return None


def _rule(name: str, ran: str | None) -> dict[str, Any] | None:
    """Return a rule, its function, and whether its code is still what ran."""
    found = find_rule(name) if name else None
    if found is None:
        return {"name": name} if name else None
    now = digest_now(found)
    return found.as_json() | {
        "name": name,
        "code_digest": ran,
        "code_digest_now": now or None,
        "code_changed": bool(ran and now and ran != now),
    }


def _shown_in(claim: str, measured: str, records: Records) -> list[str]:
    """Return what shows the measured table, and where the paper's prose names the claim."""
    found = []
    for name, job in sorted(records.made_by.items()):
        if measured in job.inputs and "/present/" in name and not name.endswith((".tex", ".pdf")):
            found.append(name)
    macros = [f"\\{macro}{{{claim}}}" for macro in ("claim", "claimci", "published")]
    for path in sorted((PROJECT / "paper").rglob("*.tex")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [
            f"{path.relative_to(PROJECT)}:{number}"
            for number, line in enumerate(lines, start=1)
            if any(macro in line for macro in macros)
        ]
    return found


def _by_rule(cell: dict[str, Any], chain: Step) -> dict[str, Any]:
    """Return what stands for the artifact of a claim that has none: its measured table."""
    return {"id": Path(cell["file"]).stem, "kind": "numbers", "rule": chain.rule}


def commands(artifact: dict[str, Any] | None, preset: str, *, force: bool) -> list[dict[str, str]]:
    """Return the commands that compute an artifact's claims in a preset, and compare them.

    Parameters
    ----------
    artifact : dict or None
        Of ``data/artifacts.yaml``.
    preset : str
    force : bool
        Whether its rule shall run even if nothing that it reads has changed.
    """
    if artifact is None or not artifact["rule"]:
        return []
    target = artifact["id"]
    if artifact["kind"] == "numbers":
        target = f"results/{preset}/measure/{target}.csv"
    forced = ["--forcerun", artifact["rule"]] if force else []
    return [
        {"does": "compute", "preset": preset, "command": _snakemake(preset, target, *forced)},
        {"does": "compare", "preset": preset, "command": _snakemake(preset, "claims")},
    ]


def _snakemake(preset: str, target: str, *options: str) -> str:
    # the target stands first: --configfile and --forcerun take all words that follow
    chosen = ("--cores", "all", "--configfile", f"config/{preset}.yaml")
    return " ".join(["snakemake", target, *chosen, *options])
