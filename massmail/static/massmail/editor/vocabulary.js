// What elements are to the visual editor.

const words = (text) => new Set(text.trim().split(/\s+/));

export const BLOCKS = words(`
  address article aside blockquote caption center col colgroup dd details div dl dt
  fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p
  pre section style summary table tbody td tfoot th thead tr ul
`);
// They hold blocks, and keep all that is written on them.
export const BOXES = words(`
  address article aside blockquote center dd div dl dt figcaption figure footer header
  li main nav ol section table tbody td tfoot th thead tr ul
`);
// Between their parts stands no text.
export const STRUCTURE = words("table tbody tfoot thead tr ul ol dl colgroup");
// Formatting of text, with the name of its mark where the toolbar has one.
export const MARKS = new Map(Object.entries({
  a: "link", b: "bold", strong: "bold", i: "italic", em: "italic", u: "underline", s: "strike",
  strike: "strike", del: "strike",
}));
export const FORMATTING = words(`
  abbr acronym bdi bdo big cite code dfn font ins kbd label mark q samp small span sub
  sup time tt var
`);
export const VOID = words("area base br col embed hr img input link meta param source track wbr");

// Where a link may lead; the server allows no other.
export const LINK = /^(https?:|mailto:|tel:|\{\{|\{%)/i;

export const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;
export const isComment = (node) => node.nodeType === Node.COMMENT_NODE;
export const isText = (node) => node.nodeType === Node.TEXT_NODE;
export const isBlank = (node) => isText(node) && !/[^ \t\n\f\r]/.test(node.data);
export const collapsed = (text) => text.replace(/[ \t\n\f\r]+/g, " ");

const ANY_BLOCK = [...BLOCKS].join(",");

export function isBlock(node) {
  return isElement(node) && (BLOCKS.has(node.localName) || node.querySelector(ANY_BLOCK) !== null);
}

export function attributesOf(element) {
  return Object.fromEntries([...element.attributes].map(({ name, value }) => [name.startsWith(ASLEEP) ? name.slice(ASLEEP.length) : name, value]));
}

// A parser reports styles and handlers of events to the site's policy, even where
// nothing is shown: they sleep under other names.
const ASLEEP = "massmail-";
const START_TAG = /<[a-z](?:[^>"']|"[^"]*"|'[^']*')*>/gi;
const SLEEPER = /"[^"]*"|'[^']*'|([\s/])(style|on[a-z]+)(?=\s*=)/gi;

export function styleOf(element) {
  return element.getAttribute(`${ASLEEP}style`) ?? "";
}

export function asleep(html) {
  return html.replace(START_TAG, (tag) => tag.replace(SLEEPER, (part, before, name) => (name ? before + ASLEEP + name : part)));
}

const SLEEPING = / massmail-(style|on[a-z]+)=/g;

export function awake(html) {
  return html.replace(SLEEPING, " $1=");
}

export function fragmentOf(html) {
  const template = document.createElement("template");
  template.innerHTML = asleep(html);
  return template.content;
}
