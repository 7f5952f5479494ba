// What other programs put into the clipboard, as a message can have it.

import { LINK, fragmentOf, isBlock, styleOf } from "./vocabulary.js";

const SPANS = ["colspan", "rowspan"];
const USELESS = "style, script, meta, link, title, xml, object, iframe, form, input, button";

// `keptOf` knows what a picture's address is in a message, if it is one of the library's.
export function cleaned(html, keptOf = () => undefined) {
  // Copied here, or so it says: what it looks like is kept beside its style.
  const isOurs = /data-pm-slice/.test(html);
  const fragment = fragmentOf(isOurs ? html : html.replace(/<!--[\s\S]*?-->/g, "").replace(/<\/?[ovwm]:[^>]*>/gi, ""));
  fragment.querySelectorAll(USELESS).forEach((element) => element.remove());
  if (isOurs) return htmlOf(fragment);
  for (const element of fragment.querySelectorAll("*")) {
    if (isHidden(element)) element.remove();
  }
  wordLists(fragment);
  for (const element of fragment.querySelectorAll("*")) unmark(element);
  for (const image of fragment.querySelectorAll("img")) {
    const kept = keptOf(image.src);
    if (kept) image.dataset.massmailKept = JSON.stringify(kept);
    else image.remove();
  }
  for (const table of fragment.querySelectorAll("table")) keepTable(table);
  return htmlOf(fragment);
}

function htmlOf(fragment) {
  const template = document.createElement("template");
  template.content.append(fragment);
  return template.innerHTML;
}

const isHidden = (element) => /display\s*:\s*none|mso-hide\s*:\s*all/i.test(styleOf(element));

// Word writes lists as paragraphs whose bullets are text.
function wordLists(fragment) {
  let list = null;
  for (const paragraph of fragment.querySelectorAll("p")) {
    const isItem = /mso-list\s*:/i.test(styleOf(paragraph)) && !/mso-list\s*:\s*none/i.test(styleOf(paragraph));
    if (!isItem) continue;
    const bullet = [...paragraph.querySelectorAll("span")].find((span) => /mso-list\s*:\s*ignore/i.test(styleOf(span)));
    const name = /\d|^[a-z][.)]/i.test(bullet?.textContent.trim() ?? "") ? "ol" : "ul";
    bullet?.remove();
    const before = paragraph.previousElementSibling;
    if (!list || before !== list || list.localName !== name) {
      list = document.createElement(name);
      paragraph.before(list);
    }
    const item = document.createElement("li");
    item.append(...paragraph.childNodes);
    list.append(item);
    paragraph.remove();
  }
}

// Bold and italic that were only styles become elements; all other looks go.
function unmark(element) {
  const style = styleOf(element);
  const isEmphatic = (pattern) => pattern.test(style) && element.localName === "span";
  if (isEmphatic(/font-weight\s*:\s*(bold|[6-9]00)/i)) wrap(element, "strong");
  if (isEmphatic(/font-style\s*:\s*italic/i)) wrap(element, "em");
  if (element.localName === "b" && /font-weight\s*:\s*normal/i.test(style)) {
    element.replaceWith(...element.childNodes);
    return;
  }
  if (!LINK.test(element.getAttribute("href") ?? "")) element.removeAttribute("href");
  for (const { name } of [...element.attributes]) {
    if (name !== "href" && !SPANS.includes(name) && !(name === "src" && element.localName === "img")) element.removeAttribute(name);
  }
}

// Rows and columns stay where they say something; of a page's layout only the words.
// The words of two cells must not become one.
function keepTable(table) {
  const isData = !table.querySelector("table") && !table.parentElement?.closest("table") && table.querySelector("tr > :nth-child(2)");
  const cells = [...table.querySelectorAll("td, th")].filter((cell) => cell.closest("table") === table);
  for (const cell of cells) {
    if (![...cell.childNodes].some(isBlock)) wrap(cell, isData ? "div" : "p").dataset.massmailLoose = "";
  }
  if (!isData) return;
  for (const caption of table.querySelectorAll("caption")) table.before(...caption.childNodes);
  table.querySelectorAll("caption, colgroup, col").forEach((element) => element.remove());
  for (const part of [table, ...table.querySelectorAll("thead, tbody, tfoot, tr, td, th")]) part.dataset.massmailBox = "";
  table.dataset.massmailKept = JSON.stringify({ cellpadding: "6" });
  for (const cell of cells) {
    const spans = SPANS.map((name) => [name, cell.getAttribute(name)]).filter(([, value]) => /^\d{1,3}$/.test(value ?? ""));
    cell.dataset.massmailKept = JSON.stringify(Object.fromEntries(spans));
  }
}

function wrap(element, name) {
  const inner = document.createElement(name);
  inner.append(...element.childNodes);
  element.append(inner);
  return inner;
}
