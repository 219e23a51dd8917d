"""The page itself: templates beside this file, filled in, with style, script and data inside."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from wildpaper.publish.claims_md import VERDICTS
from wildpaper.publish.report.claims import FIELDS, TRUTH_VERDICTS

_HERE = Path(__file__).parent
_STYLES = ("report.css", "parts.css", "print.css")
_SCRIPTS = ("claims.js", "report.js")
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_KINDS = {"published": "published values", "own": "own numbers", "summary": "statements"}
MEANINGS = {
    "reproduced": "rounds to the printed value",
    "deviates": "does not round to it",
    "not-comparable": "obtained from other data than the paper's",
    "not-run": "not obtained in this run",
    "recovered": "the planted value, within the tolerance",
    "missed": "not the planted value, or none obtained",
}


def render_page(content: dict[str, Any]) -> str:
    """Return the whole page.

    Parameters
    ----------
    content : dict
        What `wildpaper.publish.report.build.gather` found.
    """
    notebooks, styles = content["notebooks"]
    rows = content["rows"]
    data = {
        "preset": content["run"].preset,
        "fields": FIELDS,
        "claims": [row.facts for row in rows],
        "titles": {artifact.id: artifact.title for artifact in content["artifacts"]},
        "shown": [a["artifact"].id for a in content["figures"] + content["tables"]],
    }
    embedded = {"styles": styles, "notebooks": {one.name: one.html for one in notebooks}}
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            **content | {"notebooks": notebooks},
            data=embed(data),
            embedded=embed(embedded),
            style=_asset(_STYLES),
            script=_asset(_SCRIPTS),
            verdicts=VERDICTS,
            truth_verdicts=TRUTH_VERDICTS,
            meanings=MEANINGS,
            choices=_choices(content),
            why={one.artifact: one.why for one in content["missing"] if one.artifact},
        )
    )


def embed(value: Any) -> Markup:
    """Return JSON that may stand in a script element: nothing in it ends one or starts one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for unsafe, escaped in _UNSAFE.items():
        text = text.replace(unsafe, escaped)
    return Markup(text)  # noqa: S704 - escaped above


def _asset(names: tuple[str, ...]) -> Markup:
    text = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
    return Markup(text)  # noqa: S704 - a file of this package


def _choices(content: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return {filter: (value, what it is called)}, only of values that occur."""
    rows = content["rows"]
    datasets = {name for row in rows for name in row.facts[FIELDS.index("datasets")]}
    found = {row.facts[FIELDS.index("artifact")] for row in rows}
    titles = content["titles"]
    return {
        "kind": _named(dict.fromkeys(row.kind for row in rows), _KINDS),
        "verdict": [(name, name) for name in VERDICTS if any(r.verdict == name for r in rows)],
        "truth_verdict": [
            (name, name) for name in TRUTH_VERDICTS if any(r.truth_verdict == name for r in rows)
        ],
        "route": [(name, name) for name in sorted({row.route for row in rows if row.route})],
        "dataset": [(name, title) for name, title in titles.items() if name in datasets],
        "artifact": [(a.id, f"{a.id}: {a.title}") for a in content["artifacts"] if a.id in found],
    }


def _named(values: dict[str, None], names: dict[str, str]) -> list[tuple[str, str]]:
    return [(value, names.get(value, value)) for value in values]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "count": lambda n: f"{n:,}",
        "share": lambda n, total: f"{100 * n / total:.3f}" if total else "0",
        "seconds": _seconds,
        "size": _size,
        "link": _link,
        "breakable": _breakable,
    }
    return made


def _seconds(value: float) -> str:
    if value < 100:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _size(n_bytes: int) -> str:
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    return f"{n_bytes / 1e3:,.0f} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:.1f} MB"


def _link(name: str) -> str:
    """Return an id as the end of an address."""
    return quote(name, safe="")


def _breakable(name: str) -> Markup:
    """Return an id that may break after its dots."""
    return Markup(".<wbr>").join(name.split("."))
