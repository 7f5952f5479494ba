// What could not be done in one request goes on by itself while its page is open.

for (const form of document.querySelectorAll("form[data-goes-on]")) {
  form.requestSubmit();
}
