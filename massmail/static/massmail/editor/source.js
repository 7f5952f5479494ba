// A message's source as the visual editor's document and back, with the proof that
// nothing is lost on the way.

import { Markers } from "./markers.js";
import { Reader } from "./reading.js";
import { attributesOf, collapsed, fragmentOf, isBlock, isComment, isElement, isText } from "./vocabulary.js";
import { written } from "./writing.js";

const BODY = /<body\b(?:[^>"']|"[^"]*"|'[^']*')*>/i;
const BODY_END = /<\/body\s*>/i;
const DOCUMENT = /<(?:html|head|body)\b/i;

export class Source {
  // What stands around the body is kept, letter by letter.
  constructor(text) {
    this.markers = new Markers();
    const marked = this.markers.mark(text.replaceAll("\r\n", "\n"));
    this.isReadable = marked !== null;
    const [before, inside, after] = parts(marked ?? "");
    this.before = this.markers.restore(before);
    this.after = this.markers.restore(after);
    this.fragment = fragmentOf(inside);
    this.isReadable &&= !DOCUMENT.test(inside) && (before !== "" || !DOCUMENT.test(marked));
  }

  document() {
    return { type: "doc", content: new Reader(this.markers).blocks(this.fragment) };
  }

  with(doc) {
    return `${this.before}${this.before ? "\n" : ""}${written(doc)}${this.after ? "\n" : ""}${this.after}`;
  }

  // Whether the document, written down, says the same as this source.
  isSaidBy(doc) {
    const other = new Source(this.with(doc));
    return other.isReadable && facts(this) === facts(other);
  }

  // Of all style elements, for showing the document in its own colours.
  styles() {
    const all = [this.before, this.after].flatMap((html) => [...html.matchAll(/<style\b[^>]*>([\s\S]*?)<\/style/gi)]);
    const inside = [...this.fragment.querySelectorAll("style")].map((element) => element.textContent);
    return [...all.map((match) => match[1]), ...inside].join("\n");
  }
}

function parts(html) {
  const start = BODY.exec(html);
  if (!start) return ["", html, ""];
  const from = start.index + start[0].length;
  const length = html.slice(from).search(BODY_END);
  if (length < 0) return [html.slice(0, from), html.slice(from), ""];
  return [html.slice(0, from), html.slice(from, from + length), html.slice(from + length)];
}

// All elements, attributes, tags and words in their order. Formatting is a property of
// the words that have it, so that it does not matter which of two stands inside.
function facts(source) {
  const found = [];
  let words = [];
  const flush = () => {
    found.push(...shownWords(words));
    words = [];
  };
  const visit = (node, marks) => {
    if (isText(node)) {
      words.push({ text: collapsed(node.data), marks });
    } else if (isComment(node)) {
      words.push({ text: "", atom: source.markers.restore(`<!--${node.data}-->`), marks });
    } else if (isElement(node)) {
      const name = `${node.localName} ${source.markers.restore(JSON.stringify(sorted(attributesOf(node))))}`;
      if (isBlock(node)) {
        flush();
        found.push(`<${name}>`);
        visitAll(node, []);
        flush();
        found.push(`</${node.localName}>`);
      } else if (node.childNodes.length) {
        visitAll(node, [...marks, name]);
      } else {
        words.push({ text: "", atom: `<${name}>`, marks, isBreak: node.localName === "br" });
      }
    }
  };
  const visitAll = (parent, marks) => {
    const children = parent.localName === "style" ? [document.createTextNode(parent.textContent)] : parent.childNodes;
    for (const child of children) visit(child, marks);
  };
  visitAll(source.fragment, []);
  flush();
  return found.join("\n");
}

function sorted(attributes) {
  return Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1));
}

function shownWords(words) {
  const shown = [];
  let afterSpace = true;
  for (const word of words) {
    const marks = JSON.stringify([...word.marks].sort());
    if (word.atom) {
      shown.push({ text: word.atom, marks, isAtom: true });
      afterSpace = Boolean(word.isBreak);
      continue;
    }
    const text = afterSpace ? word.text.replace(/^ /, "") : word.text;
    if (!text) continue;
    const last = shown.at(-1);
    if (last && !last.isAtom && last.marks === marks) last.text += text;
    else shown.push({ text, marks });
    afterSpace = text.endsWith(" ");
  }
  const last = shown.at(-1);
  if (last && !last.isAtom) last.text = last.text.replace(/ $/, "");
  return shown.filter(({ text }) => text).map(({ text, marks }) => `${marks} ${text}`);
}
