// Light or dark: the system's, until the switch says otherwise, which is remembered. What is folded would be missing on paper.
"use strict";
(() => {
  const root = document.documentElement, key = "goodput-gate-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const changed = () => document.dispatchEvent(new Event("theme"));
  try { const known = localStorage.getItem(key); if (known === "light" || known === "dark") root.dataset.theme = known; } catch { /* a file may not remember */ }
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = (root.dataset.theme ? root.dataset.theme === "dark" : system.matches) ? "light" : "dark";
    try { localStorage.setItem(key, root.dataset.theme); } catch { /* nor be told */ }
    changed();
  });
  system.addEventListener("change", changed);
  // Within the page of a run: in its theme, and it is told how tall this is.
  if (parent !== window) {
    root.dataset.framed = "";
    new ResizeObserver(() => parent.postMessage({ height: document.body.getBoundingClientRect().height }, "*")).observe(document.body);
    addEventListener("message", (event) => { if (event.source === parent && ["light", "dark"].includes(event.data?.theme)) { root.dataset.theme = event.data.theme; changed(); } });
  }
  // On paper: light, and open.
  let shown;
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; shown = root.dataset.theme ?? ""; root.dataset.theme = "light"; changed(); });
  addEventListener("afterprint", () => { if (shown) root.dataset.theme = shown; else delete root.dataset.theme; changed(); });
})();
