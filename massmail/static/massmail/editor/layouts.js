// Another layout replaces the text: whoever has written something is asked before.

export function guardLayouts(form) {
  const layouts = document.querySelector("[data-message-layouts]");
  let isWritten = false;
  form.addEventListener("input", () => { isWritten = true; });
  layouts?.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link && isWritten && !window.confirm(layouts.dataset.messageLayouts)) event.preventDefault();
  });
}
