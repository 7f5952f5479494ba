// The visual editor over the HTML field. The field stays what is saved: it changes only
// when something is changed here, and only while nothing in it would be lost.

import { Dialogs } from "./dialogs.js";
import { Stylesheet } from "./looks.js";
import { cleaned } from "./pasting.js";
import { extensions } from "./schema.js";
import { Source } from "./source.js";
import { Toolbar } from "./toolbar.js";
import { pictureFiles, upload } from "./uploads.js";

const PICTURE_TAG = /^\{%\s*cid_([a-z][a-z0-9_]*)\s*%\}$/;

export class VisualEditor {
  constructor(tiptap, textarea, panel) {
    this.textarea = textarea;
    this.panel = panel;
    this.source = new Source("");
    this.isOwnChange = false;
    this.isStale = true;
    this.styles = new Stylesheet(".message-canvas.ProseMirror.ProseMirror");
    this.editor = new tiptap.Editor({
      element: panel.querySelector("[data-message-canvas]"),
      extensions: extensions(tiptap, (address) => this.addressOf(address)),
      injectCSS: false,
      editorProps: {
        attributes: {
          class: "message-canvas",
          role: "textbox",
          "aria-multiline": "true",
          "aria-label": panel.dataset.messageLabel,
        },
        transformPastedHTML: (html) => cleaned(html, (address) => this.keptOf(address)),
        handlePaste: (_view, event) => this.takeFiles(event.clipboardData),
        handleDrop: (_view, event) => this.takeFiles(event.dataTransfer),
        handleDoubleClickOn: (_view, _position, node) => this.dialogs.edit(node),
        handleKeyDown: (_view, event) => event.key === "Enter" && this.dialogs.edit(this.editor.state.selection.node),
      },
      onUpdate: () => this.write(),
    });
    this.dialogs = new Dialogs(this, panel);
    this.toolbar = new Toolbar(this, panel.querySelector("[role=toolbar]"));
    textarea.addEventListener("input", () => { this.isStale ||= !this.isOwnChange; });
    document.addEventListener("massmail:insert", (event) => this.takeInsertion(event));
  }

  get isShown() {
    return !this.panel.hidden;
  }

  // Shows what is in the field; false when that cannot be shown without a loss.
  load() {
    if (!this.isStale) return true;
    const source = new Source(this.textarea.value);
    const doc = source.isReadable && this.checked(source.document());
    if (!doc || !source.isSaidBy(doc)) return false;
    this.source = source;
    this.styles.show(source.styles());
    this.editor.chain().setMeta("addToHistory", false).setContent(doc, { emitUpdate: false }).run();
    this.isStale = false;
    return true;
  }

  // The document as the editor's schema has it; null for one that it does not allow.
  checked(json) {
    try {
      const doc = this.editor.schema.nodeFromJSON(json);
      doc.check();
      return doc.toJSON();
    } catch {
      return null;
    }
  }

  write() {
    this.isOwnChange = true;
    this.textarea.value = this.source.with(this.editor.getJSON());
    this.textarea.dispatchEvent(new Event("input", { bubbles: true }));
    this.isOwnChange = false;
  }

  insert(html) {
    const content = new Source(html).document().content;
    const isText = content.length === 1 && content[0].type === "loose";
    this.editor.chain().focus().insertContent(isText ? content[0].content : content).run();
  }

  takeInsertion(event) {
    if (!this.isShown) return;
    event.preventDefault();
    this.insert(event.detail);
  }

  // Where the page shows a picture that the message names.
  addressOf(address) {
    const name = PICTURE_TAG.exec(address.trim())?.[1];
    return name && this.panel.querySelector(`[data-message-picture="${name}"] img`)?.src;
  }

  // What a picture of the library, pasted with its address here, is in a message.
  keptOf(address) {
    const button = [...this.panel.querySelectorAll("[data-message-picture]")]
      .find((one) => one.querySelector("img").src === address);
    return button && new Source(button.dataset.messageInsertSource).document().content[0].content[0].attrs.kept;
  }

  takeFiles(transfer) {
    const files = pictureFiles(transfer, (address) => this.keptOf(address));
    if (!files.length) return false;
    this.addPictures(files);
    return true;
  }

  async addPictures(files) {
    for (const file of files) {
      const picture = await upload(file, this.panel, this.textarea.form);
      if (!picture) continue;
      this.dialogs.offer(picture);
      this.insert(picture.html);
    }
  }
}
