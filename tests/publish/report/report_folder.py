"""A made-up run for tests of the report: whole, or stopped half-way by a rule that failed."""

import json
import os
import struct
import zlib
from contextlib import chdir
from pathlib import Path

from wildpaper.files import sha256_file
from wildpaper.ledger import entry
from wildpaper.long_table import Cell, write_long_table
from wildpaper.publish.claims import FIELDS
from wildpaper.publish.report.build import write_report

HOSTILE = "Turns </script><script>alert(1)</script> & <b>more</b>"
SECRET = "my own private message"
BLANK = "this preset trains no model (config key train.recipe)"
ARTIFACTS = f"""
artifacts:
- {{id: table-01-datasets, kind: table, section: Comparison, title: Size of the data sets,
   datasets: [wildchat, alpaca], claims: ["table-01.*"], rule: measure_datasets}}
- {{id: figure-02a-turns, kind: figure, section: Comparison, title: "{HOSTILE}",
   datasets: [wildchat], claims: ["turns.*"], rule: measure_turns}}
- {{id: use-concentration, kind: figure, section: Comparison, title: Share of turns,
   datasets: [wildchat], claims: [], rule: measure_concentration}}
- {{id: loss-curve, kind: figure, section: Tuning, title: Training loss,
   datasets: [wildchat], claims: [], needs: [train], rule: measure_losses}}
- {{id: toxicity-text, kind: numbers, section: Toxicity, title: Numbers of the text,
   datasets: [wildchat], claims: ["toxicity.*"], rule: measure_toxicity_text}}
"""
NOTEBOOK = """<!DOCTYPE html><html><head><title>n</title>
<script src="https://example.org/require.js"></script>
<script>window.ran = true; document.title = "<ran>";</script>
<link rel="stylesheet" href="https://example.org/x.css">
<style>@import url(https://example.org/y.css); p { background: url("https://example.org/z.png"); }
h1 { color: navy; }</style>
<style>FILLER</style></head>
<body onload="alert(2)"><h1 id="a">A small notebook<a href="#a">&#182;</a></h1>
<p style="color: red; background: url(http://example.org/q.png)">5 &lt; 6 &amp; more</p>
<img src="http://example.org/p.png"><img alt="dot" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<iframe src="https://example.org"></iframe><a href="https://example.org/doc">manual</a>
<a href="javascript:alert(3)">bad</a></body></html>
""".replace("FILLER", ".jp { margin: 0; }\n" * 200)


def claim(name, **facts):
    empty = dict.fromkeys(FIELDS) | {"reason": "", "checked": True, "unit": "turns"}
    return (
        empty | {"id": name, "kind": "published", "dataset": "wildchat", "where": "table 1"} | facts
    )


def claims_of_run():
    table = {"artifact": "table-01-datasets", "rule": "measure_datasets"}
    text = {"artifact": "toxicity-text", "rule": "measure_toxicity_text", "where": "section 4"}
    simulated = {"route": "simulated", "truth": 2.5, "truth_tolerance": 0}
    return [
        claim("table-01.wildchat.turns", **table, published=2.54, obtained=2.5, tolerance=0.005,
              verdict="not-comparable", reason="simulated corpus", truth_verdict="recovered",
              ci_low=2.4, ci_high=2.6, **simulated),
        claim("table-01.alpaca.turns", **table, published=1.0, obtained=1.0, tolerance=0.005,
              verdict="reproduced", route="computed", dataset="alpaca"),
        claim("table-01.alpaca.users", **table, published=10, obtained=9, tolerance=0.5,
              verdict="deviates", reason=HOSTILE, route="computed", dataset="alpaca"),
        claim("toxicity.share", **text, published=12.5, verdict="not-run", tolerance=0.05,
              reason="this run has no GPU"),
        claim("own.table-01-datasets.wildchat.median", kind="own", where="own numbers",
              artifact="table-01-datasets", rule="measure_datasets", obtained=2,
              truth_verdict="missed", **simulated),
        claim("seed.size", kind="summary", where="summary", dataset="", unit="statement",
              published="1 million conversations", verdict="not-run", reason="agrees"),
    ]  # fmt: skip


