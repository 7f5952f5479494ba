// Template tags stand in a source wherever they like: between the rows of a table, in
// an attribute, with quotes inside. An HTML parser would move or break them, so it
// meets markers instead: comments in the text, plain characters in attributes.

const TEMPLATE_TAG = /\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}/g;
const HTML_TAG = /<!--[\s\S]*?-->|<(style|script|title|textarea|xmp)\b[\s\S]*?<\/\1\s*>|<\/?[a-z](?:[^>"']|"[^"]*"|'[^']*')*>/gi;
const MARKER = /\uE000(\d+)\uE001/g;
const ONLY_MARKER = /^\uE000(\d+)\uE001$/;

export class Markers {
  constructor() {
    this.tags = [];
  }

  // The source with markers; null when it uses their characters itself.
  mark(source) {
    if (/[\uE000\uE001]/.test(source)) return null;
    const marked = source.replace(TEMPLATE_TAG, (tag) => `\uE000${this.tags.push(tag) - 1}\uE001`);
    let html = "";
    let position = 0;
    for (const match of marked.matchAll(HTML_TAG)) {
      html += inText(marked.slice(position, match.index)) + match[0];
      position = match.index + match[0].length;
    }
    return html + inText(marked.slice(position));
  }

  restore(text) {
    return text.replace(/<!--(\uE000\d+\uE001)-->/g, "$1").replace(MARKER, (_marker, number) => this.tags[number]);
  }

  // The template tag that a comment stands for; undefined for any other comment.
  tagOf(comment) {
    return this.tags[ONLY_MARKER.exec(comment.data)?.[1]];
  }
}

function inText(text) {
  return text.replace(MARKER, "<!--$&-->");
}
