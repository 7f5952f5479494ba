// How much the files are together, while they are chosen.

const MEGABYTE = 1024 * 1024;

function bytesOf(row) {
  if (row.querySelector("[name$=-DELETE]:checked")) return 0;
  const chosen = row.querySelector("[type=file]")?.files[0];
  if (chosen) return chosen.size;
  return Number(row.querySelector("[data-message-bytes]")?.dataset.messageBytes ?? 0);
}

export function sumFiles(place) {
  const group = document.getElementById("attachments-group");
  if (!place || !group) return;
  const { messageSum: text, messageMost: most } = place.dataset;
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const show = () => {
    const total = [...group.querySelectorAll("tr.form-row")].reduce((sum, row) => sum + bytesOf(row), 0);
    place.hidden = false;
    place.textContent = text.replace("{total}", number.format(total / MEGABYTE)).replace("{limit}", number.format(most / MEGABYTE));
    for (const name of ["message-finding", "message-blocking"]) place.classList.toggle(name, total > most);
  };
  group.addEventListener("change", show);
  // A line that was never saved leaves without a change of its fields.
  document.addEventListener("formset:removed", show);
}
