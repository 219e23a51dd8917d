"""No digit typed by hand: planted ones are found, the real sections are clean."""

from pathlib import Path

import pytest
import yaml
from paper_inputs import ROOT

from wildpaper.errors import WildpaperError
from wildpaper.publish.prose_lint import check_prose, lint_prose, unknown_claims

SECTIONS = sorted((ROOT / "paper/sections").glob("*.tex"))
PROSE = [ROOT / "paper/main.tex", *SECTIONS]
ALLOWED = ROOT / "paper/digits-allowed.txt"


def _lint(tmp_path: Path, prose: str, allowed: str = "") -> list[str]:
    source, exceptions = tmp_path / "s.tex", tmp_path / "allowed.txt"
    source.write_text(prose, encoding="utf-8")
    exceptions.write_text(allowed, encoding="utf-8")
    return [f"{f.file.name}:{f.line}: {f.message}" for f in lint_prose([source], exceptions)]


@pytest.mark.parametrize(
    "prose",
    [
        "It has 7 parts.",
        r"\claim{table-01.x}, that is 12.5 percent",
        r"\papertable{table-01-datasets}{The 3 sets.}",
        r"\paperfigure[0.8\linewidth]{figure-02a-turns}{Up to 10 turns.}",
        r"\section{Part 2}",
        r"\emph{100} users",
        r"50\% of them",
        r"\href{https://x.org/1}{page 2}",
        "$x^2$",
        "GPT-4 and GPT-42",
    ],
)
def test_a_digit_typed_by_hand_is_found(tmp_path: Path, prose: str) -> None:
    findings = _lint(tmp_path, f"GPT-4\n{prose}\n", "GPT-4  # a model\n")
    assert len(findings) == 1
    assert findings[0].startswith("s.tex:2:")


@pytest.mark.parametrize(
    "prose",
    [
        r"\claim{table-02.3.5-turbo-0613}~\published{a.1} \pubgot{b.2} \unitof{c.3}",
        "words % 12 in a comment",
        r"\papertable{table-01-datasets}{Caption with \claim{a.1}.}",
        r"\paperfigure[0.8\linewidth]{figure-02a-turns}{Caption.}",
        r"\citep[see][]{zhao2024wildchat} \cref{table-06,table-07} \label{x1}",
        r"\vspace*{2pt}\setlength{\a}{3pt} a \\[4pt] b",
        r"\begin{tabular}{l}\end{tabular}",
        r"\href{https://x.org/1}{page}",
    ],
)
def test_ids_labels_lengths_and_comments_may_hold_digits(tmp_path: Path, prose: str) -> None:
    assert _lint(tmp_path, prose) == []


def test_a_percent_sign_hides_nothing(tmp_path: Path) -> None:
    assert len(_lint(tmp_path, r"many \% of 12")) == 1


def test_an_exception_that_is_not_used_is_reported(tmp_path: Path) -> None:
    findings = _lint(tmp_path, "GPT-4 only", "# comment\nGPT-4  # a model\nGPT-5  # a model\n")
    assert findings == ["allowed.txt:3: the exception 'GPT-5' is not used any more"]


@pytest.mark.parametrize("line", ["GPT-4", "GPT-4  #", "GPT-4  # a\nGPT-4  # b"])
def test_an_exception_without_a_reason_or_twice_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(WildpaperError, match="once, with a reason"):
        _lint(tmp_path, "GPT-4", line)


def test_unknown_claims_are_found_with_their_line(tmp_path: Path) -> None:
    source = tmp_path / "s.tex"
    source.write_text("\\claim{a.b}\n% \\claim{no}\n\\published{c.d} \\claim{a.b}\n", "utf-8")
    (finding,) = unknown_claims([source], ["a.b"])
    assert (finding.line, finding.message) == (3, "there is no claim 'c.d'")


def test_the_real_prose_is_clean_and_knows_its_claims() -> None:
    assert SECTIONS
    document = yaml.safe_load((ROOT / "data/published.yaml").read_text(encoding="utf-8"))
    check_prose(PROSE, ALLOWED, [claim["id"] for claim in document["claims"]])


def test_the_raising_variant_names_the_place(tmp_path: Path) -> None:
    source, exceptions = tmp_path / "s.tex", tmp_path / "allowed.txt"
    source.write_text("one\n2\n\\claim{x}\n", encoding="utf-8")
    exceptions.write_text("", encoding="utf-8")
    with pytest.raises(WildpaperError) as error:
        check_prose([source], exceptions, [])
    assert "s.tex:2" in str(error.value)
    assert "s.tex:3" in str(error.value)
