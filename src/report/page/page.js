// Draws the page's charts from the data in it. Works from a file, without a network; the tables need none of this.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  // Names of lines in the reader's language; what is not in it is a unit or a name.
  const words = JSON.parse(document.getElementById("chart-words").textContent);
  const say = (label) => words[label] ?? label;
  const root = document.documentElement;
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const short = (x) => x === null || x === undefined ? "-" : Math.abs(x) >= 100 ? x.toFixed(0) : Math.abs(x) >= 10 ? x.toFixed(1) : x !== 0 && Math.abs(x) < 0.01 ? x.toPrecision(1) : x.toFixed(2);
  // Ticks of one axis have as many decimals as their step needs.
  const ticks = (_, all, __, ___, step) => all.map((v) => v === null ? "" : v.toFixed(String(Number(step.toPrecision(3))).split(".")[1]?.length ?? 0));
  // `label`: what it counts, and in which unit.
  const named = (label) => ({ label: say(label), labelSize: 16, labelGap: 0, labelFont: "12px system-ui, sans-serif" });
  const axis = (over) => ({ stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, ...over });
  // Round numbers on a log axis, 1-2-5: uPlot's own begin at the least value.
  const rounded = (_, __, lo, hi) => {
    const all = [];
    for (let ten = 10 ** Math.floor(Math.log10(lo)); ten <= hi; ten *= 10) for (const k of hi > 2000 * lo ? [1] : [1, 2, 5]) if (k * ten >= lo && k * ten <= hi) all.push(k * ten);
    return all;
  };
  const bare = (_, all) => all.map((v) => v === null ? "" : String(Number(v.toPrecision(3))));
  const size = (el) => ({ width: Math.max(el.clientWidth, 280), height: el.clientHeight - 34 });
  const line = (label, colour, over) => ({ label: say(label), stroke: css(colour), width: 2, points: { show: false }, value: (_, v) => short(v), ...over });
  const dots = (label, colour, over) => ({ label: say(label), stroke: css(colour), paths: () => null, points: { show: true, size: 4, width: 1, stroke: css(colour), fill: css(colour) }, value: (_, v) => short(v), ...over });
  // Lines of one lane differ in colour and in dashes.
  const pens = [["--candidate"], ["--second", [8, 3]], ["--third", [3, 3]], ["--soft", [10, 3, 2, 3]], ["--good", [2, 4]], ["--bad", [6, 2]], ["--open", [12, 4]], ["--ink", [1, 3]]];
  const pen = (i) => ({ colour: pens[i % pens.length][0], dash: pens[i % pens.length][1] });
  let charts = [];

  const cdf = (el, c) => {
    // One gap of a thousand that two reads cut short would take half of a log axis.
    const from = Math.max(0, c.ms.findIndex((_, i) => c.candidate[i] >= 0.001 || (c.baseline && c.baseline[i] >= 0.001)) - 1);
    const cut = (all) => all.slice(from);
    const ms = cut(c.ms), lo = ms[0], hi = ms[ms.length - 1], log = hi > 20 * lo;
    const rows = [ms], series = [{ label: "ms", value: (_, v) => short(v) }];
    const share = { value: (_, v) => v === null || v === undefined ? "-" : (v * 100).toFixed(1) + " %" };
    if (c.baseline) { rows.push(cut(c.baseline)); series.push(line("baseline", "--baseline", { ...share, dash: [6, 4] })); }
    rows.push(cut(c.candidate)); series.push(line("this change", "--candidate", share));
    charts.push(new uPlot({ ...size(el), series, scales: { x: { time: false, distr: log ? 3 : 1, range: [lo, hi] }, y: { range: [0, 1] } },
      axes: [axis({ ...(log && { splits: rounded, filter: (_, all) => all }), label: "ms", labelSize: 18, size: 36, values: log ? bare : ticks }), axis({ size: 48, ...named("share"), values: (_, all) => all.map((v) => (v * 100).toFixed(0) + " %") })],
      cursor: { drag: { x: false, y: false } } }, rows, el));
  };

  // Zooming one chart of a workload zooms the others.
  const together = (key) => {
    const mine = [];
    let busy = false;
    return { add: (chart) => mine.push(chart), cursor: { sync: { key } },
      hook: (u, scale) => {
        if (scale !== "x" || busy) return;
        busy = true;
        for (const other of mine) if (other !== u) other.setScale("x", { min: u.scales.x.min, max: u.scales.x.max });
        busy = false;
      } };
  };
  // Rounds are bounded by lines, and the time in which the load builds up is shaded.
  const rounds = (spans) => ({ hooks: { drawClear: [(u) => {
    const ctx = u.ctx, { top, height } = u.bbox;
    ctx.save();
    for (const s of spans) {
      const x0 = u.valToPos(s.from_s, "x", true), x1 = u.valToPos(s.ramp_until_s, "x", true);
      if (x1 > x0) { ctx.fillStyle = css("--band"); ctx.fillRect(x0, top, x1 - x0, height); }
      ctx.strokeStyle = css("--line"); ctx.setLineDash([4, 4]); ctx.beginPath(); ctx.moveTo(x0, top); ctx.lineTo(x0, top + height); ctx.stroke();
    }
    ctx.restore();
  }] } });

  // A line ends where its round does.
  const parted = (s, spans, rows) => {
    const begins = new Set(spans.slice(1).map((span) => span.from_s.toFixed(3)));
    const out = [[], ...rows.map(() => [])];
    s.at_s.forEach((at, i) => {
      if (begins.has(at.toFixed(3))) { out[0].push(at - 0.001); rows.forEach((_, k) => out[k + 1].push(null)); }
      out[0].push(at); rows.forEach((row, k) => out[k + 1].push(row[i]));
    });
    return out;
  };

  const timed = (el, group, spans, series, rows, scales, axes) => {
    const end = spans.length ? spans[spans.length - 1].to_s : 1;
    const chart = new uPlot({ ...size(el), series: [{ label: "s", value: (_, v) => short(v) }, ...series],
      scales: { x: { time: false, range: (_, lo, hi) => lo === null ? [0, end] : [lo, hi] }, ...scales },
      axes: [axis({ size: 30, values: (_, all) => all.map((v) => Number(v.toFixed(3)) + " s") }), ...axes],
      // As wide as the one with an axis on its right, so that a second stands above the same second.
      padding: [10, axes.length > 1 ? 0 : 64, 0, 0],
      cursor: { ...group.cursor, drag: { x: true, y: false } }, plugins: [rounds(spans)], hooks: { setScale: [group.hook] } }, rows, el);
    group.add(chart); charts.push(chart);
    return chart;
  };

  const upward = { range: (_, __, hi) => [0, Math.max((hi ?? 0) * 1.1, 1)] };
  const lane = (el, group, spans, at, l) => {
    const s = { at_s: at }, series = l.lines.map((one, i) => line(say(one.label) + (l.unit ? " " + l.unit : ""), pen(i).colour, { dash: pen(i).dash, points: {} }));
    const from = (lo, hi) => l.most === null ? [Math.min(0, lo), Math.max(hi * 1.1, 1)] : [0, l.most];
    timed(el, group, spans, series, parted(s, spans, l.lines.map((one) => one.values)), { y: { range: (_, lo, hi) => from(lo ?? 0, hi ?? 1) } },
      [axis({ size: 48, space: 22, ...named(l.unit || "requests"), values: ticks })]);
  };

  // The same as dragging, for keys and fingers. Half of what is seen, or a quarter to either side; never beyond what was measured.
  const zoom = (how, chart, end) => {
    const { min, max } = chart.scales.x, width = max - min, middle = (min + max) / 2;
    const half = { in: width / 4, out: width, earlier: width / 2, later: width / 2, all: end }[how];
    const at = middle + ({ earlier: -width / 4, later: width / 4 }[how] ?? 0);
    const span = Math.min(2 * half, end), lo = Math.min(Math.max(at - span / 2, 0), end - span);
    chart.setScale("x", { min: lo, max: lo + span });
  };

  const element = (tag, text) => { const el = document.createElement(tag); if (text !== undefined) el.textContent = text; return el; };
  const drawing = (tag, over, text) => { const el = document.createElementNS("http://www.w3.org/2000/svg", tag); for (const [k, v] of Object.entries(over)) el.setAttribute(k, v); if (text !== undefined) el.textContent = text; return el; };
  // What the record keeps of a request: its first and its last token, and how many there were.
  const pace = (ttft, e2e, tokens) => {
    const svg = drawing("svg", { viewBox: "0 0 420 84", "aria-hidden": "true" }), x = (ms) => 30 + 360 * ms / e2e, n = tokens ?? 1;
    svg.append(drawing("path", { d: `M30 62H${x(ttft)}V${62 - 50 / n}L390 12`, fill: "none" }), drawing("text", { x: 30, y: 78 }, "0 ms"), drawing("text", { x: x(ttft), y: 78, "text-anchor": "middle" }, x(ttft) > 80 && x(ttft) < 330 ? short(ttft) : ""),
      drawing("text", { x: 390, y: 78, "text-anchor": "end" }, short(e2e) + " ms"), drawing("text", { x: 24, y: 16, "text-anchor": "end" }, tokens === null ? "" : String(tokens)));
    return svg;
  };
  const detail = (c, i) => {
    const r = c.requests, span = c.rounds[r.round[i]], name = c.workload.replace(/[^A-Za-z0-9._-]/g, "_");
    const ms = (v) => v === null ? "-" : short(v) + " ms", facts = [[words["#id"], `${c.session}${span.start - 1}-${name}-r${span.round - 1}-${r.index[i]}`], [words["#outcome"], say(r.outcome[i]).replaceAll("_", " ")],
      [words["#start"], `${span.start}, ${span.round}`], [words["#prompt"], r.input_tokens[i] ?? "-"], [words["#output"], r.output_tokens[i] ?? "-"], [words["#events"], r.events[i]], ["TTFT", ms(r.ttft_ms[i])], ["E2E", ms(r.e2e_ms[i])], [words["#gap"], ms(r.max_gap_ms[i])]];
    const dl = element("dl");
    for (const [label, value] of facts) { const pair = element("div"); pair.append(element("dt", label), element("dd", String(value))); dl.append(pair); }
    const all = [dl];
    if (r.ttft_ms[i] !== null && r.e2e_ms[i] > 0) all.push(pace(r.ttft_ms[i], r.e2e_ms[i], r.output_tokens[i] ?? r.events[i]), Object.assign(element("p", words["#pace"]), { className: "about" }));
    return all;
  };
  // A dot that is clicked, or that the arrow keys come to, tells its request.
  const picking = (el, chart, c, failures, panel) => {
    const r = c.requests, ring = Object.assign(element("div"), { className: "picked", hidden: true });
    // Drawn anew, the chart keeps what was picked.
    let picked = Number(el.dataset.picked ?? -1), from = 0;
    const dots = (i) => [r.e2e_ms[i], r.ttft_ms[i], failures[i]].filter((v) => v !== null && v > 0);
    const place = () => {
      const { min, max } = chart.scales.x, at = r.at_s[picked];
      ring.hidden = picked < 0 || dots(picked).length === 0 || at < min || at > max;
      if (ring.hidden) return;
      ring.style.left = chart.valToPos(at, "x") + "px"; ring.style.top = chart.valToPos(dots(picked)[0], "y") + "px";
    };
    const pick = (i) => { picked = i; el.dataset.picked = String(i); panel.hidden = i < 0; panel.replaceChildren(...(i < 0 ? [] : detail(c, i))); place(); };
    chart.over.append(ring); (chart.hooks.draw ??= []).push(place);
    chart.over.addEventListener("mousedown", (e) => { from = e.clientX; });
    chart.over.addEventListener("click", (e) => {
      if (Math.abs(e.clientX - from) > 4) return;
      const box = chart.over.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
      let best = -1, least = 24 ** 2;
      r.at_s.forEach((at, i) => { for (const v of dots(i)) { const d = (chart.valToPos(at, "x") - x) ** 2 + (chart.valToPos(v, "y") - y) ** 2; if (d < least) { least = d; best = i; } } });
      pick(best);
    });
    el.onkeydown = (e) => {
      const last = r.at_s.length - 1, to = { ArrowRight: Math.min(picked + 1, last), ArrowLeft: Math.max(picked - 1, 0), Home: 0, End: last, Escape: -1 }[e.key];
      if (to === undefined || last < 0) return;
      e.preventDefault(); pick(to);
    };
    pick(picked);
  };

  const draw = () => {
    for (const c of charts) c.destroy();
    charts = [];
    for (const [i, section] of document.querySelectorAll("section[data-workload]").entries()) {
      const name = section.dataset.workload;
      const c = data.find((d) => d.section === Number(name)) ?? null;
      if (!c) continue;
      for (const el of section.querySelectorAll("[data-cdf]")) cdf(el, c.cdfs[Number(el.dataset.cdf)]);
      const group = together("w" + i), r = c.requests, s = c.seconds;
      const left = (label) => axis({ size: 48, ...named(label), values: ticks });
      const at = section.querySelector("[data-requests]");
      // Failures stand on the line of the least latency drawn.
      let floor = Infinity, top = 0;
      for (const v of [...r.ttft_ms, ...r.e2e_ms]) if (v !== null && v > 0) { floor = Math.min(floor, v); top = Math.max(top, v); }
      if (top === 0) { floor = 1; top = 10; }
      floor /= 1.15;
      const wide = top > 20 * floor;
      const first = timed(at, group, c.rounds, [dots("TTFT ms", "--candidate"), dots("E2E ms", "--second"), dots("failed", "--bad", { value: (_, v) => v ? say("yes") : "-", points: { show: true, size: 8, width: 2, stroke: css("--bad"), fill: css("--ground") } })],
        [r.at_s, r.ttft_ms, r.e2e_ms, r.failed.map((f) => f ? floor : null)], { y: { distr: wide ? 3 : 1, range: [floor / 1.05, top * 1.1] } }, [{ ...left("ms"), ...(wide && { splits: rounded, filter: (_, all) => all, values: bare }) }]);
      picking(at, first, c, r.failed.map((f) => f ? floor : null), section.querySelector("[data-request]"));
      timed(section.querySelector("[data-seconds]"), group, c.rounds,
        [line("completed/s", "--candidate"), line("failed/s", "--bad", { dash: [4, 3] }), line("output events/s", "--third", { scale: "events", dash: [8, 3] })],
        parted(s, c.rounds, [s.completed, s.failed, s.output_events]), { y: upward, events: upward }, [left("requests"), axis({ scale: "events", side: 1, size: 48, ...named("events/s"), grid: { show: false } })]);
      timed(section.querySelector("[data-flight]"), group, c.rounds, [line("in flight", "--second")], parted(s, c.rounds, [s.in_flight]), { y: upward }, [left("requests")]);
      for (const el of section.querySelectorAll("[data-server]")) lane(el, group, c.rounds, c.lanes.at_s, c.lanes.server[Number(el.dataset.server)]);
      for (const el of section.querySelectorAll("[data-gpu]")) lane(el, group, c.rounds, c.lanes.at_s, c.lanes.gpu[Number(el.dataset.gpu)]);
      const end = c.rounds.length ? c.rounds[c.rounds.length - 1].to_s : 1;
      for (const button of section.querySelectorAll("[data-zoom]")) button.onclick = () => zoom(button.dataset.zoom, first, end);
    }
    root.dataset.drawn = String(charts.length);
  };
  window.goodputGate = { charts: () => charts };

  document.addEventListener("theme", draw);
  let waiting = 0, wide = innerWidth;
  // A phone whose address bar comes and goes changes its height only.
  addEventListener("resize", () => { if (innerWidth === wide) return; wide = innerWidth; clearTimeout(waiting); waiting = setTimeout(draw, 150); });
  // A level that is opened has a width at last.
  for (const level of document.querySelectorAll("details.level")) level.addEventListener("toggle", draw);
  draw();
})();
