// The preview beside the text: what is written now, as a recipient would get it.
// Nothing is saved: the server compiles what the form says and forgets it.

import { Carrier } from "./carrier.js";

const PAUSE = 700; // ms without a key

export class LivePreview {
  constructor(element, form) {
    this.element = element;
    this.form = form;
    this.frame = element.querySelector("iframe");
    this.controls = [...element.querySelectorAll("[data-message-choice]")];
    this.carrier = new Carrier(element.dataset.frame, this.frame.name);
    this.types = element.querySelector("[data-message-type]");
    // Until somebody chooses, the server finds recipients whom the text fits.
    this.isTypeChosen = false;
    this.types.addEventListener("change", () => { this.isTypeChosen = true; });
    this.asked = 0;
  }

  start() {
    this.element.hidden = false;
    this.form.addEventListener("input", () => this.later());
    this.form.addEventListener("change", () => this.later());
    for (const control of this.controls) {
      control.addEventListener(control.localName === "select" ? "change" : "input", () => this.later());
    }
    for (const button of this.element.querySelectorAll("[data-message-set]")) {
      button.addEventListener("click", () => this.set(button));
    }
    new ResizeObserver(() => this.fit()).observe(this.element.querySelector("[data-message-stage]"));
    this.refresh();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), PAUSE);
  }

  // A switch: width, colours, pictures, part.
  set(button) {
    const { messageSet: name, messageValue: value } = button.dataset;
    this.element.dataset[name] = value;
    for (const other of this.element.querySelectorAll(`[data-message-set="${name}"]`)) {
      other.setAttribute("aria-pressed", other === button);
    }
    if (name === "part") this.showPart();
    else if (name === "width") this.fit();
    else this.refresh();
  }

  showPart() {
    const isText = this.element.dataset.part === "text";
    this.element.querySelector("[data-message-stage]").hidden = isText;
    this.element.querySelector("[data-message-text]").hidden = !isText;
  }

  // A desktop's width, made smaller until it fits beside the text.
  fit() {
    const stage = this.element.querySelector("[data-message-stage]");
    const width = this.element.dataset.width === "phone" ? 375 : 700;
    const scale = Math.min(1, stage.clientWidth / width);
    this.frame.style.width = `${width}px`;
    this.frame.style.height = `${stage.clientHeight / scale}px`;
    this.frame.style.transform = `scale(${scale})`;
    this.frame.style.marginInlineStart = `${Math.max(0, (stage.clientWidth - width * scale) / 2)}px`;
  }

  data() {
    const data = new FormData();
    const { elements } = this.form;
    for (const name of ["csrfmiddlewaretoken", "subject", "preheader", "content", "text", "signature", "department", "owner"]) {
      if (elements[name]) data.append(name, elements[name].value);
    }
    for (const control of this.controls) data.append(control.dataset.messageChoice, control.value);
    if (!this.isTypeChosen) data.delete("type");
    data.append("stored", this.element.dataset.stored);
    data.append("scheme", this.element.dataset.scheme);
    data.append("images", this.element.dataset.images);
    return data;
  }

  async refresh() {
    const turn = ++this.asked;
    const data = this.data();
    this.carrier.show(data);
    let facts;
    try {
      const response = await fetch(this.element.dataset.facts, { method: "POST", body: data });
      // Whoever was logged out meanwhile is led to the login page.
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      facts = await response.text();
    } catch {
      facts = null;
    }
    if (turn === this.asked) this.showFacts(facts);
  }

  showFacts(html) {
    this.element.querySelector("[data-message-away]").hidden = html !== null;
    if (html === null) return;
    const answer = new DOMParser().parseFromString(html, "text/html");
    if (!this.isTypeChosen) {
      this.types.value = answer.querySelector("[data-type]").dataset.type;
      this.types.dispatchEvent(new Event("massmail:type"));
    }
    for (const name of ["said-preview", "text", "options"]) {
      const found = answer.querySelector(`[data-part="${name}"]`);
      const place = this.element.querySelector(`[data-message-${name}]`);
      if (!found || !place) continue;
      const chosen = place.value;
      place.replaceChildren(...found.childNodes);
      if (place.localName === "select") place.value = [...place.options].some(({ value }) => value === chosen) ? chosen : found.dataset.chosen;
    }
  }
}
