"""The claims ledger as LaTeX: every claim once, and what was not run and why.

Claims are grouped by where the paper prints them and by unit, so that neither needs a
column; reasons, which repeat a lot, become codes (R1, R2, …) with a legend. Each row is the
target of the numbers that the prose prints; its group leads to the table or figure.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from wildpaper.files import write_text
from wildpaper.publish.numbers import PrintedClaim, read_printed
from wildpaper.publish.prose_lint import cited_claims
from wildpaper.tex import escape

_SHOWN_PLACES = 8
_DAGGER = r"\textsuperscript{\textdagger}"


def write_claims_table(
    claims: Path, table: Path, not_run: Path, prose: Iterable[Path] = ()
) -> None:
    """Write the table of all claims and the list of what was not run.

    Parameters
    ----------
    claims : Path
        claims.json of the run.
    table : Path
        LaTeX: a longtable of the published claims, the legend of reasons, a longtable of
        the statements (claims of kind ``summary``), and one of our own numbers that the
        prose prints. The others are too many for print; claims.csv has them.
    not_run : Path
        LaTeX: one item per reason with its number of claims, the most frequent first;
        statements are left out, their table holds their reasons.
    prose : iterable of Path
        LaTeX sources of the paper.
    """
    printed = read_printed(claims)
    numeric = [claim for claim in printed if claim.kind == "published"]
    statements = [claim for claim in printed if claim.kind == "summary"]
    cited = set(cited_claims(prose))
    own = [claim for claim in printed if claim.kind == "own" and claim.id in cited]
    codes = reason_codes(numeric)
    parts = ["% Written from the claims ledger by wildpaper; do not edit.\n"]
    if numeric:
        parts.append(_numeric_table(numeric, codes))
        parts.append(_legend(codes))
    if statements:
        parts.append(_statement_table(statements))
    if own:
        parts.append(_own_table(own))
    write_text(table, "".join(parts))
    write_text(not_run, _not_run_list(printed))


def reason_codes(printed: Iterable[PrintedClaim]) -> dict[str, str]:
    """Return a code (R1, R2, …) for each distinct reason, in order of appearance."""
    reasons = dict.fromkeys(claim.reason for claim in printed if claim.reason)
    return {reason: f"R{position}" for position, reason in enumerate(reasons, start=1)}


def breakable(claim_id: str) -> str:
    """Return an id or a path as LaTeX that may be broken after a point, a dash, ``_`` or ``/``."""
    return re.sub(r"(\.|-|/|\\_)(?=.)", r"\1\\allowbreak{}", escape(claim_id))


def _row_name(claim: PrintedClaim) -> str:
    return rf"\wprow{{{claim.id}}}\wpid{{{breakable(claim.id)}}}"


def _groups(
    printed: list[PrintedClaim],
) -> dict[tuple[str, str], list[PrintedClaim]]:
    places = dict.fromkeys(claim.where for claim in printed)
    groups: dict[tuple[str, str], list[PrintedClaim]] = {}
    for place in places:
        for claim in printed:
            if claim.where == place:
                groups.setdefault((place, claim.unit), []).append(claim)
    return groups


def _numeric_table(printed: list[PrintedClaim], codes: dict[str, str]) -> str:
    planted = any(claim.truth for claim in printed)
    heads = ["Claim", "Published", "Obtained [interval]"]
    widths = [0.34, 0.12, 0.23, 0.14, 0.11, 0.06]
    heads += ["Verdict", "Route", "Why"]
    if planted:
        heads[3:4] = ["Planted", "Verdict", "Truth"]
        widths = [0.27, 0.10, 0.195, 0.10, 0.12, 0.085, 0.085, 0.045]
    lines = [_longtable_start("wpclaims", heads, widths, right=range(1, 4 if planted else 3))]
    for (place, unit), members in _groups(printed).items():
        title = escape(_capital(place)) or "Elsewhere"
        subtitle = f" \\quad {escape(unit)}" if unit else ""
        lines.append(rf"\wpclaimgroup{{{len(heads)}}}{{{_heading(members, title)}{subtitle}}}")
        lines += [_numeric_row(claim, codes, planted) for claim in members]
    lines.append("\\bottomrule\n\\end{longtable}\n\\endgroup\n")
    return "\n".join(lines)


def _heading(members: list[PrintedClaim], title: str) -> str:
    return rf"\wptoartifact{{{members[0].artifact}}}{{\textbf{{{title}}}}}"


def _numeric_row(claim: PrintedClaim, codes: dict[str, str], planted: bool) -> str:
    published = claim.published or r"\wpnone"
    cells = [
        _row_name(claim),
        published + ("" if claim.checked else _DAGGER),
        _obtained(claim),
    ]
    if planted:
        within = rf" \mbox{{\wpfaint $\pm$\,{claim.truth_tolerance}}}"
        cells.append((claim.truth or r"\wpnone") + (within if claim.truth_tolerance else ""))
    cells.append(claim.verdict or r"\wpnone")
    if planted:
        cells.append(claim.truth_verdict or r"\wpnone")
    route = "" if claim.verdict == "not-run" else claim.route
    cells += [route or r"\wpnone", codes.get(claim.reason, "")]
    return " & ".join(cells) + r" \\"


def _obtained(claim: PrintedClaim) -> str:
    within = rf" \mbox{{\wpfaint {claim.interval}}}" if claim.interval else ""
    return claim.obtained + within if claim.obtained else r"\wpnone"


def _own_table(printed: list[PrintedClaim]) -> str:
    """Return the table of our own numbers, grouped by what they belong to."""
    heads = ["Own number, cited in the text", "Obtained [interval]", "Unit", "Route"]
    lines = [_longtable_start("wpclaims", heads, [0.46, 0.22, 0.20, 0.12], right=[1])]
    for artifact in dict.fromkeys(claim.artifact for claim in printed):
        members = [claim for claim in printed if claim.artifact == artifact]
        heading = _heading(members, breakable(artifact) or "Elsewhere")
        lines.append(rf"\wpclaimgroup{{{len(heads)}}}{{{heading}}}")
        for claim in members:
            cells = [_row_name(claim), _obtained(claim), escape(claim.unit), claim.route]
            lines.append(" & ".join(cell or r"\wpnone" for cell in cells) + r" \\")
    lines.append("\\bottomrule\n\\end{longtable}\n\\endgroup\n")
    return "\n".join(lines)


def _statement_table(printed: list[PrintedClaim]) -> str:
    heads = ["Statement", "What it says", "What became of it", "Verdict"]
    lines = [_longtable_start("wpstatements", heads, [0.16, 0.37, 0.34, 0.13])]
    for claim in printed:
        here = f"In this run it {claim.obtained}" if claim.obtained else ""
        found = ". ".join(filter(None, (here, escape(_capital(claim.reason)))))
        cells = [
            _row_name(claim),
            claim.published or r"\wpnone",
            found or r"\wpnone",
            claim.verdict or r"\wpnone",
        ]
        lines.append(" & ".join(cells) + r" \\ \addlinespace[3pt]")
    lines.append("\\bottomrule\n\\end{longtable}\n\\endgroup\n")
    return "\n".join(lines)


def _longtable_start(
    name: str, heads: list[str], widths: list[float], right: Iterable[int] = ()
) -> str:
    columns = "".join(
        rf">{{\{'raggedleft' if position in right else 'raggedright'}\arraybackslash}}"
        rf"p{{\dimexpr {width:.3f}\linewidth-2\tabcolsep\relax}}"
        for position, width in enumerate(widths)
    )
    head = " & ".join(heads) + r" \\"
    return "\n".join(
        [
            rf"\begingroup\{name}style",
            rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
            rf"\toprule {head} \midrule",
            r"\endfirsthead",
            rf"\toprule {head} \midrule",
            r"\endhead",
            rf"\midrule \multicolumn{{{len(heads)}}}{{r@{{}}}}{{\wpfaint continued overleaf}} \\",
            r"\endfoot",
            r"\endlastfoot",
        ]
    )


def _legend(codes: dict[str, str]) -> str:
    if not codes:
        return ""
    items = "".join(
        rf"\item[{code}] {escape(_capital(reason))}" + "\n" for reason, code in codes.items()
    )
    return f"\\begin{{wpreasons}}\n{items}\\end{{wpreasons}}\n"


def _not_run_list(printed: list[PrintedClaim]) -> str:
    missing = [c for c in printed if c.verdict == "not-run" and c.kind != "summary"]
    if not missing:
        return "Nothing: every value was obtained.\n"
    counts = Counter(claim.reason or "No reason was recorded" for claim in missing)
    lines = [r"\begin{itemize}[itemsep=1pt,parsep=0pt]"]
    for reason, n in counts.most_common():
        places = [c.where for c in missing if (c.reason or "No reason was recorded") == reason]
        claims = "1 claim" if n == 1 else f"{n:,} claims"
        lines.append(
            rf"\item {escape(_capital(reason)).rstrip('.')}: {claims} ({_places(places)})."
        )
    lines.append(r"\end{itemize}")
    return "\n".join(lines) + "\n"


def _places(places: list[str]) -> str:
    distinct = list(dict.fromkeys(p.strip() for place in places for p in place.split(";")))
    distinct = [place for place in distinct if place] or ["no place in the paper"]
    shown = "; ".join(escape(place).replace(" ", "~") for place in distinct[:_SHOWN_PLACES])
    rest = len(distinct) - _SHOWN_PLACES
    return f"{shown} and {rest} more places" if rest > 0 else shown


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
