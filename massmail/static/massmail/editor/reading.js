// From the HTML of a message to a document of the visual editor. Every element is
// either a node that can be edited, a box that keeps all that is written on it, or
// "raw": kept as it is and shown as a block that the source tab can change.

import {
  BOXES, FORMATTING, MARKS, STRUCTURE,
  attributesOf, awake, collapsed, isBlank, isBlock, isComment, isElement, isText,
} from "./vocabulary.js";

const CONTROL_TAG = /^\{%\s*(if|elif|else|endif)\b/;
const HEADING = /^h([1-6])$/;

export class Reader {
  constructor(markers) {
    this.markers = markers;
  }

  blocks(parent) {
    const found = [];
    let run = [];
    const flush = () => {
      found.push(...this.run(run, parent));
      run = [];
    };
    for (const child of parent.childNodes) {
      if (isBlock(child)) {
        flush();
        found.push(this.block(child));
      } else {
        run.push(child);
      }
    }
    flush();
    return found;
  }

  // Text between blocks is a line without an element of its own.
  run(nodes, parent) {
    const content = nodes.filter((node) => !isBlank(node));
    if (!content.length) return [];
    const isStructure = isElement(parent) && STRUCTURE.has(parent.localName);
    if (isStructure || content.every((node) => this.isControl(node))) {
      return content.map((node) => this.alone(node));
    }
    return [{ type: "loose", content: this.line(nodes) }];
  }

  isControl(node) {
    if (!isComment(node)) return false;
    const tag = this.markers.tagOf(node);
    return tag === undefined || CONTROL_TAG.test(tag);
  }

  alone(node) {
    const tag = isComment(node) ? this.markers.tagOf(node) : undefined;
    return tag === undefined ? this.raw(node) : { type: "tagBlock", attrs: { source: tag } };
  }

  block(element) {
    const name = element.localName;
    const kept = this.kept(element);
    const level = HEADING.exec(name)?.[1];
    const onlyText = ![...element.children].some(isBlock);
    if (level && onlyText) return { type: "heading", attrs: { level: Number(level), kept }, content: this.line(element.childNodes) };
    if (name === "p" && onlyText) {
      return { type: "paragraph", attrs: { kept, isExplicit: true }, content: this.line(element.childNodes) };
    }
    if (this.isList(element)) return this.list(element, kept);
    if (BOXES.has(name)) return { type: "box", attrs: { tag: name, kept }, content: this.blocks(element) };
    return this.raw(element);
  }

  isList(element) {
    return ["ul", "ol"].includes(element.localName) && element.children.length > 0
      && [...element.childNodes].every((child) => isBlank(child) || child.localName === "li");
  }

  list(element, kept) {
    return {
      type: element.localName === "ul" ? "bulletList" : "orderedList",
      attrs: { kept },
      content: [...element.children].map((item) => this.item(item)),
    };
  }

  item(element) {
    const content = this.blocks(element).map((node) => (
      node.type === "loose" ? { ...node, type: "paragraph", attrs: { kept: {}, isExplicit: false } } : node
    ));
    return {
      type: "listItem",
      attrs: { kept: this.kept(element) },
      content: content.length ? content : [{ type: "paragraph", attrs: { kept: {}, isExplicit: false } }],
    };
  }

  raw(node) {
    return { type: "raw", attrs: { source: this.sourceOf(node) } };
  }

  sourceOf(node) {
    const html = isElement(node) ? node.outerHTML : isComment(node) ? `<!--${node.data}-->` : node.data;
    return this.markers.restore(awake(html));
  }

  line(nodes) {
    const content = [];
    for (const node of nodes) this.inline(node, [], content);
    return trimmed(content);
  }

  inline(node, marks, content) {
    if (isText(node)) {
      const text = collapsed(node.data);
      if (text) content.push({ type: "text", text, marks });
    } else if (isComment(node)) {
      const tag = this.markers.tagOf(node);
      content.push(tag === undefined
        ? { type: "rawInline", attrs: { source: this.sourceOf(node) }, marks }
        : { type: "tag", attrs: { source: tag }, marks });
    } else if (isElement(node)) {
      this.inlineElement(node, marks, content);
    }
  }

  inlineElement(element, marks, content) {
    const name = element.localName;
    const kept = this.kept(element);
    if (name === "br") {
      content.push({ type: "hardBreak", attrs: { kept }, marks });
    } else if (name === "img") {
      content.push({ type: "picture", attrs: { kept }, marks });
    } else if ((MARKS.has(name) || FORMATTING.has(name)) && element.childNodes.length) {
      const mark = { type: MARKS.get(name) ?? "formatting", attrs: { tag: name, kept } };
      for (const child of element.childNodes) this.inline(child, [...marks, mark], content);
    } else {
      content.push({ type: "rawInline", attrs: { source: this.sourceOf(element) }, marks });
    }
  }

  // What is written on an element, template tags included.
  kept(element) {
    const attributes = Object.entries(attributesOf(element));
    return Object.fromEntries(attributes.map(([name, value]) => [name, this.markers.restore(value)]));
  }
}

// Spaces at the edges of a line, after a break and after another space are not shown.
function trimmed(content) {
  const result = [];
  let afterSpace = true;
  for (const node of content) {
    if (node.type !== "text") {
      result.push(node);
      afterSpace = node.type === "hardBreak";
      continue;
    }
    const text = afterSpace ? node.text.replace(/^ /, "") : node.text;
    if (!text) continue;
    result.push({ ...node, text });
    afterSpace = text.endsWith(" ");
  }
  while (result.at(-1)?.type === "text" && result.at(-1).text.endsWith(" ")) {
    const last = result.pop();
    const text = last.text.slice(0, -1);
    if (text) result.push({ ...last, text });
  }
  return result;
}
