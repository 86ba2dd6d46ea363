// Keeps what a page shows of GPUs as it is, and shows a server's new state once it has one. The page
// works without this script.
"use strict";
(() => {
  const PACE = 2000;
  const pause = () => new Promise((done) => setTimeout(done, PACE));
  const cell = (kind, text, name) => Object.assign(document.createElement(kind), { textContent: text, className: name });
  const number = (x, by = 1) => x === null || x === undefined ? "-" : String(Math.round(x / by));
  const row = (gpu) => {
    const line = document.createElement("tr"), name = cell("th", `${gpu.index} ${gpu.name ?? ""}${gpu.lost ? " (lost)" : ""}`, "");
    name.scope = "row";
    const busy = number(gpu.utilisation_ratio, 0.01);
    line.append(name, ...[busy === "-" ? busy : `${busy} %`, number(gpu.memory_used_bytes, 1048576), number(gpu.power_w), number(gpu.sm_clock_mhz), number(gpu.temperature_c)].map((text) => cell("td", text, "n")));
    return line;
  };
  const watchGpus = async (place) => {
    for (;;) {
      const answer = await fetch(place.dataset.gpus).catch(() => null);
      const all = answer?.ok ? await answer.json() : { gpus: [] };
      if (all.gpus.length === 0) return;
      place.hidden = false;
      place.querySelector("tbody").replaceChildren(...all.gpus.map(row));
      await pause();
    }
  };
  // Until no server is being started or stopped any more.
  const watchServers = async (place) => {
    for (;;) {
      await pause();
      const answer = await fetch(place.dataset.servers).catch(() => null);
      const all = answer?.ok ? (await answer.json()).servers : null;
      if (all && !all.some((server) => server.command && server.command.exit_code === null)) { location.reload(); return; }
    }
  };
  const gpus = document.getElementById("gpus"), servers = document.querySelector("[data-coming]");
  if (gpus) watchGpus(gpus);
  if (servers) watchServers(servers);
})();
