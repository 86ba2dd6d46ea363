// Keeps the page of a run that goes on as it is: by WebSocket, else by server-sent events, else by
// asking every 3 s. The page works without this script, by loading itself again.
"use strict";
(() => {
  const page = document.getElementById("live"), { api, result, lang } = page.dataset, followed = page.dataset.followed === "yes";
  const by = (id) => document.getElementById(id);
  const SHOWN = 300, FEWEST = 30, WIDTH = 600, HEIGHT = 120, PACE = 3000;
  const points = [];
  let over = false, told = "", known = false;

  const number = (x) => x === null || x === undefined ? "-" : Number(x).toLocaleString("en-US", x < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0, useGrouping: false });
  const span = (s) => s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
  const words = lang === "ko"
    ? { waits: (n) => `대기 중: 앞에 ${n}개`, runs: "진행 중", ended: "끝남", whole: (d, a, l) => `라운드 ${d}/${a}${l ? `, ${l} 남음` : ""}` }
    : { waits: (n) => `Waiting: ${n} before it`, runs: "Running", ended: "Ended", whole: (d, a, l) => `${d} of ${a} rounds${l ? `, ${l} left` : ""}` };
  const make = (kind, text, set = {}) => Object.assign(document.createElement(kind), { textContent: text, ...set });

  const line = (values, most) => {
    let path = "", joined = false;
    values.forEach((value, at) => {
      if (value === null || value === undefined) { joined = false; return; }
      const x = (at * WIDTH / (Math.max(values.length, FEWEST) - 1)).toFixed(1), y = (HEIGHT - value / (most || 1) * (HEIGHT - 4) - 2).toFixed(1);
      path += `${joined ? "L" : "M"}${x} ${y}${joined ? "" : "h0.1"}`;
      joined = true;
    });
    return path;
  };
  const draw = () => {
    for (const figure of page.querySelectorAll("[data-chart]")) {
      const values = points.map((point) => point[figure.dataset.chart]);
      const there = values.filter((value) => value !== null && value !== undefined);
      const most = Math.max(0, ...there);
      figure.querySelector("path").setAttribute("d", line(values, most));
      figure.querySelector("[data-last]").textContent = number(there.at(-1));
      figure.querySelector("[data-most]").textContent = most > 0 ? number(most) : "-";
    }
  };
  const add = (point) => { points.push(point); if (points.length > SHOWN) points.shift(); };

  const showRound = (round) => {
    const share = round.requests ? round.done / round.requests : round.seconds ? round.elapsed_s / round.seconds : 0;
    by("round").value = Math.min(100, share * 100);
    by("round-text").textContent = round.label;
    for (const place of page.querySelectorAll("[data-number]")) {
      place.textContent = number(round[place.dataset.number] ?? round.live?.[place.dataset.number]);
    }
    // One line of the run is one point, however often it is told.
    const key = `${round.label} ${round.elapsed_s}`;
    if (!round.live || key === told) return;
    told = key;
    // The first one is the last that was known before.
    if (known) { known = false; return; }
    const { recent } = round.live;
    add({ ttft_ms: recent.ttft_p50_ms, tpot_ms: recent.tpot_p50_ms, requests_per_s: recent.requests_per_s,
      output_tokens_per_s: recent.output_tokens_per_s, in_flight: round.live.in_flight });
    draw();
  };
  const show = (said) => {
    if (!["queued", "running"].includes(said.state)) {
      over = true;
      by("state").textContent = words.ended;
      location.replace(result);
      return;
    }
    if (!followed) return;
    by("state").textContent = said.state === "queued" ? words.waits(said.before) : words.runs;
    if (said.overall) {
      const { share, rounds_done: done, rounds, left_s: left } = said.overall;
      by("whole").value = share * 100;
      by("whole-text").textContent = words.whole(done, rounds, left === null ? "" : span(left));
    }
    if (said.round) showRound(said.round);
    by("levels").tBodies[0].replaceChildren(...(said.levels ?? []).map((level) => {
      const row = document.createElement("tr");
      row.append(make("th", level.workload, { scope: "row" }), make("td", `${level.rounds_done} / ${level.rounds}`, { className: "n" }));
      return row;
    }));
    const failures = Object.entries(said.failures ?? {});
    by("failures").hidden = failures.length === 0;
    by("failures").querySelector("ul").replaceChildren(...failures.map(([kind, count]) => {
      const item = document.createElement("li");
      item.append(make("code", kind), ` ${count}`);
      return item;
    }));
    const lines = by("lines"), atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
    lines.textContent = (said.lines ?? []).join("\n");
    by("says").hidden = lines.textContent === "";
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  };

  const poll = async () => {
    while (!over) {
      try {
        const answer = await fetch(`${api}/progress`);
        if (answer.status === 404) { location.replace(result); return; }
        if (answer.ok) show(await answer.json());
      } catch { /* The service may come back. */ }
      await new Promise((done) => setTimeout(done, PACE));
    }
  };
  const listen = () => {
    let heard = false;
    const events = new EventSource(`${api}/events`);
    for (const name of ["progress", "ended"]) {
      events.addEventListener(name, (event) => { heard = true; if (name === "ended") events.close(); show(JSON.parse(event.data)); });
    }
    events.onerror = () => { if (over) return; if (!heard || events.readyState === EventSource.CLOSED) { events.close(); poll(); } };
  };
  const connect = () => {
    const socket = new WebSocket(new URL(`${api}/socket`, location.href).href.replace(/^http/, "ws"));
    socket.onmessage = (event) => { show(JSON.parse(event.data)); };
    socket.onclose = () => { if (!over) listen(); };
  };

  // What there was before this page was opened, then what comes.
  fetch(`${api}/course`).then((answer) => answer.json()).then((course) => {
    course.points.slice(-SHOWN).forEach(add);
    known = points.length > 0;
    if (followed) draw();
  }).catch(() => {}).finally(connect);
})();
