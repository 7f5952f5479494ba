// Counts whom the filters mean while they are set. Without this there is a button.

const WAIT_MS = 300;

for (const form of document.querySelectorAll("form[data-count]")) {
  const filters = form.querySelector("[data-filters]");
  const place = form.querySelector("[data-chosen]");
  let timer = 0;
  let asked = 0;

  form.querySelector("[data-show]").hidden = true;

  function query() {
    const values = new URLSearchParams();
    for (const field of filters.querySelectorAll("input, select")) {
      const isOff = field.type === "checkbox" && !field.checked;
      if (field.name && field.value && !isOff) values.append(field.name, field.value);
    }
    return values;
  }

  async function count() {
    asked += 1;
    const mine = asked;
    try {
      const response = await fetch(`${form.dataset.count}?${query()}`, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        redirect: "error",
      });
      if (!response.ok) throw new Error(response.statusText);
      const facts = await response.json();
      // An older answer that comes late says what was asked before.
      if (mine !== asked) return;
      place.innerHTML = facts.html;
      form.querySelector("[name=counted]").value = facts.count ?? "";
    } catch {
      if (mine === asked) form.querySelector("[data-show]").hidden = false;
    }
  }

  filters.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(count, WAIT_MS);
  });
}
