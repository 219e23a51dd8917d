"""What is behind a claim, as text for a terminal."""

import re
from typing import Any

from wildpaper.publish.explain.chain import Files, Step, digest_of, digest_of_list, short
from wildpaper.publish.explain.claim import Explained
from wildpaper.publish.explain.records import Records
from wildpaper.publish.explain.rules import find_rule
from wildpaper.terminal import command, folded, side_by_side

_STEP = "  "
_LARGE = 1e4


def listed(claims: list[dict[str, Any]], pattern: str) -> str:
    """Return claims as a table: id, published, obtained, verdict."""
    if not claims:
        return f"No claim matches {pattern!r}."
    rows = [("claim", "published", "obtained", "verdict")]
    for claim in claims:
        values = [_number(claim[name]) for name in ("published", "obtained")]
        if claim["kind"] == "summary":
            values = ["", claim["obtained"] or ""]
        rows.append((claim["id"], *values, claim["verdict"] or claim["truth_verdict"] or "own"))
    return side_by_side(rows, numbers=(1, 2))


def as_text(explained: Explained, *, full: bool = False) -> str:
    """Return what is behind a claim.

    Parameters
    ----------
    explained : Explained
    full : bool
        Whether to name each file, and checksums with all their digits.
    """
    facts = explained.facts
    claim = facts["claim"]
    parts = [claim["id"], side_by_side(_about(claim) + _behind(facts), indent=2)]
    if "takes" in facts:
        parts += ["", *_takes(facts["takes"])]
    if explained.chain:
        parts += ["", *_chain(explained, full)]
    if "changed" in facts:
        parts += ["", *_changed(facts["changed"])]
    for one in facts["commands"]:
        does = "Compute it" if one["does"] == "compute" else "Then compare it"
        parts += ["", f"{does}{' with ' + one['preset'] if 'takes' in facts else ' anew'}"]
        parts.append(command(one["command"], indent=2))
    return "\n".join(parts)


def _about(claim: dict[str, Any]) -> list[tuple[str, str]]:
    """Return rows on the claim itself: published, obtained, verdict, truth."""
    if claim["kind"] == "summary":
        rows = [("statement", str(claim["published"]))]
        rows += [("in this run", f"it {claim['obtained']}")] if claim["obtained"] else []
        return [*rows, ("verdict", f"{claim['verdict']}: {claim['reason']}")]
    rows = []
    if claim["kind"] == "published":
        read = "read in the paper" if claim["checked"] else "not read in the paper"
        value = f"{_number(claim['published'])} {claim['unit']}"
        rows.append(("published", f"{value}; {claim['where']}, {read}"))
    obtained = "nothing" if claim["obtained"] is None else _number(claim["obtained"])
    if claim["obtained"] is not None and claim["kind"] == "own":
        obtained += f" {claim['unit']}"
    if claim["ci_low"] is not None:
        ends = (_number(claim["ci_low"]), _number(claim["ci_high"]))
        obtained += f", 95 % interval {ends[0]} to {ends[1]}"
    if claim["kind"] == "own":
        obtained += "; no published value"
    rows.append(("obtained", obtained))
    if claim["tolerance"] is not None:
        rows.append(("tolerance", f"{_number(claim['tolerance'])} either way"))
    if claim["verdict"]:
        reasons = "; ".join(dict.fromkeys(claim["reason"].split("; ")))
        rows.append(("verdict", ": ".join(filter(None, [claim["verdict"], reasons]))))
    if claim["truth"] is not None:
        rows.append(("planted", _planted(claim)))
    rows.append(("route", claim["route"] or "none, nothing was obtained"))
    return rows


def _planted(claim: dict[str, Any]) -> str:
    off = claim["truth_tolerance"]
    if claim["truth_verdict"] is None:
        return f"{_number(claim['truth'])}; not compared"
    how = "exactly" if off == 0 else f"within {_number(off)}, the error of a classifier between"
    return f"{_number(claim['truth'])}; {claim['truth_verdict']}, {how}"


