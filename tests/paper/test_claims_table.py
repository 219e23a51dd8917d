"""The table of claims holds every published claim once, whatever stands in its fields."""

from pathlib import Path
from typing import Any

from paper_inputs import make_claim, published_claims, write_claims

from wildpaper.publish.claims_tex import breakable, write_claims_table
from wildpaper.tex import escape


def _write(tmp_path: Path, claims: list[dict[str, Any]]) -> tuple[str, str]:
    path = write_claims(tmp_path / "claims.json", claims)
    write_claims_table(path, tmp_path / "table.tex", tmp_path / "not-run.tex")
    table, not_run = tmp_path / "table.tex", tmp_path / "not-run.tex"
    return table.read_text(encoding="utf-8"), not_run.read_text(encoding="utf-8")


def test_every_published_claim_stands_in_the_table_exactly_once(tmp_path: Path) -> None:
    claims = published_claims(simulated=True)
    table, _ = _write(tmp_path, [*claims, make_claim(id="own.number", obtained=3)])
    for claim in claims:
        assert table.count(rf"\wpid{{{breakable(claim['id'])}}} &") == 1, claim["id"]
    assert breakable("own.number") not in table


def test_specials_in_ids_units_and_reasons_are_escaped(tmp_path: Path) -> None:
    nasty = "50% of #1 & {x_y} ~^\\"
    claims = [
        make_claim(
            id="a_b.c", kind="published", unit=nasty, where=nasty, verdict="not-run", reason=nasty
        ),
        make_claim(id="s", kind="summary", published=nasty, reason=nasty, verdict="deviates"),
    ]
    table, not_run = _write(tmp_path, claims)
    assert nasty not in table
    assert table.count(escape(nasty)) == 5  # place, unit, legend, statement, its reason
    assert escape(nasty) in not_run


def test_reasons_become_codes_with_a_legend(tmp_path: Path) -> None:
    claims = [
        make_claim(id=f"c{n}", kind="published", verdict="not-run", reason=f"reason {n % 2}")
        for n in range(4)
    ]
    table, _ = _write(tmp_path, claims)
    legend = table[table.index(r"\begin{wpreasons}") :]
    assert r"\item[R1] Reason 0" in legend
    assert r"\item[R2] Reason 1" in legend
    assert r"\item[R3]" not in legend
    assert table.count(r"& R1 \\") == table.count(r"& R2 \\") == 2


def test_planted_truth_has_columns_only_where_there_is_some(tmp_path: Path) -> None:
    claim = make_claim(kind="published", obtained=1)
    plain, _ = _write(tmp_path, [claim])
    assert "Planted" not in plain
    planted, _ = _write(tmp_path, [claim | {"truth": 1, "truth_verdict": "recovered"}])
    assert "Planted & Verdict & Truth" in planted
    assert "recovered" in planted


def test_an_unchecked_published_value_bears_a_dagger(tmp_path: Path) -> None:
    table, _ = _write(tmp_path, [make_claim(kind="published", published=1.5, checked=False)])
    assert r"1.5\textsuperscript{\textdagger}" in table


def test_what_was_not_run_is_counted_by_reason(tmp_path: Path) -> None:
    claims = [
        make_claim(id="a", where="table 9", verdict="not-run", reason="needs a GPU"),
        make_claim(id="b", where="table 9; figure 6", verdict="not-run", reason="needs a GPU"),
        make_claim(id="c", where="section 5", verdict="not-run", reason="needs a key"),
        make_claim(id="d", kind="summary", verdict="not-run", reason="a statement"),
    ]
    _, not_run = _write(tmp_path, claims)
    items = [line for line in not_run.splitlines() if line.startswith(r"\item")]
    assert items == [
        r"\item Needs a GPU: 2 claims (table~9; figure~6).",
        r"\item Needs a key: 1 claim (section~5).",
    ]


def test_nothing_not_run_and_no_claims_at_all_stay_valid_latex(tmp_path: Path) -> None:
    table, not_run = _write(tmp_path, [])
    assert "longtable" not in table
    assert r"\begin{itemize}" not in not_run
