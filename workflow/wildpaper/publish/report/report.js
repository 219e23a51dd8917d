// The rest of the page: figures that enlarge, notebooks that open, addresses, print.
(() => {
  const dialog = document.getElementById("zoom");
  const picture = dialog.querySelector("img");
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button.zoom");
    if (!pressed) return;
    const image = pressed.querySelector("img");
    picture.src = image.src;
    picture.alt = image.alt;
    document.getElementById("zoom-title").textContent = image.alt;
    dialog.showModal();
  });
  document.getElementById("zoom-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { picture.removeAttribute("src"); });

  let stored = null;
  function notebook(name) {
    stored = stored || JSON.parse(document.getElementById("notebook-data").textContent);
    return stored.notebooks[name].replace(/\{\{style:(\d+)\}\}(?=<\/style>)/g, (_, n) => stored.styles[n]);
  }
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[data-notebook]");
    if (!pressed) return;
    let frame = pressed.parentElement.querySelector("iframe");
    const opens = pressed.getAttribute("aria-expanded") === "false";
    if (!frame) {
      frame = document.createElement("iframe");
      frame.title = pressed.dataset.title;
      frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
      frame.srcdoc = notebook(pressed.dataset.notebook);
      pressed.after(frame);
    }
    frame.hidden = !opens;
    pressed.setAttribute("aria-expanded", String(opens));
    pressed.textContent = opens ? "Close the notebook" : "Open the notebook";
  });

  function follow() {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { return; }
    if (!id || claims.reveal(id)) return;
    const target = document.getElementById(id);
    if (!target) return;
    for (let around = target; around; around = around.parentElement) {
      if (around instanceof HTMLDetailsElement) around.open = true;
    }
    target.scrollIntoView();
    if (target.matches("figure")) target.focus({ preventScroll: true });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-artifact]");
    if (link) claims.choose("artifact", link.dataset.artifact);
  });
  addEventListener("hashchange", follow);
  // After the browser itself has gone there: that takes the focus away.
  addEventListener("load", () => setTimeout(follow));

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open]):not(.origin, .more)")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
})();
