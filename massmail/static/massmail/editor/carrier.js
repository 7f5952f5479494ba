// What a frame shows is fetched by a form, not by a script: a document of its own address
// has a policy of its own, and so its styles.

export class Carrier {
  constructor(action, target) {
    this.form = document.createElement("form");
    Object.assign(this.form, { method: "post", action, target, hidden: true });
    document.body.append(this.form);
  }

  show(data) {
    this.form.replaceChildren(...[...data].map(([name, value]) => {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      return field;
    }));
    this.form.submit();
    this.form.replaceChildren();
  }
}
