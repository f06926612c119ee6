// <choice-keeper> around what a form chooses: a link in it marked data-keep takes along what was chosen
// since the page came, all but the field that it names and sets itself. Enter in a field marked
// data-enter presses the button of that id. What is not wanted stays out of the address.

customElements.define("choice-keeper", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
    this.addEventListener("keydown", this);
    this.closest("form")?.addEventListener("formdata", this);
    // Browsers leave that where the address names a part of the page, and take focus away for it.
    addEventListener("load", () => setTimeout(() => this.querySelector("[autofocus]")?.focus()), { once: true });
  }

  handleEvent(event) {
    if (event.type === "keydown") this.press(event);
    else if (event.type === "click") this.take(event);
    else this.leaveOut(event.formData);
  }

  leaveOut(data) {
    for (const [name, value] of [...data]) {
      if (value === "" || (value === "0" && name.startsWith("quantity_"))) data.delete(name);
    }
  }

  press(event) {
    const { enter } = event.target.dataset;
    if (event.key !== "Enter" || !enter) return;
    event.preventDefault();
    document.getElementById(enter).click();
  }

  take(event) {
    const link = event.target.closest("a[data-keep]");
    const form = this.closest("form");
    if (!link || !form) return;
    const address = new URL(link.href);
    for (const [name, value] of new FormData(form)) {
      if (name !== link.dataset.keep) address.searchParams.set(name, value);
    }
    link.href = address;
  }
});
