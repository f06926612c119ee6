// <count-down data-until="…" data-expired="…" data-expired-url="…"> ticks; "expired" is announced as an event.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

const counted = (count, unit) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "short" }).format(count);

const inWords = (seconds) => {
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  return UNITS.slice(first, first + 2)
    .map(([unit, size], index) => counted(Math.floor((index ? seconds % UNITS[first][1] : seconds) / size), unit))
    .join(" ");
};

customElements.define("count-down", class extends HTMLElement {
  static observedAttributes = ["data-until"];

  connectedCallback() {
    this.clock = this.querySelector("[data-clock]");
    if (!this.clock) return;
    // Screen readers are not told every second; `title` keeps the instant itself.
    this.clock.title = this.clock.querySelector("time")?.textContent ?? "";
    this.setAttribute("aria-live", "off");
    this.querySelector("[data-name]").textContent = this.dataset.label;
    this.tick();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  attributeChangedCallback() {
    if (this.clock) this.tick();
  }

  tick() {
    clearTimeout(this.timer);
    const left = Math.ceil((Date.parse(this.dataset.until) - Date.now()) / 1000);
    if (left <= 0) return this.expire();
    this.toggleAttribute("data-soon", left <= 120);
    this.clock.textContent = inWords(left);
    this.timer = setTimeout(() => this.tick(), left > 86400 ? 60000 : 1000);
  }

  expire() {
    if (this.dataset.expired) this.textContent = this.dataset.expired;
    this.setAttribute("aria-live", "polite");
    this.dispatchEvent(new CustomEvent("expired", { bubbles: true }));
    if (this.dataset.expiredUrl) location.assign(this.dataset.expiredUrl);
  }
});
