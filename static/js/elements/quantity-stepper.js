// <quantity-stepper> puts minus and plus around the number input inside it.

customElements.define("quantity-stepper", class extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    if (!this.input || this.querySelector("button")) return;
    this.less = this.button("−", this.dataset.less, -1);
    this.more = this.button("+", this.dataset.more, 1);
    this.prepend(this.less);
    this.append(this.more);
    this.input.addEventListener("input", () => this.refresh());
    this.refresh();
  }

  button(sign, label, step) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => this.move(step));
    return button;
  }

  move(step) {
    const { input } = this;
    const least = Number(input.min || 0);
    const most = input.max === "" ? Infinity : Number(input.max);
    const wanted = (Number(input.value) || 0) + step * Number(input.step || 1);
    const value = Math.min(most, Math.max(least, this.orNone(wanted, step)));
    if (String(value) === input.value) return;
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Nothing, or at least data-least.
  orNone(wanted, step) {
    const least = Number(this.input.dataset.least || 0);
    if (wanted >= least) return wanted;
    return step > 0 ? least : 0;
  }

  refresh() {
    const value = Number(this.input.value) || 0;
    this.toggleAttribute("data-chosen", value > 0);
    this.limit(this.less, value <= Number(this.input.min || 0));
    this.limit(this.more, this.input.max !== "" && value >= Number(this.input.max));
  }

  // Not `disabled`: focus must not be lost when the limit is reached.
  limit(button, reached) {
    button.setAttribute("aria-disabled", reached || this.input.disabled);
  }
});
