// <copy-button data-value="…" data-done="Copied"> shows its button where copying is possible.

customElements.define("copy-button", class extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    const text = this.querySelector("[data-text]");
    if (!button || !navigator.clipboard) return;
    const words = text.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.dataset.value);
      text.textContent = this.dataset.done;
      text.setAttribute("role", "status");
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { text.textContent = words; }, 2000);
    });
  }
});
