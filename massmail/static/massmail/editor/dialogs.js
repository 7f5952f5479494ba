// What the toolbar asks for: a link's target, a variable's fallback text, a picture.

import { variableOf } from "./schema.js";
import { LINK } from "./vocabulary.js";

// Spaces are in tags only.
const WHOLE_ADDRESS = /^(?:\{\{[^{}]*\}\}|\{%[^{}]*%\}|[^\s{}])+$/;
const ADDRESS = /^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/;

export class Dialogs {
  constructor(visual, panel) {
    this.visual = visual;
    this.panel = panel;
    this.elements = Object.fromEntries(
      [...panel.querySelectorAll("dialog[data-message-dialog]")].map((element) => [element.dataset.messageDialog, element]),
    );
    for (const [name, element] of Object.entries(this.elements)) this.prepare(name, element);
    this.elements.picture.addEventListener("click", (event) => this.choose(event.target.closest("[data-message-picture]")));
    const file = this.elements.picture.querySelector("[type=file]");
    file.addEventListener("change", async () => {
      this.elements.picture.close();
      await visual.addPictures([...file.files]);
      file.value = "";
    });
    this.elements.variable.querySelector("select").addEventListener("change", () => this.showExample());
    // The server may find the fitting recipients while the dialog is open.
    this.types = document.querySelector("[data-message-type]");
    this.types?.addEventListener("massmail:type", () => this.offerVariables());
  }

  get editor() {
    return this.visual.editor;
  }

  prepare(name, element) {
    const act = (action) => {
      const wrong = action === "apply" && this[`${name}_wrong`]?.();
      if (wrong) {
        complain(wrong);
        return;
      }
      element.close();
      this[`${name}_${action}`]?.();
      this.editor.commands.focus();
    };
    for (const button of element.querySelectorAll("[data-message-act]")) {
      button.addEventListener("click", () => act(button.dataset.messageAct));
    }
    // Enter would save the whole message.
    element.addEventListener("keydown", (event) => {
      // On a button, or the choice of a file, it does what it says there.
      if (event.key !== "Enter" || event.target.closest("button, [type=file]")) return;
      event.preventDefault();
      act("apply");
    });
  }

  open(name) {
    this[`${name}_open`]();
    this.elements[name].showModal();
  }

  // A double click or Enter on something that a dialog has made.
  edit(node) {
    if (node?.type.name === "picture") this.open("picture");
    else if (node?.type.name === "tag" && variableOf(node.attrs.source)) this.open("variable");
    else return false;
    return true;
  }

  selected(name) {
    const node = this.editor.state.selection.node;
    return node?.type.name === name ? node : null;
  }

  field(dialog, name) {
    return this.elements[dialog].querySelector(`[data-message-field="${name}"]`);
  }

  link_open() {
    const { from, to } = this.editor.state.selection;
    const href = this.editor.getAttributes("link").kept?.href ?? "";
    this.field("link", "href").value = href;
    this.field("link", "text").closest("div").hidden = Boolean(href) || from !== to;
    this.field("link", "text").value = "";
    this.elements.link.querySelector("[data-message-act=remove]").hidden = !href;
  }

  link_wrong() {
    const field = this.field("link", "href");
    return WHOLE_ADDRESS.test(field.value.trim()) ? null : field;
  }

  link_apply() {
    const href = target(this.field("link", "href").value);
    if (!href) return;
    const kept = { ...this.editor.getAttributes("link").kept, href };
    const mark = { type: "link", attrs: { tag: "a", kept } };
    const { empty } = this.editor.state.selection;
    const chain = this.editor.chain().focus();
    if (empty && !this.editor.isActive("link")) {
      const text = this.field("link", "text").value || href;
      chain.insertContent({ type: "text", text, marks: [mark] }).run();
    } else {
      chain.extendMarkRange("link").setMark("link", mark.attrs).run();
    }
  }

