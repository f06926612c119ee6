// <row-selection> chooses rows: all of the page, a run with Shift, up and down with the arrow keys,
// or everything that matches (name="all_matching"). Without it, each tick still counts.

customElements.define("row-selection", class extends HTMLElement {
  connectedCallback() {
    this.all = this.querySelector("[data-all]");
    this.everything = this.querySelector("[name='all_matching']");
    this.rows = [...this.querySelectorAll("tbody input[type='checkbox']")];
    this.count = this.querySelector("[data-count]");
    this.none = this.count?.textContent;
    this.addEventListener("click", (event) => this.choose(event));
    this.addEventListener("keydown", (event) => this.move(event));
    this.refresh();
  }

  choose({ target, shiftKey }) {
    if (target === this.all) for (const row of this.rows) row.checked = target.checked;
    const index = this.rows.indexOf(target);
    if (index >= 0) {
      if (shiftKey && this.last >= 0) {
        const [from, to] = [this.last, index].sort((a, b) => a - b);
        for (const row of this.rows.slice(from, to + 1)) row.checked = target.checked;
      }
      this.last = index;
    }
    if (target.type === "checkbox") this.refresh();
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const index = this.rows.indexOf(event.target);
    const next = this.rows[index + step];
    if (index < 0 || !next) return;
    event.preventDefault();
    next.focus();
    if (event.shiftKey) next.checked = event.target.checked;
    this.last = index + step;
    this.refresh();
  }

  refresh() {
    const everything = Boolean(this.everything?.checked);
    for (const row of this.rows) {
      row.disabled = everything;
      if (everything) row.checked = true;
    }
    const chosen = this.rows.filter((row) => row.checked).length;
    if (this.all) {
      this.all.disabled = everything;
      this.all.checked = chosen > 0 && chosen === this.rows.length;
      this.all.indeterminate = chosen > 0 && !this.all.checked;
    }
    if (!this.count) return;
    const words = chosen === 1 ? this.dataset.one : this.dataset.many;
    this.count.textContent = everything ? this.dataset.everything : chosen ? words.replace("#", chosen) : this.none;
  }
});
