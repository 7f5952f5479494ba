// Comfort for writing: inserting, counting, finding an error. The page works without.

const sources = [...document.querySelectorAll("[data-message-source]")];
const lines = [...document.querySelectorAll("[data-message-limit]")];
const fields = [...lines, ...sources];

// Where the next click inserts: the field that was used last, at first the one that the
// admin has put the cursor into, or the HTML.
const html = document.getElementById("id_content") ?? fields[0];
let target = fields.includes(document.activeElement) ? document.activeElement : html;
for (const field of fields) field.addEventListener("focus", () => { target = field; });
document.querySelector("[data-message-editor]")?.addEventListener("focusin", () => { target = html; });

function insert(text, selected) {
  // Pictures and blocks are nothing for a line.
  if (lines.includes(target) && !text.startsWith("{{")) target = html;
  // The visual editor takes it while it is shown, unless the cursor was in a line.
  const event = new CustomEvent("massmail:insert", { detail: text, cancelable: true });
  if (!lines.includes(target) && !document.dispatchEvent(event)) return;
  const start = target.selectionStart;
  target.focus();
  target.setRangeText(text, start, target.selectionEnd, "end");
  if (selected) {
    const first = text.indexOf(selected);
    const last = text.lastIndexOf(selected);
    if (first >= 0 && last > first) target.setSelectionRange(start + first + 1, start + last);
  }
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

function makeButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `message-insert ${code.className}`;
  button.textContent = code.dataset.messageLabel ?? code.textContent;
  if (code.dataset.messageLabel) button.setAttribute("aria-label", code.textContent);
  button.addEventListener("click", () => insert(code.dataset.messageInsert, code.dataset.messageSelect));
  code.replaceWith(button);
}

if (target) {
  document.documentElement.classList.add("message-scripted");
  document.querySelectorAll("[data-message-insert]").forEach(makeButton);
  document.querySelectorAll("[data-message-scripted]").forEach((element) => { element.hidden = false; });
}

// Below the fields the help would be a long way to the buttons.
if (window.matchMedia("(max-width: 1099px)").matches) {
  document.querySelectorAll(".message-help details").forEach((part) => { part.open = false; });
}

// How long a line is; tags count as they are written.
function below(field, className) {
  const output = document.createElement("div");
  output.className = className;
  (field.closest(".flex-container") ?? field).after(output);
  return output;
}

for (const field of lines) {
  const limit = Number(field.dataset.messageLimit);
  const counter = below(field, "message-counter");
  const count = () => {
    const length = [...field.value].length;
    counter.textContent = `${length} / ${limit}`;
    counter.classList.toggle("is-long", length > limit);
  };
  field.addEventListener("input", count);
  count();
}

// Line and column of the cursor, as errors name them.
function placeOf(field) {
  const before = field.value.slice(0, field.selectionStart).split("\n");
  return [before.length, before.at(-1).length + 1];
}

function goTo(field, line, column) {
  const rows = field.value.split("\n");
  const start = rows.slice(0, line - 1).reduce((sum, row) => sum + row.length + 1, 0) + column - 1;
  const end = start + Math.max(1, (rows[line - 1] ?? "").length - column + 1);
  field.focus();
  field.setSelectionRange(start, end);
  field.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(field).lineHeight));
}

for (const field of sources) {
  const place = below(field, "message-place");
  const show = () => { place.textContent = placeOf(field).join(" : "); };
  for (const kind of ["keyup", "click", "focus", "input", "select"]) field.addEventListener(kind, show);
}

// "Line 3, column 7: …": the first two numbers, in whatever language.
const label = document.querySelector("[data-message-goto]")?.dataset.messageGoto;
for (const field of label ? sources : []) {
  for (const error of field.closest(".form-row").querySelectorAll(".errorlist li")) {
    const place = error.textContent.match(/(\d+)\D+(\d+)/);
    if (!place) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button message-goto";
    button.textContent = label;
    button.addEventListener("click", () => goTo(field, Number(place[1]), Number(place[2])));
    error.append(" ", button);
  }
}

for (const button of document.querySelectorAll("[data-message-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.messageCopy);
    button.textContent = button.dataset.messageDone;
  });
}
