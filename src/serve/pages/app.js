// Light or dark without loading the page again. Pages work without this script.
"use strict";
(() => {
  const root = document.documentElement, key = "goodput-gate-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  document.getElementById("theme").addEventListener("click", (event) => {
    event.preventDefault();
    root.dataset.theme = (root.dataset.theme ? root.dataset.theme === "dark" : system.matches) ? "light" : "dark";
    document.cookie = `${key}=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    document.dispatchEvent(new Event("theme"));
  });
})();
