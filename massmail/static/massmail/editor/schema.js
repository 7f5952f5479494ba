// The nodes and marks of the visual editor, made of Tiptap's.

import { shown } from "./looks.js";
import { BOXES, FORMATTING } from "./vocabulary.js";

// The clipboard can be another page's work: whatever it says about itself is checked.
function keptOn(element) {
  try {
    const attributes = Object.entries(JSON.parse(element.dataset.massmailKept ?? "{}") ?? {});
    return Object.fromEntries(attributes.filter(([, value]) => typeof value === "string"));
  } catch {
    return {};
  }
}

const isOneOf = (names) => (element) => names.has(element.localName) && null;
const TAG_OF_ELEMENT = { rendered: false, parseHTML: (element) => element.localName };
// Without a function Tiptap believes an attribute of the same name.
const tagAlways = (name) => ({ default: name, rendered: false, parseHTML: () => name });

const KEPT = { kept: { default: {}, rendered: false, parseHTML: keptOn } };

function remembered(attrs) {
  return { "data-massmail-kept": JSON.stringify(attrs.kept ?? {}) };
}

// What is copied inside the editor comes back whole; what is pasted from elsewhere
// keeps its words, headings, lists, links and emphasis.
function box(tiptap) {
  return tiptap.Node.create({
    name: "box",
    group: "block",
    content: "block*",
    isolating: true,
    defining: true,
    addAttributes: () => ({
      ...KEPT,
      tag: { default: "div", ...TAG_OF_ELEMENT },
    }),
    parseHTML: () => [{ tag: "[data-massmail-box]", priority: 100, getAttrs: isOneOf(BOXES) }],
    renderHTML: ({ node }) => [node.attrs.tag, { ...shown(node.attrs.kept), ...remembered(node.attrs), "data-massmail-box": "" }, 0],
  });
}

function loose(tiptap) {
  return tiptap.Node.create({
    name: "loose",
    group: "block",
    content: "inline*",
    parseHTML: () => [{ tag: "div[data-massmail-loose]", priority: 100 }],
    renderHTML: () => ["div", { "data-massmail-loose": "" }, 0],
    addKeyboardShortcuts() {
      // Such text has no element of its own that could be divided.
      return { Enter: () => this.editor.isActive("loose") && this.editor.commands.setHardBreak() };
    },
  });
}

function source(element) {
  return element.dataset.massmailSource ?? "";
}

const SOURCE = { source: { default: "", rendered: false, parseHTML: source } };

// One node for each place and kind of source that is kept as it is.
function atom(tiptap, name, { inline, className, label }) {
  const tag = inline ? "span" : "div";
  return tiptap.Node.create({
    name,
    group: inline ? "inline" : "block",
    inline,
    atom: true,
    selectable: true,
    draggable: inline,
    addAttributes: () => SOURCE,
    parseHTML: () => [{ tag: `${tag}[data-massmail-atom="${name}"]`, priority: 100 }],
    renderHTML: ({ node }) => [
      tag,
      {
        class: className,
        "data-massmail-atom": name,
        "data-massmail-source": node.attrs.source,
        title: node.attrs.source.slice(0, 300),
      },
      label(node.attrs.source),
    ],
    renderText: ({ node }) => node.attrs.source,
  });
}

const FALLBACK = /^\{\{\s*([a-z0-9_]+)\s*\|\s*default\s*:\s*"([^"]*)"\s*\}\}$/;
const VARIABLE = /^\{\{\s*([a-z0-9_]+)\s*\}\}$/;

// Name and fallback text of a variable's tag; null for anything more complicated.
export function variableOf(source) {
  const found = FALLBACK.exec(source) ?? VARIABLE.exec(source);
  return found && { name: found[1], fallback: found[2] ?? "" };
}

function tagLabel(source) {
  const variable = variableOf(source);
  if (!variable) return source;
  return variable.fallback ? `${variable.name} | ${variable.fallback}` : variable.name;
}

// Without a group: what a group matches, the rule would write a last character behind.
const TYPED_TAG = /(?:\{\{[^{}]+\}\}|\{%[^{}%]+%\})$/;

function tag(tiptap) {
  const node = atom(tiptap, "tag", { inline: true, className: "message-tag", label: tagLabel });
  return node.extend({
    addInputRules() {
      return [tiptap.nodeInputRule({ find: TYPED_TAG, type: this.type, getAttributes: (match) => ({ source: match[0] }) })];
    },
    addPasteRules() {
      const find = /\{\{[^{}]+\}\}|\{%[^{}%]+%\}/g;
      return [tiptap.nodePasteRule({ find, type: this.type, getAttributes: (match) => ({ source: match[0] }) })];
    },
  });
}

