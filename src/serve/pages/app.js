// Light or dark without loading the page again, a report as tall as it is, and the end of a run when it comes. Pages work without this script.
"use strict";
(() => {
  const root = document.documentElement, key = "goodput-gate-theme";
  const report = document.querySelector("iframe.report");
  const system = matchMedia("(prefers-color-scheme: dark)");
  document.getElementById("theme").addEventListener("click", (event) => {
    event.preventDefault();
    root.dataset.theme = (root.dataset.theme ? root.dataset.theme === "dark" : system.matches) ? "light" : "dark";
    document.cookie = `${key}=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    tellReport();
  });
  // The report's page runs apart, and may only say how tall it is.
  const tellReport = () => { if (root.dataset.theme) report?.contentWindow.postMessage({ theme: root.dataset.theme }, "*"); };
  if (report) addEventListener("message", (event) => {
    const height = event.source === report.contentWindow ? Number(event.data?.height) : 0;
    if (!(height > 0)) return;
    report.height = Math.min(Math.ceil(height) + 2, 60000);
    tellReport();
  });
  const going = document.querySelector("[data-going-on]");
  if (going) {
    const events = new EventSource(going.dataset.goingOn);
    events.addEventListener("ended", () => { events.close(); location.reload(); });
  }
})();
