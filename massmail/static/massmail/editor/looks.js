// How a message looks while it is edited. Its text may be a colleague's: of what is
// written on an element only harmless looks reach the page.

const ATTRIBUTES = new Set(["align", "valign", "bgcolor", "width", "border", "cellpadding", "cellspacing", "colspan", "rowspan", "dir", "lang", "class", "color", "face", "size", "start", "type"]);
const PROPERTIES = /^(color|background-color|font|line-height|letter-spacing|text-|padding|margin|border|width|max-width|height|vertical-align|display$|list-style|white-space|overflow-wrap|word-break)/;
const DISPLAYS = new Set(["block", "inline", "inline-block", "table", "table-cell", "table-row"]);

export function shown(kept) {
  const looks = {};
  for (const [name, value] of Object.entries(kept ?? {})) {
    if (ATTRIBUTES.has(name)) looks[name] = value;
  }
  if (kept?.style) looks.style = declarations(styleOf(kept.style));
  return looks;
}

function styleOf(text) {
  const style = document.createElement("div").style;
  style.cssText = text;
  return style;
}

function declarations(style) {
  return [...style].filter((name) => isHarmless(name, style.getPropertyValue(name)))
    .map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; ");
}

function isHarmless(name, value) {
  if (!PROPERTIES.test(name) || /url\(/i.test(value)) return false;
  return name !== "display" || DISPLAYS.has(value);
}

// The message's own rules, for the elements inside `scope` only. Rules for small
// screens and dark colours are the preview's business.
export class Stylesheet {
  constructor(scope) {
    this.scope = scope;
    this.sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.sheet];
  }

  show(css) {
    const read = new CSSStyleSheet();
    read.replaceSync(css.replace(/\{\{.*?\}\}|\{%.*?%\}/g, ""));
    const rules = [...read.cssRules].filter((rule) => rule instanceof CSSStyleRule);
    this.sheet.replaceSync(rules.map((rule) => this.scoped(rule)).join("\n"));
  }

  scoped(rule) {
    return `${this.scope} { :is(${rule.selectorText}) { ${declarations(rule.style)} } }`;
  }
}
