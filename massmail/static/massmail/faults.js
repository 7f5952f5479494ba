// The note above a form leads to each faulty field, however far below it is.

const note = document.querySelector(".errornote");

// Django names a field's list of errors after the field.
function fieldOf(errors) {
  return document.getElementById(errors.id.replace(/_error$/, ""));
}

function nameOf(field) {
  const own = document.querySelector(`label[for="${field.id}"]`);
  // A group of choices has one above it.
  const label = own ?? field.closest(".form-row, fieldset").querySelector("label, legend");
  return label.textContent.trim().replace(/:$/, "");
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
