"""The ledger as a page: every verdict, every claim, nothing that breaks a table."""

from ledgering import ALPACA, as_published, by_id, cell, release, write

from wildpaper.publish.claims_md import VERDICTS, claims_markdown


def page(folder, *args):
    result = write(folder, *args)
    return result, (folder / "claims.md").read_text(encoding="utf-8")


def table_rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_all_verdicts_are_counted_and_add_up(tmp_path):
    result, text = page(tmp_path, as_published(user_tokens_mean=1.0), [release()])
    counts = {
        line.split("|")[1].strip(): int(line.split("|")[2])
        for line in table_rows(text)
        if line.split("|")[1].strip() in VERDICTS
    }
    assert list(counts) == list(VERDICTS)
    published = [claim for claim in result["claims"] if claim["kind"] == "published"]
    assert sum(counts.values()) == len(published)
    assert counts["deviates"] == 1
    assert "## deviates (1)" in text
    assert "## reproduced (6)" in text


def test_every_claim_is_on_the_page_once(tmp_path):
    result, text = page(tmp_path, as_published(), [release()])
    for name in by_id(result):
        assert text.count(f"`{name}`") == 1, name


def test_pipes_and_line_breaks_do_not_break_a_table(tmp_path):
    name = ALPACA + "user-tokens-mean"
    notes = {name: "one | two\nthree"}
    _, text = page(tmp_path, as_published(user_tokens_mean=1.0), [release()], notes)
    (line,) = [line for line in table_rows(text) if f"`{name}`" in line]
    assert r"one \| two three" in line
    block = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line.replace(r"\|", "").count("|"))
        else:
            assert len(set(block)) <= 1
            block = []


def test_values_show_two_digits_more_than_the_printed_one(tmp_path):
    cells = [cell(c.claim, c.value) for c in as_published()]
    cells = [c for c in cells if "user-tokens-mean" not in c.claim]
    cells.append(cell(ALPACA + "user-tokens-mean", 19.66981, ci_low=19.5391, ci_high=19.80031))
    _, text = page(tmp_path, cells, [release()])
    (line,) = [line for line in table_rows(text) if f"`{ALPACA}user-tokens-mean`" in line]
    assert "| 19.67 | 19.6698 | 19.5391 to 19.8003 |" in line
    (line,) = [line for line in table_rows(text) if f"`{ALPACA}conversations`" in line]
    assert "| 52,002 | 52,002 |" in line
    (line,) = [line for line in table_rows(text) if f"`{ALPACA}turns-per-conversation`" in line]
    assert "| 1.00 | 1.0000 |" in line


def test_small_values_are_not_shown_as_zero():
    claim = dict.fromkeys(["where", "dataset", "reason", "ci_low", "ci_high"])
    claim |= {"id": "a.b", "kind": "published", "unit": "", "checked": True, "route": "computed"}
    claim |= {"published": 2e-05, "obtained": 2.04e-05, "tolerance": 5e-07}
    claim |= {"verdict": "reproduced"}
    text = claims_markdown({"preset": "p", "release": {}, "claims": [claim]})
    assert "| 0.000020 | 0.00002040 |" in text


def test_simulated_values_are_called_no_findings(tmp_path):
    _, text = page(tmp_path / "real", as_published(), [release()])
    assert "no findings" not in text
    cells = [cell(c.claim, c.value, "simulated") for c in as_published()]
    _, text = page(tmp_path / "made", cells, [release(comparable=False, why_not="simulated")])
    assert "they are no findings" in text


def test_a_run_without_data_says_so(tmp_path):
    _, text = page(tmp_path)
    assert "- no data set in this run" in text
    assert "## reproduced" not in text
