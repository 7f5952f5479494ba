// The note above a form leads to each faulty field, however far below it is.

const note = document.querySelector(".errornote");

// Django names a field's list of errors after the field.
function fieldOf(errors) {
  return document.getElementById(errors.id.replace(/_error$/, ""));
}

// In a table of rows the column names it.
function headOf(field) {
  const cell = field.closest("td");
  return cell?.closest("table").tHead?.rows[0].cells[cell.cellIndex];
}

function nameOf(field) {
  const own = document.querySelector(`label[for="${field.id}"]`);
  // A group of choices has one above it.
  const above = field.closest(".form-row, fieldset")?.querySelector("label, legend");
  const label = own ?? headOf(field) ?? above;
  return label ? label.textContent.trim().replace(/:$/, "") : field.name;
}

function lineFor(errors) {
  const link = document.createElement("a");
  link.href = `#${fieldOf(errors).id}`;
  link.textContent = nameOf(fieldOf(errors));
  const line = document.createElement("li");
  line.append(link, `: ${errors.firstElementChild.textContent}`);
  return line;
}

const faulty = [...document.querySelectorAll(".errorlist[id]")].filter(fieldOf);
if (note && faulty.length) {
  const list = document.createElement("ul");
  list.className = "mm-faults";
  list.append(...faulty.map(lineFor));
  note.append(list);
}