def _behind(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return rows on artifact, cell, rule, function, code, and where the claim is shown."""
    rows = []
    if facts["artifact"]:
        rows.append(("artifact", f"{facts['artifact']['id']}: {facts['artifact']['title']}"))
    if cell := facts["cell"]:
        n = f", n {_number(int(cell['n']))}" if cell["n"] else ""
        rows.append(("cell", f"{cell['file']}, line {cell['line']}"))
        rows.append(("", f"row {cell['row']}, column {cell['column']}{n}"))
    rule = facts["rule"]
    if rule and rule.get("file"):
        rows.append(("rule", f"{rule['name']}, {rule['file']}:{rule['line']}"))
        rows.append(("function", f"{rule['module']}.{rule['function']}"))
        rows.append(("", f"{rule['function_file']}:{rule['function_line']}"))
        if rule["code_digest"]:
            changed = "; edited since, run it anew" if rule["code_changed"] else "; as it is now"
            rows.append(("code", f"digest {rule['code_digest']}{changed}"))
    elif rule:
        rows.append(("rule", rule["name"]))
    shown = [name for name in facts["shown_in"] if not name.endswith(".ipynb")]
    rows += [("shown in" if i == 0 else "", one) for i, one in enumerate(shown)]
    return rows


def _takes(takes: dict[str, Any]) -> list[str]:
    if not takes["needs"]:
        return ["It is a statement in words: no rule computes it."]
    lines = ["It takes", *(folded(f"- {need}", 2, 2) for need in takes["needs"])]
    if not takes["presets"]:
        return [*lines, "No other preset in config/ computes it."]
    lines.append(f"Presets that compute it: {', '.join(takes['presets'])}. Can they run here?")
    return [*lines, *(f"  python -m wildpaper doctor --preset {one}" for one in takes["presets"])]


def _changed(changed: list[dict[str, str]]) -> list[str]:
    if not changed:
        return ["All files behind it still have these checksums."]
    rows = [(one["path"], one["found"]) for one in changed]
    return ["Not as they were when the run used them", side_by_side(rows, indent=2)]


def _chain(explained: Explained, full: bool) -> list[str]:
    assert explained.chain is not None  # noqa: S101 - checked by the caller
    digits = "whole" if full else "beginnings; of several files, of their list (--full: each)"
    lines = [folded(f"Back to the raw files: └ names the rule that made what stands above; "
                    f"checksums are SHA-256, {digits}")]  # fmt: skip
    lines += _step(explained.chain, explained.records, 1, full, set())
    if others := explained.facts["other_datasets"]:
        lines.append(
            folded(f"The first rule reads the same files of {', '.join(others)}, too.", indent=2)
        )
    return lines


def _step(step: Step, records: Records, depth: int, full: bool, told: set[str]) -> list[str]:
    indent = _STEP * depth
    lines = [line for files in step.files for line in _files(files, records, indent, full, told)]
    if not step.rule:
        return lines
    if step.above:
        mark = f"  … {step.rule} above"
        return [line if line.lstrip().startswith("= ") else line + mark for line in lines]
    found = find_rule(step.rule)
    place = ""
    if found and found.function_file:
        file = found.function_file.removeprefix("workflow/wildpaper/")
        place = f"  {file}:{found.function_line}"
    jobs = f" ({step.jobs} jobs)" if step.jobs > 1 else ""
    lines.append(f"{indent}└ {step.rule}{jobs}{place}")
    for one in step.behind:
        lines += _step(one, records, depth + 1, full, told)
    return lines


def _files(files: Files, records: Records, indent: str, full: bool, told: set[str]) -> list[str]:
    """Return a line for files of one kind, or for each, and once what an acquired.json holds."""
    lines = []
    for name in files.names if full else [files.pattern]:
        names = [name] if full else files.names
        checksum = digest_of(names, records) or "not known"
        several = f"  {len(names)} files" if len(names) > 1 else ""
        digits = checksum if full else short(checksum)
        lines.append(
            f"{indent}{name.removeprefix(f'results/{records.preset}/')}{several}  {digits}"
        )
        new = [name for name in names if name not in told]
        held = [one for name in new for one in files.held.get(name, [])]
        told.update(new)
        lines += [f"{indent}{_STEP}= {line}" for line in _held(held, full)]
    return lines


def _held(held: list[dict[str, Any]], full: bool) -> list[str]:
    """Return a line for each raw file, or for those of a name that differ in their number."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in held:
        alike = one["name"] if full else re.sub(r"\d{5,}", "*", one["name"])
        groups.setdefault(alike, []).append(one)
    lines = []
    for alike, files in groups.items():
        size = f"{_number(sum(one['n_bytes'] for one in files))} bytes"
        if len(files) == 1:
            digits = files[0]["sha256"] if full else short(files[0]["sha256"])
            lines.append(f"{files[0]['name']}  {size}  {digits}")
        else:
            digits = short(digest_of_list([(one["sha256"], one["name"]) for one in files]))
            lines.append(f"{alike}  {len(files)} files  {size}  {digits}")
    return lines


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return "" if value is None else str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= _LARGE else f"{value:.6g}"
