"""The report in a browser: it loads nothing, fits any screen, and works by mouse and keyboard."""

import io
import json

import pytest
from pypdf import PdfReader

SIZES = [(375, 800), (1440, 900)]
VISIBLE = (
    "[...document.querySelectorAll('#claim-table tr.claim:not([hidden]) th')]"
    ".map(cell => cell.textContent)"
)
COUNT = "document.getElementById('claim-count').textContent"
ALL = ["table-01.wildchat.turns", "table-01.alpaca.turns", "table-01.alpaca.users",
       "toxicity.share"]  # fmt: skip


@pytest.fixture
def page(browser, whole_page):
    opened = browser.open(whole_page)
    yield opened
    assert not opened.complaints()
    assert not opened.requests()
    opened.close()


def choose(page, key, value):
    page.run(
        f"(() => {{ const s = document.querySelector('select[data-filter={key}]');"
        f"s.value = {json.dumps(value)};"
        "s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_opens_without_complaint_request_or_overflow(browser, either_page, width, height):
    page = browser.open(either_page, width, height)
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert not page.complaints()
    assert not page.requests()
    assert page.run("document.querySelector('h1').textContent")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_axe_finds_nothing_serious(browser, axe, either_page, width, height, scheme):
    page = browser.open(either_page, width, height)
    page.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    page.run("for (const one of document.querySelectorAll('button.open')) one.click()")
    page.run(f"{axe}; undefined")
    passed, found = page.run(
        "axe.run(document, {iframes: false}).then(r => [r.passes.map(p => p.id), r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 150)).join(' | '))])"
    )
    assert "color-contrast" in passed
    assert found == []
    page.close()


def test_published_values_come_first_and_the_count_is_announced(page):
    assert page.run(VISIBLE) == ALL
    assert page.run(COUNT) == "4 of 6 claims shown: published values"
    assert page.run("document.getElementById('claim-count').getAttribute('aria-live')") == "polite"
    page.click(".filters button[type=reset]")
    assert page.run(COUNT) == "6 claims shown"


def test_search_and_filters_narrow_down_together(page):
    page.click("#claim-search")
    page.type("alpaca turns")
    page.wait(f"{COUNT}.startsWith('2 of 6')")
    assert page.run(VISIBLE) == ["table-01.alpaca.turns", "table-01.alpaca.users"]
    choose(page, "verdict", "deviates")
    assert page.run(VISIBLE) == ["table-01.alpaca.users"]
    page.run("document.querySelector('.filters').reset()")
    page.wait(f"{COUNT} === '6 claims shown'")
    choose(page, "dataset", "wildchat")
    assert page.run(VISIBLE) == [
        "table-01.wildchat.turns", "toxicity.share", "own.table-01-datasets.wildchat.median"
    ]  # fmt: skip
    choose(page, "truth_verdict", "missed")
    assert page.run(VISIBLE) == ["own.table-01-datasets.wildchat.median"]
    choose(page, "route", "computed")
    assert page.run(VISIBLE) == []
    assert page.run(COUNT).startswith("0 of 6")


def test_columns_sort_by_mouse_and_by_keyboard(page):
    def state(key):
        return page.run(
            f"document.querySelector('[data-sort={key}]').closest('th').getAttribute('aria-sort')"
        )

    page.click("[data-sort=published]")
    assert state("published") == "ascending"
    assert page.run(VISIBLE)[:3] == ["table-01.alpaca.turns", "table-01.wildchat.turns", ALL[2]]
    page.press("Enter")
    assert state("published") == "descending"
    assert page.run(VISIBLE)[0] == "toxicity.share"
    page.press("Space")
    assert state("published") == "none"
    assert page.run(VISIBLE) == ALL
    page.click("[data-sort=interval]")
    assert page.run(VISIBLE)[0] == "table-01.wildchat.turns"
    page.click("[data-sort=id]")
    assert (state("interval"), state("id")) == ("none", "ascending")
    assert page.run(VISIBLE) == sorted(ALL)


def test_a_row_opens_by_keyboard_on_reason_and_command(page):
    page.run("document.querySelector('#claim-search').focus()")
    page.run("document.querySelector('#claim-table button.open').focus()")
    page.press("Enter")
    detail = "document.querySelector('tr.detail:not([hidden])')"
    text = page.run(f"{detail}.innerText")
    for part in ("simulated corpus", "± 0.005", "2.5", "measure_datasets", "exact"):
        assert part in text
    assert "snakemake --cores all table-01-datasets --configfile config/tiny.yaml" in text
    assert (
        page.run(f"{detail}.querySelector('a').getAttribute('href')") == "#table-table-01-datasets"
    )
    page.press("Enter")
    assert page.run(f"{detail} === null")


def test_every_control_can_be_reached_and_shows_its_focus(page):
    seen = set()
    for _ in range(60):
        page.press("Tab")
        where, width = page.run(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            "return [e.id || e.dataset.sort || e.dataset.filter || e.className || e.tagName,"
            "parseFloat(s.outlineWidth) * (s.outlineStyle !== 'none')]; })()"
        )
        seen.add(where)
        assert width >= 1 or where == "BODY", where
    assert {"skip", "claim-search", "kind", "published", "open", "zoom"} <= seen


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_figure_enlarges_and_escape_closes_it(page, by):
    button = "#figure-figure-02a-turns button.zoom"
    if by == "mouse":
        page.click(button)
    else:
        page.run(f"document.querySelector('{button}').focus()")
        page.press("Enter")
    page.wait("document.getElementById('zoom').open")
    page.wait("document.querySelector('#zoom img').naturalWidth === 900")
    assert "alert(1)" in page.run("document.getElementById('zoom-title').textContent")
    page.press("Escape")
    page.wait("!document.getElementById('zoom').open")
    assert page.run("document.activeElement.className") == "zoom"


def test_a_notebook_opens_without_a_request(page):
    assert page.run("document.querySelector('iframe') === null")
    page.click("button[data-notebook]")
    page.wait("document.querySelector('iframe')")
    page.run("new Promise(done => setTimeout(done, 400))")
    facts = "document.querySelector('iframe')"
    assert page.run(f"{facts}.title") == "A small notebook"
    assert "allow-scripts" not in page.run(f"{facts}.getAttribute('sandbox')")
    held = page.run(f"{facts}.srcdoc")
    assert "{{style" not in held
    assert ".jp { margin: 0; }" in held
    assert page.run("document.querySelector('button[data-notebook]').ariaExpanded") == "true"
    page.click("button[data-notebook]")
    assert page.run(f"{facts}.hidden")


def test_an_address_leads_to_a_claim_and_to_a_figure(browser, whole_page):
    page = browser.open(whole_page, address="#claim-own.table-01-datasets.wildchat.median")
    page.wait("document.activeElement.textContent === 'own.table-01-datasets.wildchat.median'")
    assert page.run("document.querySelectorAll('tr.detail:not([hidden])').length") == 1
    page.run("location.hash = '#figure-use-concentration'")
    page.wait("document.activeElement.id === 'figure-use-concentration'")
    page.run("location.hash = '#claim-toxicity.share'")
    page.wait("document.activeElement.textContent === 'toxicity.share'")
    page.click("a[data-artifact=table-01-datasets]")
    assert page.run(VISIBLE) == ALL[:3]
    assert not page.complaints()
    page.close()


def test_in_print_everything_is_open_and_controls_are_gone(page):
    page.media("print")
    shown = "(s) => [...document.querySelectorAll(s)].some(e => e.checkVisibility())"
    for control in ("nav", ".filters", "button[data-notebook]", "[data-sort]", ".skip"):
        assert not page.run(f"({shown})('{control}')"), control
    assert page.run(f"({shown})('td.reason')")
    assert page.run("document.documentElement.scrollWidth") <= 1440
    page.media("")
    printed = PdfReader(io.BytesIO(page.pdf()))
    text = " ".join("\n".join(sheet.extract_text() for sheet in printed.pages).split())
    for part in ("Verdicts at a glance", "this run has no GPU", "no-consent", "paper 2.54"):
        assert part in text
