// <door-live> keeps the count and the last admissions fresh, says whether codes can be checked, and
// takes admissions back.

const EVERY = 4000;
const PATIENCE = 5000;

customElements.define("door-live", class extends HTMLElement {
  #timer = 0;
  #running = null;

  connectedCallback() {
    this.note = document.getElementById("door-note");
    addEventListener("offline", () => this.#say("offline"));
    addEventListener("online", () => this.refresh());
    document.addEventListener("visibilitychange", () => this.refresh());
    document.addEventListener("door-answer", () => { this.note.textContent = ""; this.refresh(); });
    document.addEventListener("submit", (event) => {
      if (!event.target.closest("#door-recent")) return;
      event.preventDefault();
      this.#undo(event.target);
    }, true);
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.refresh(), EVERY);
  }

  async refresh() {
    clearTimeout(this.#timer);
    this.#running?.abort();
    if (document.hidden) return;
    const running = this.#running = new AbortController();
    try {
      await this.#load(this.dataset.url, { signal: AbortSignal.any?.([running.signal, AbortSignal.timeout(PATIENCE)]) ?? running.signal });
    } catch {
      if (running.signal.aborted) return; // a newer one is under way
      this.#say("offline");
    }
    this.#later();
  }

  async #load(url, options) {
    const response = await fetch(url, { redirect: "manual", headers: { "X-Requested-With": "fetch" }, ...options });
    if (response.type === "opaqueredirect") { this.#say("out"); return; }
    if (!response.ok) throw new Error(response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    this.#say("online");
    for (const id of ["door-count", "door-recent"]) this.#swap(document.getElementById(id), page.getElementById(id));
    const note = page.querySelector("[data-note]");
    if (note) this.note.textContent = note.textContent;
  }

  #swap(old, fresh) {
    if (!fresh || old.matches(":active") || old.innerHTML === fresh.innerHTML) return; // a finger is on it
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(document.importNode(fresh, true));
    if (focused) document.getElementById(focused)?.focus();
  }

  async #undo(form) {
    if (form.dataset.sent) return;
    form.dataset.sent = "true";
    this.#running?.abort();
    try {
      await this.#load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout?.(PATIENCE) });
    } catch {
      delete form.dataset.sent;
      this.note.textContent = this.dataset.notUndone;
    }
    this.#later();
  }

  #say(state) {
    if (this.dataset.state !== state) this.dataset.state = state;
  }
});