  link_remove() {
    this.editor.chain().focus().extendMarkRange("link").unsetMark("link").run();
  }

  variable_open() {
    const old = variableOf(this.selected("tag")?.attrs.source ?? "");
    const names = this.field("variable", "name");
    this.offerVariables();
    names.value = old?.name ?? names.querySelector("option:not([hidden])").value;
    this.field("variable", "fallback").value = old?.fallback ?? "";
    this.showExample();
  }

  // Those that the chosen recipients have, and those that everybody has.
  offerVariables() {
    const type = this.types?.value;
    for (const option of this.field("variable", "name").options) {
      const types = option.dataset.messageTypes;
      option.hidden = option.disabled = Boolean(type && types && !types.split(" ").includes(type));
    }
  }

  showExample() {
    const option = this.field("variable", "name").selectedOptions[0];
    this.field("variable", "example").textContent = option?.dataset.messageExample ?? "";
    this.field("variable", "fallback").closest("div").hidden = !option?.dataset.messageTypes;
  }

  variable_apply() {
    const names = this.field("variable", "name");
    const hasFallback = Boolean(names.selectedOptions[0]?.dataset.messageTypes);
    const fallback = hasFallback ? this.field("variable", "fallback").value.replace(/["\\{}%]/g, "").trim() : "";
    const source = fallback ? `{{ ${names.value}|default:"${fallback}" }}` : `{{ ${names.value} }}`;
    this.editor.chain().focus().insertContent({ type: "tag", attrs: { source } }).run();
  }

  picture_open() {
    const { kept } = this.selected("picture")?.attrs ?? {};
    this.field("picture", "alt").value = kept?.alt ?? "";
    this.field("picture", "width").value = Number.parseInt(kept?.width, 10) || "";
    for (const name of ["alt", "width"]) this.field("picture", name).closest("div").hidden = !kept;
    this.elements.picture.querySelector("[data-message-act=apply]").hidden = !kept;
  }

  picture_apply() {
    const old = this.selected("picture");
    if (!old) return;
    const width = Number(this.field("picture", "width").value);
    const kept = { ...old.attrs.kept, alt: this.field("picture", "alt").value };
    if (width > 0) kept.width = String(Math.round(width));
    this.change(kept);
  }

  // The picture stays selected, for what is to be done with it next.
  change(kept) {
    const { from } = this.editor.state.selection;
    this.editor.chain().focus().updateAttributes("picture", { kept }).setNodeSelection(from).run();
  }

  // Another picture in the place of the selected one, or a new one at the cursor.
  choose(button) {
    if (!button) return;
    this.elements.picture.close();
    const old = this.selected("picture");
    if (!old) {
      this.visual.insert(button.dataset.messageInsertSource);
      return;
    }
    const kept = { ...old.attrs.kept, src: `{% cid_${button.dataset.messagePicture} %}` };
    this.change(kept);
  }

  // A new picture of the library.
  offer({ name, html, url }) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.messagePicture = name;
    button.dataset.messageInsertSource = html;
    const image = document.createElement("img");
    image.src = url;
    image.alt = name;
    button.append(image, document.createElement("span"));
    button.lastChild.textContent = name;
    this.elements.picture.querySelector("[data-message-pictures]").prepend(button);
  }
}

// People leave out what stands before an address.
// The browser shows it at the field, until something else is typed there. Then it is
// forgotten: the form of the message, which holds the dialog, would not be saved.
function complain(field) {
  const forget = () => field.setCustomValidity("");
  field.setCustomValidity(field.dataset.messageWrong);
  field.reportValidity();
  field.addEventListener("input", forget, { once: true });
  field.closest("dialog").addEventListener("close", forget, { once: true });
}

function target(text) {
  const address = text.trim();
  if (!address || LINK.test(address)) return address;
  return ADDRESS.test(address) ? `mailto:${address}` : `https://${address}`;
}
