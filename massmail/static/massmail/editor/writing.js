// From a document of the visual editor to the HTML of a message.

import { VOID } from "./vocabulary.js";

const TEMPLATE_TAG = /\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}/g;

// Text that only looks like the beginning of a tag must not become one.
function text(value) {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll("\u00a0", "&nbsp;").replace(/\{(?=[{%#])/g, "&#123;");
}

function attribute(value) {
  const escaped = (part) => part.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  let result = "";
  let position = 0;
  for (const match of value.matchAll(TEMPLATE_TAG)) {
    result += escaped(value.slice(position, match.index)) + match[0];
    position = match.index + match[0].length;
  }
  return result + escaped(value.slice(position));
}

function opening(name, kept) {
  return `<${name}${Object.entries(kept ?? {}).map(([key, value]) => ` ${key}="${attribute(String(value))}"`).join("")}>`;
}

function element(name, kept, content) {
  return VOID.has(name) ? opening(name, kept) : `${opening(name, kept)}${content}</${name}>`;
}

export function written(doc) {
  return blocks(doc.content);
}

function blocks(nodes = []) {
  return nodes.map(block).join("\n");
}

function box(name, kept, nodes = []) {
  const isOneLine = nodes.length < 2 && (nodes[0]?.type ?? "loose") === "loose";
  const space = isOneLine ? "" : "\n";
  return element(name, kept, space + blocks(nodes) + space);
}

const WRITERS = {
  loose: (node) => line(node.content),
  paragraph: (node) => element("p", node.attrs.kept, line(node.content)),
  heading: (node) => element(`h${node.attrs.level}`, node.attrs.kept, line(node.content)),
  box: (node) => box(node.attrs.tag, node.attrs.kept, node.content),
  bulletList: (node) => box("ul", node.attrs.kept, node.content),
  orderedList: (node) => box("ol", node.attrs.kept, node.content),
  listItem: (node) => element("li", node.attrs.kept, item(node.content)),
  tagBlock: (node) => node.attrs.source,
  raw: (node) => node.attrs.source,
};

function block(node) {
  return WRITERS[node.type](node);
}

// A paragraph that was made of an item's text alone is no element of its own.
function item(nodes = []) {
  return nodes.map((node) => (
    node.type === "paragraph" && !node.attrs.isExplicit && !Object.keys(node.attrs.kept).length
      ? line(node.content) : block(node)
  )).join("\n");
}

const LEAVES = {
  text: (node) => text(node.text),
  tag: (node) => node.attrs.source,
  rawInline: (node) => node.attrs.source,
  hardBreak: (node) => opening("br", node.attrs?.kept),
  picture: (node) => opening("img", node.attrs.kept),
};

const isSame = (one, other) => one && other && one.type === other.type && JSON.stringify(one.attrs) === JSON.stringify(other.attrs);

function line(nodes = []) {
  let html = "";
  let open = [];
  const close = (depth) => {
    for (const mark of open.slice(depth).reverse()) html += `</${mark.attrs.tag}>`;
    open = open.slice(0, depth);
  };
  for (const node of nodes) {
    const marks = node.marks ?? [];
    let shared = 0;
    while (shared < marks.length && isSame(marks[shared], open[shared])) shared += 1;
    close(shared);
    for (const mark of marks.slice(shared)) html += opening(mark.attrs.tag, mark.attrs.kept);
    open = [...marks];
    html += LEAVES[node.type](node);
  }
  close(0);
  return html;
}
