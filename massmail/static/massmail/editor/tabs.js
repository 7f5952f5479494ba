// Visual, HTML and plain text: one message, three ways to write it.

export class Tabs {
  constructor(tablist, textarea, visual) {
    this.visual = visual;
    this.note = document.querySelector("[data-message-lossy]");
    this.tablist = tablist;
    const rows = { html: textarea.closest(".form-row"), text: document.querySelector(".form-row.field-text") };
    rows.html.before(tablist, ...(visual ? [this.note, visual.panel] : []));
    if (rows.text) rows.html.after(rows.text);
    this.panels = { ...(visual ? { visual: visual.panel } : {}), ...rows };
    this.tabs = [...tablist.querySelectorAll("[role=tab]")].filter((tab) => this.keep(tab));
    tablist.addEventListener("keydown", (event) => this.move(event));
  }

  keep(tab) {
    const panel = this.panels[tab.dataset.messageTab];
    if (!panel) {
      tab.remove();
      return false;
    }
    panel.id ||= `message-panel-${tab.dataset.messageTab}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.setAttribute("aria-controls", panel.id);
    tab.addEventListener("click", () => this.show(tab.dataset.messageTab));
    return true;
  }

  start() {
    this.tablist.hidden = false;
    const wrong = ["html", "text"].find((name) => this.panels[name]?.querySelector(".errorlist"));
    this.show(wrong ?? (this.visual ? "visual" : "html"));
  }

  // What the visual editor cannot show is shown as HTML, and that is said.
  show(name) {
    const isLossy = name === "visual" && !this.visual.load();
    if (this.note) this.note.hidden = !isLossy;
    const shown = isLossy ? "html" : name;
    for (const [key, panel] of Object.entries(this.panels)) panel.hidden = key !== shown;
    for (const tab of this.tabs) {
      const isCurrent = tab.dataset.messageTab === shown;
      tab.setAttribute("aria-selected", isCurrent);
      tab.tabIndex = isCurrent ? 0 : -1;
    }
  }

  move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const position = this.tabs.findIndex((tab) => tab.tabIndex === 0);
    const next = this.tabs[(position + step + this.tabs.length) % this.tabs.length];
    this.show(next.dataset.messageTab);
    this.tabs.find((tab) => tab.tabIndex === 0).focus();
  }
}
