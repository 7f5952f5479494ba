// Buttons above the text; they show what is true where the cursor is.

const ACTIONS = {
  bold: (chain) => chain.toggleBold(),
  italic: (chain) => chain.toggleItalic(),
  underline: (chain) => chain.toggleUnderline(),
  strike: (chain) => chain.toggleStrike(),
  bulletList: (chain) => chain.toggleBulletList(),
  orderedList: (chain) => chain.toggleOrderedList(),
  plain: (chain) => chain.unsetAllMarks(),
  undo: (chain) => chain.undo(),
  redo: (chain) => chain.redo(),
};

export class Toolbar {
  constructor(visual, element) {
    this.visual = visual;
    this.element = element;
    this.buttons = [...element.querySelectorAll("[data-message-command]")];
    this.styles = element.querySelector("select");
    for (const button of this.buttons) {
      // The selection in the text stays what it is.
      button.addEventListener("mousedown", (event) => event.preventDefault());
      button.addEventListener("click", () => this.run(button));
    }
    this.styles.addEventListener("change", () => this.setStyle(this.styles.value));
    element.addEventListener("keydown", (event) => this.move(event));
    visual.editor.on("transaction", () => this.refresh());
  }

  run(button) {
    const { messageCommand: command, messageHtml: source } = button.dataset;
    if (source) this.visual.insert(source);
    else if (command in ACTIONS) ACTIONS[command](this.visual.editor.chain().focus()).run();
    else this.visual.dialogs.open(command);
  }

  setStyle(value) {
    const chain = this.visual.editor.chain().focus();
    (value === "0" ? chain.setParagraph() : chain.setHeading({ level: Number(value) })).run();
  }

  refresh() {
    const { editor } = this.visual;
    for (const button of this.buttons) {
      if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", editor.isActive(button.dataset.messageCommand));
    }
    this.styles.value = String(editor.getAttributes("heading").level ?? 0);
  }

  // One stop of the Tab key for all buttons would need another key to be known; the
  // arrow keys are a shortcut besides.
  move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const position = this.buttons.indexOf(document.activeElement);
    if (!step || position < 0) return;
    event.preventDefault();
    this.buttons[(position + step + this.buttons.length) % this.buttons.length].focus();
  }
}
