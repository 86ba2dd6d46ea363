// What a person with a keyboard, a screen reader or weak eyes would miss on a page, one line each.
(() => {
  const faults = [], all = (what) => [...document.querySelectorAll(what)];
  const shown = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const name = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}.${e.getAttribute("class") ?? ""} "${e.textContent.trim().slice(0, 30)}"`;
  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title.trim()) faults.push("the page has no title");
  if (all("h1").length !== 1) faults.push(`${all("h1").length} first headings`);
  if (all("main").length !== 1) faults.push(`${all("main").length} main parts`);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4").filter(shown)) {
    const own = Number(heading.tagName[1]);
    if (level && own > level + 1) faults.push(`a heading is skipped before ${name(heading)}`);
    level = own;
  }
  const ids = all("[id]").map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push(`the id ${id} is there twice`);
  const spoken = (e) => e.getAttribute("aria-label") || e.title || (e.labels && [...e.labels].some((l) => l.textContent.trim())) || e.textContent.trim();
  for (const e of all("input:not([type=hidden]), select, textarea, button, a, iframe, svg[role], [role=group]")) {
    const labelled = e.matches("input, select, textarea") ? e.getAttribute("aria-label") || [...e.labels].some((l) => l.textContent.trim()) : spoken(e);
    if (!labelled) faults.push(`${name(e)} has no name`);
  }
  for (const e of all("svg:not([role]):not([aria-hidden])")) faults.push(`${name(e)} is neither an image nor hidden`);
  for (const e of all("[tabindex]")) if (e.tabIndex > 0) faults.push(`${name(e)} changes the order of the keyboard`);
  const focusable = all("a[href], button, input, select, textarea, [tabindex='0']");
  if (!focusable[0]?.matches(".skip")) faults.push("the first thing is not the way past the navigation");
  for (const e of all("th")) if (!e.scope) faults.push(`${name(e)} heads nothing`);
  for (const e of all("[style], [onclick]")) faults.push(`${name(e)} has style or script of its own`);
  const parts = (colour) => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = (colour) => { const [r, g, b] = colour.map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
  for (const e of all("body *").filter((e) => shown(e) && !e.closest("svg, .skip, option, noscript"))) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const [a, b] = [light(parts(style.color)), light(ground(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    const least = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < least) faults.push(`${name(e)} is hard to read: ${ratio.toFixed(2)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`${document.documentElement.scrollWidth} px wide in ${innerWidth}`);
  return [...new Set(faults)];
})()
