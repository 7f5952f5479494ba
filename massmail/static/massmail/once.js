// A form that is on its way is not sent a second time.

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    // Not `disabled`: the button's own name and value belong to what is sent.
    for (const button of form.querySelectorAll("button, input[type=submit]")) {
      button.setAttribute("aria-disabled", "true");
    }
  });
}

// The browser may bring a page back as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
    }
  }
});
