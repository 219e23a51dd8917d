// The table of claims: search, filters, order, rows that open.
"use strict";
const report = JSON.parse(document.getElementById("report-data").textContent);

const claims = (() => {
  const table = document.getElementById("claim-table");
  if (!table) return { reveal: () => false, choose: () => {} };
  const body = table.tBodies[0];
  const search = document.getElementById("claim-search");
  const form = search.form;
  const count = document.getElementById("claim-count");
  const selects = [...form.querySelectorAll("select")];
  const order = ["id", "where", "published", "obtained", "interval", "verdict", "truth_verdict", "route"];
  const rows = [...body.rows].map((row, place) => {
    const facts = {};
    report.fields.forEach((name, i) => { facts[name] = report.claims[place][i]; });
    const cells = [...row.cells].map((cell) => cell.textContent);
    const about = [...cells, facts.unit, facts.rule, facts.artifact, report.titles[facts.artifact] || ""];
    return { row, place, facts, cells, text: about.join(" ").toLowerCase(), detail: null };
  });
  const total = rows.length;
  let sorted = { key: "", down: false };
  let waiting = 0;

  const matches = (one, words, chosen) =>
    words.every((word) => one.text.includes(word)) &&
    chosen.every(([key, value]) =>
      key === "dataset" ? one.facts.datasets.includes(value) : one.facts[key] === value);

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = selects.filter((s) => s.value).map((s) => [s.dataset.filter, s.value]);
    let n = 0;
    for (const one of rows) {
      const shown = matches(one, words, chosen);
      if (shown) n += 1;
      one.row.hidden = !shown;
      if (one.detail) one.detail.hidden = !shown || !isOpen(one);
    }
    const said = chosen.map(([key, value]) => value.replace("published", "published values").replace("own", "own numbers"));
    const limits = [...said, ...(words.length ? [`“${search.value.trim()}”`] : [])];
    const of = n === total ? "" : ` of ${total.toLocaleString("en")}`;
    count.textContent = `${n.toLocaleString("en")}${of} claims shown${limits.length ? `: ${limits.join(", ")}` : ""}`;
  }

  const button = (one) => one.row.cells[0].firstElementChild;
  const isOpen = (one) => button(one).getAttribute("aria-expanded") === "true";

  function value(one, key) {
    const [published, obtained, low] = one.facts.sort;
    const numbers = { published, obtained, interval: low };
    if (key in numbers && numbers[key] !== null) return numbers[key];
    return one.cells[order.indexOf(key)];
  }

  function compare(a, b) {
    const empty = (v) => v === "" || v === null;
    if (empty(a) || empty(b)) return empty(a) - empty(b);
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  }

  function sort(key) {
    const again = sorted.key === key;
    sorted = again && sorted.down ? { key: "", down: false } : { key, down: again };
    const sign = sorted.down ? -1 : 1;
    const listed = [...rows].sort((a, b) => {
      if (!sorted.key) return a.place - b.place;
      const [left, right] = [value(a, key), value(b, key)];
      const blanks = (left === "") - (right === "");
      return blanks || sign * compare(left, right) || a.place - b.place;
    });
    const all = document.createDocumentFragment();
    for (const one of listed) {
      all.append(one.row);
      if (one.detail) all.append(one.detail);
    }
    body.append(all);
    for (const head of table.tHead.querySelectorAll("[aria-sort]")) {
      const own = head.firstElementChild.dataset.sort === sorted.key;
      head.setAttribute("aria-sort", own ? (sorted.down ? "descending" : "ascending") : "none");
    }
  }

  function entry(list, name, ...content) {
    if (!content.some(Boolean)) return;
    const [term, text] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    text.append(...content.filter(Boolean));
    list.append(term, text);
  }

  function element(tag, text, href) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (href) made.href = href;
    return made;
  }

  function artifact(name) {
    if (!name) return "";
    const title = report.titles[name] ? `${report.titles[name]} (${name})` : name;
    const kind = ["figure", "table"].find((k) => document.getElementById(`${k}-${name}`));
    return kind ? element("a", title, `#${kind}-${name}`) : title;
  }

  function makeDetail(one) {
    const { facts, cells } = one;
    const list = document.createElement("dl");
    entry(list, "Reason", cells[8]);
    entry(list, "Unit", facts.unit);
    entry(list, "95 % interval", cells[4]);
    entry(list, "Tolerance", facts.tolerance);
    entry(list, "Planted value", facts.truth && `${facts.truth}${facts.truth_tolerance ? ` (tolerance: ${facts.truth_tolerance})` : ""}`);
    entry(list, "Artifact", artifact(facts.artifact));
    entry(list, "Rule", facts.rule && element("code", facts.rule));
    if (facts.kind !== "summary") {
      entry(list, "Recompute", element("code", `snakemake --cores all ${facts.target} --configfile config/${report.preset}.yaml`));
    }
    entry(list, "Link", element("a", `#${one.row.id}`, `#${encodeURIComponent(one.row.id)}`));
    const cell = document.createElement("td");
    cell.colSpan = one.row.cells.length;
    cell.append(list);
    const detail = document.createElement("tr");
    detail.className = "detail";
    detail.id = `detail-${one.place}`;
    detail.append(cell);
    return detail;
  }

  function open(one, wanted) {
    if (!one.detail) {
      one.detail = makeDetail(one);
      button(one).setAttribute("aria-controls", one.detail.id);
      one.row.after(one.detail);
    }
    one.detail.hidden = !wanted;
    button(one).setAttribute("aria-expanded", String(wanted));
  }

  function clear() {
    search.value = "";
    for (const select of selects) select.value = "";
  }

  const byRow = new Map(rows.map((one) => [one.row, one]));
  body.addEventListener("click", (event) => {
    const pressed = event.target.closest("button.open");
    if (!pressed) return;
    const one = byRow.get(pressed.closest("tr"));
    open(one, !isOpen(one));
  });
  table.tHead.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (pressed) sort(pressed.dataset.sort);
  });
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 120);
  });
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => { event.preventDefault(); clear(); show(); });

  const kind = selects.find((select) => select.dataset.filter === "kind");
  if (kind && [...kind.options].some((option) => option.value === "published")) kind.value = "published";
  show();
  return {
    // Show and open the claim that an address names; say whether there is one.
    reveal(id) {
      const one = rows.find((candidate) => candidate.row.id === id);
      if (!one) return false;
      if (one.row.hidden) { clear(); show(); }
      open(one, true);
      for (const other of rows) other.row.classList.toggle("pointed", other === one);
      one.row.scrollIntoView({ block: "center" });
      button(one).focus({ preventScroll: true });
      return true;
    },
    choose(key, chosen) {
      clear();
      if (kind) kind.value = "published";
      for (const select of selects) if (select.dataset.filter === key) select.value = chosen;
      show();
    },
  };
})();
