// What the form would do, as it is filled in. The page works without this script.
"use strict";
(() => {
  const form = document.getElementById("new-run"), command = document.getElementById("command"), loads = document.getElementById("loads");
  const general = document.getElementById("general"), copy = document.getElementById("copy");
  const items = (kind, texts) => texts.map((text) => Object.assign(document.createElement(kind), { textContent: text }));
  let timer = 0, asked = 0;
  const show = (plan) => {
    command.textContent = plan.command ?? "";
    loads.replaceChildren(...items("li", plan.loads));
    const left = { ...plan.faults };
    for (const place of form.querySelectorAll("[data-fault]")) {
      const why = left[place.dataset.fault] ?? "";
      delete left[place.dataset.fault];
      place.textContent = why;
      const field = form.elements[place.dataset.fault];
      if (!(field instanceof HTMLInputElement)) continue;
      if (why) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
    }
    general.replaceChildren(...items("p", Object.values(left)));
    general.hidden = general.childElementCount === 0;
  };
  const look = async () => {
    const mine = ++asked;
    const query = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(`${form.dataset.plan}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.ok && mine === asked) show(await answer.json());
    } catch { /* The service is gone; sending the form will say so. */ }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 250); });
  if (navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.textContent);
      const before = copy.textContent;
      copy.textContent = copy.dataset.done;
      setTimeout(() => { copy.textContent = before; }, 1500);
    });
  }
})();
