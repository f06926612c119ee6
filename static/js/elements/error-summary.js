// The summary of a form's errors takes focus, and its links put it into the field.

customElements.define("error-summary", class extends HTMLElement {
  connectedCallback() {
    this.focus({ preventScroll: true });
    this.scrollIntoView({ block: "nearest" });
    this.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      const input = link && document.getElementById(link.hash.slice(1));
      if (!input) return;
      event.preventDefault();
      const field = input.closest(".field") ?? input;
      const fold = field.closest("details:not([open])");
      if (fold) fold.open = true;
      field.scrollIntoView();
      input.focus({ preventScroll: true });
    });
  }
});