function picture(tiptap, addressOf) {
  return tiptap.Node.create({
    name: "picture",
    group: "inline",
    inline: true,
    atom: true,
    draggable: true,
    addAttributes: () => KEPT,
    parseHTML: () => [{ tag: "img[data-massmail-kept]", priority: 100 }],
    renderHTML: ({ node }) => {
      const { kept } = node.attrs;
      const looks = { ...shown(kept), ...remembered(node.attrs), alt: kept.alt ?? "" };
      const address = addressOf(kept.src ?? "");
      return ["img", address ? { ...looks, src: address } : { ...looks, class: "message-lost", alt: kept.alt || kept.src || "" }];
    },
  });
}

const rawLabel = (text) => text.replace(/\s+/g, " ").slice(0, 60);

function styled(tiptap, extension, tagName) {
  return extension.extend({
    addAttributes: () => ({ ...KEPT, tag: tagAlways(tagName) }),
    renderHTML: ({ mark }) => [mark.attrs.tag, { ...shown(mark.attrs.kept), ...remembered(mark.attrs) }, 0],
  });
}

function link(tiptap) {
  return tiptap.Mark.create({
    name: "link",
    priority: 1000,
    inclusive: false,
    addAttributes: () => ({
      tag: tagAlways("a"),
      kept: {
        default: {},
        rendered: false,
        parseHTML: (element) => (
          element.dataset.massmailKept ? keptOn(element) : { href: element.getAttribute("href") }
        ),
      },
    }),
    parseHTML: () => [{ tag: "a[href]" }],
    renderHTML: ({ mark }) => ["a", { ...shown(mark.attrs.kept), ...remembered(mark.attrs), title: mark.attrs.kept.href ?? "" }, 0],
  });
}

function formatting(tiptap) {
  return tiptap.Mark.create({
    name: "formatting",
    excludes: "",
    addAttributes: () => ({ ...KEPT, tag: { default: "span", ...TAG_OF_ELEMENT } }),
    parseHTML: () => [{ tag: "[data-massmail-formatting]", getAttrs: isOneOf(FORMATTING) }],
    renderHTML: ({ mark }) => [mark.attrs.tag, { ...shown(mark.attrs.kept), ...remembered(mark.attrs), "data-massmail-formatting": "" }, 0],
  });
}

function keeping(extension, more = {}) {
  return extension.extend({
    addAttributes() {
      return { ...(more.inherit ? this.parent?.() : {}), ...KEPT, ...more.attributes };
    },
    renderHTML({ node }) {
      return [more.tag(node), { ...shown(node.attrs.kept), ...remembered(node.attrs) }, 0];
    },
    addNodeView: null,
    ...more.changes,
  });
}

export function extensions(tiptap, addressOf) {
  const explicit = {
    isExplicit: { default: false, rendered: false, parseHTML: () => false },
  };
  const raw = { className: "message-raw", label: rawLabel };
  return [
    tiptap.Document,
    tiptap.Text,
    tiptap.History,
    tiptap.Gapcursor,
    tiptap.Dropcursor,
    keeping(tiptap.Paragraph, { tag: () => "p", attributes: explicit }),
    keeping(tiptap.Heading, { inherit: true, tag: (node) => `h${node.attrs.level}` }),
    keeping(tiptap.BulletList, { tag: () => "ul" }),
    keeping(tiptap.OrderedList, { tag: () => "ol" }),
    keeping(tiptap.ListItem, { tag: () => "li", changes: { content: "block+" } }),
    tiptap.HardBreak.extend({ addAttributes: () => KEPT }),
    loose(tiptap),
    box(tiptap),
    tag(tiptap),
    atom(tiptap, "tagBlock", { inline: false, className: "message-tag", label: tagLabel }),
    atom(tiptap, "raw", { inline: false, ...raw }),
    atom(tiptap, "rawInline", { inline: true, ...raw }),
    picture(tiptap, addressOf),
    link(tiptap),
    styled(tiptap, tiptap.Bold, "strong"),
    styled(tiptap, tiptap.Italic, "em"),
    styled(tiptap, tiptap.Underline, "u"),
    styled(tiptap, tiptap.Strike, "s"),
    formatting(tiptap),
  ];
}
