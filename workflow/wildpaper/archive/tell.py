"""What a run takes from an archive, in words: printed before the run, and in dry runs."""

from wildpaper.archive.decide import COMPUTED, RESTORED, UNNEEDED, Decisions, Group
from wildpaper.archive.layout import Archive
from wildpaper.terminal import folded

_MB = 1e6


def told(archive: Archive, decisions: Decisions, unscanned: bool) -> str:
    """Return what is restored, computed or left out, and why; a line for each reason.

    Parameters
    ----------
    archive : Archive
    decisions : Decisions
    unscanned : bool
        Whether the last scan for leaks is left out, as there are no raw logs.
    """
    index = archive.index
    size = archive.n_bytes / _MB
    lines = [
        f"Starting from the archive {archive.path}: {len(index.members):,} files, {size:,.1f} MB, "
        f"of the preset {index.preset}, made by wildpaper {index.wildpaper}."
    ]
    restored = _rules(decisions.having(RESTORED))
    lines.append(_line("restored", restored or "nothing", ""))
    for reason, groups in _by_reason(decisions.having(COMPUTED)).items():
        lines.append(_line("computed", _rules(groups), reason))
    lines.append(_line("computed", "all that measures, draws and publishes", "always"))
    for reason, groups in _by_reason(decisions.having(UNNEEDED)).items():
        lines.append(_line("left out", _rules(groups), reason or "nothing needs it here"))
    if unscanned:
        why = "it compares with the raw logs; the archive was packed after it had passed"
        lines.append(_line("left out", "scan_results", why))
    return "\n".join(lines)


def statuses(decisions: Decisions) -> list[dict[str, str]]:
    """Return what becomes of each rule's results, as JSON."""
    return [
        {"results": group.name, "status": group.status, "reason": group.reason}
        for group in decisions.groups
    ]


def _by_reason(groups: list[Group]) -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.reason, []).append(group)
    return found


def _rules(groups: list[Group]) -> str:
    """Return the rules, each with the number of its jobs if there are several."""
    counts: dict[str, int] = {}
    for group in groups:
        counts[group.rule] = counts.get(group.rule, 0) + len(group.jobs)
    return ", ".join(f"{rule} ({n})" if n > 1 else rule for rule, n in counts.items())


def _line(status: str, what: str, why: str) -> str:
    text = f"{status}: {what}" + (f" - {why}" if why else "")
    return folded(text, indent=2, hanging=10)