def write_png(path, width=120, height=60):
    row = b"\0" + b"\x40\x80\xc0" * width
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
             (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")]  # fmt: skip
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts
        )
    )


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def leave_job(rule, outputs, said="", name="all"):
    """Leave the log and the record of a job; only a log if it said something and made nothing."""
    log = Path("results/tiny/logs", rule, f"{name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(said, encoding="utf-8")
    if outputs:
        record = {"rule": rule, "wildcards": {}, "inputs": ["data/x.yaml"], "outputs": outputs}
        record |= {"code_digest": "0" * 16, "seconds": 2.5, "peak_mb": 100.0}
        write_json(log.with_suffix(".provenance.json"), record)
        os.utime(log, (1, 1))


def write_run(*, whole):
    """Write the files of a run below the current folder."""
    results = Path("results/tiny")
    for folder in ("present/tables", "present/figures", "present/notebooks", "publish"):
        (results / folder).mkdir(parents=True)
    Path("artifacts.yaml").write_text(ARTIFACTS, encoding="utf-8")
    release = {"title": "Simulated WildChat", "simulated": True, "why_not": "invented"}
    write_json(Path("acquired.json"), {"dataset": "wildchat", "release": release})
    table = results / "present/tables/table-01-datasets.csv"
    write_long_table(table, [
        Cell("wildchat", "turns", 2.5, 2.4, 2.6, 40, "turns", "table-01.wildchat.turns",
             "simulated"),
        Cell("wildchat", "median", 2, None, None, 40, "turns",
             "own.table-01-datasets.wildchat.median", "simulated"),
        Cell("alpaca", "turns", 1.0, None, None, 9, "turns", "table-01.alpaca.turns", "computed"),
    ])  # fmt: skip
    leave_job("render_datasets", [str(table)])
    figure = results / "present/figures/figure-02a-turns.png"
    write_png(figure, 900, 500)
    leave_job("draw_turns", [str(figure)])
    if whole:
        _finish(results, [table, figure])
    else:
        _fail()


def _fail():
    ours = "  Where: /home/someone/secret/config.yaml\n  Hint:  Set train.device.\n"
    leave_job("measure_losses", [], f"10:00:00 INFO reading\n10:00:01 ERROR No GPU found\n{ours}")
    other = f"Unexpected ValueError in rule measure_concentration: {SECRET}\n  Hint:  In x.\n"
    leave_job("measure_concentration", [], f"10:00:00 ERROR {other}")
    cell = f"Notebook cell 3 failed: KeyError: {SECRET}\n  Hint:  Open it.\n"
    leave_job("run_notebook", [], f"10:00:00 ERROR {SECRET}\n10:00:01 ERROR {cell}", "01_small")
    leave_job("measure_toxicity_text", [], f"10:00:00 INFO {SECRET}\n")


def _finish(results, made):
    other = results / "present/figures/use-concentration.png"
    write_png(other, 300, 200)
    leave_job("draw_concentration", [str(other)])
    notebook = results / "present/notebooks/01_small.html"
    notebook.write_text(NOTEBOOK, encoding="utf-8")
    write_json(results / "publish/claims.json",
               {"preset": "tiny", "release": {"wildchat": "Simulated WildChat"},
                "claims": claims_of_run()})  # fmt: skip
    write_json(results / "ledger.json", [
        entry("release", "rawlogs", "call", 60, {"no-consent": 30, "<b>own-traffic": 10}),
        entry("release", "wildchat", "conversation", 25, {"withdrawn": 5}),
        entry("ingest", "alpaca", "conversation", 9, {}),
    ])  # fmt: skip
    facts = {"wildcards": {}, "inputs": ["data/x.yaml"], "seconds": 2.5, "peak_mb": 100.0}
    write_json(results / "publish/manifest.json", {
        "wildpaper": "0.1.0", "preset": "tiny", "config_digest": "c0ffee",
        "hardware": {"system": "Linux", "machine": "x", "n_cores": 2, "memory_gb": 8,
                     "python": "3.11"},
        "packages": {"numpy": "2.0", "torch": None},
        "outputs": [{"path": str(path), "sha256": sha256_file(path), "bytes": 9,
                     "rule": f"make-{path.stem}", "route": "simulated", **facts}
                    for path in [*made, other]],
    })  # fmt: skip


def report_of(folder, project, **changes):
    """Write the report of the run in a folder; return its path."""
    results = Path("results/tiny")
    figures = ("figure-02a-turns", "use-concentration", "loss-curve")
    given = {
        "claims": results / "publish/claims.json",
        "manifest": results / "publish/manifest.json",
        "ledger": results / "ledger.json",
        "tables": [results / "present/tables/table-01-datasets.csv"],
        "figures": [results / f"present/figures/{name}.png" for name in figures],
        "notebooks": [results / "present/notebooks/01_small.html"],
        "acquired": [Path("acquired.json")],
        "artifacts": Path("artifacts.yaml"),
        "sources": project / "data/sources.yaml",
        "report": Path("report.html"),
        "logs": [str(results / "logs")],
        "preset": "tiny",
        "version": "0.1.0",
        "datasets": ["wildchat", "alpaca"],
        "blanks": {},
    }
    with chdir(folder):
        write_report(**given | changes)
    return folder / "report.html"


def make_run(folder, *, whole):
    """Write a run in a new folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with chdir(folder):
        write_run(whole=whole)
    return folder
