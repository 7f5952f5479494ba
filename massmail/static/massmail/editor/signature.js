// A signature as its readers see it, while it is written. Nothing is saved.

import { Carrier } from "./carrier.js";

const PAUSE = 700; // ms without a key
const section = document.querySelector("[data-signature-live]");
const form = section?.closest("form");

function written() {
  const data = new FormData();
  for (const name of ["csrfmiddlewaretoken", "name", "type", "content", "department", "owner"]) {
    if (form.elements[name]) data.append(name, form.elements[name].value);
  }
  data.append("stored", section.dataset.stored);
  return data;
}

function start() {
  const carrier = new Carrier(section.dataset.frame, section.querySelector("iframe").name);
  const seen = section.querySelector("[data-signature-seen]");
  const away = section.querySelector("[data-signature-away]");
  let timer;
  let asked = 0;

  async function refresh() {
    const turn = ++asked;
    const data = written();
    section.hidden = !data.get("content").trim();
    section.querySelector("h2").textContent = section.dataset.title;
    if (section.hidden) return;
    carrier.show(data);
    let html = null;
    try {
      const response = await fetch(section.dataset.signatureLive, { method: "POST", body: data });
      // Whoever was logged out meanwhile is led to the login page.
      if (response.ok && !response.redirected) html = await response.text();
    } catch { /* said below */ }
    if (turn !== asked) return;
    away.hidden = html !== null;
    if (html !== null) seen.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  }

  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, () => {
      clearTimeout(timer);
      timer = setTimeout(refresh, PAUSE);
    });
  }
  refresh();
}

if (form) start();
