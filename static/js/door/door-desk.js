// <door-desk> asks the server about each code, read or typed, and shows its answer over the whole
// screen. Only the server makes it green; without its answer the ticket counts as not checked in.
// Everybody who wants to know hears "door-answer" {verdict} on the document.

const GREEN_FOR = 1200;
const NEXT_AFTER = 500; // a green stands at least so long before another code is read
const AGAIN_AFTER = 1500; // time to lower the phone after dismissing
const PATIENCE = 6000;
const TOO_FAST = 250; // no finger meant that
const VERDICTS = { 201: "admitted", 409: "warning", 404: "refused", 422: "refused" };

customElements.define("door-desk", class extends HTMLElement {
  #isAsking = false;
  #shown = { at: 0, verdict: "", text: "" };
  #timers = [];
  #unanswered = new Set();
  #typedAt = -Infinity;

  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.form = this.querySelector("form[data-codes]");
    this.input = this.form.elements.code;
    this.scanner = this.querySelector("ticket-scanner");
    this.last = this.querySelector("[data-last]");
    this.addEventListener("ticket-read", ({ detail }) => this.check(detail.text));
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const typed = this.input.value;
      const verdict = await this.check(typed);
      if (verdict && verdict !== "failed" && this.input.value === typed) this.input.value = "";
    });
    this.dialog.addEventListener("click", (event) => this.#tap(event));
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.#close(); });
    document.addEventListener("keydown", (event) => this.#key(event));
    if (matchMedia("(pointer: fine)").matches) this.input.focus();
  }

  async check(text) {
    if (this.#isAsking || !text.trim()) return "";
    this.#isAsking = true;
    this.#clearTimers();
    this.scanner.pause?.(true);
    this.dataset.state = "checking";
    const answer = await this.#ask(text);
    this.#isAsking = false;
    this.dataset.state = "ready";
    this.#show(answer, text);
    return answer.dataset.verdict;
  }

  async #ask(text) {
    const body = new URLSearchParams(new FormData(this.form));
    body.set("code", text);
    let status, page;
    try {
      const response = await fetch(this.form.action, {
        method: "POST", body, redirect: "manual", headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout?.(PATIENCE),
      });
      status = response.type === "opaqueredirect" ? "out" : response.status;
      page = await response.text();
    } catch (error) {
      const isSilence = error.name === "TimeoutError" || status;
      this.#unanswered.add(text);
      return this.#failure(isSilence ? "silence" : "connection");
    }
    const answer = new DOMParser().parseFromString(page, "text/html").querySelector(".door-result");
    const verdict = VERDICTS[status];
    if (verdict && answer?.dataset.verdict === verdict) {
      if (verdict === "warning" && this.#unanswered.has(text)) answer.querySelector(".door-result__detail").after(this.#copy("[data-unsure]"));
      this.#unanswered.delete(text);
      return document.importNode(answer, true);
    }
    if (status === "out") return this.#failure("out");
    if (status === 403) return this.#failure("access");
    this.#unanswered.add(text);
    return this.#failure("silence");
  }

  #failure(kind) {
    return this.#copy(`[data-failure="${kind}"]`);
  }

  #copy(selector) {
    return this.querySelector(selector).content.firstElementChild.cloneNode(true);
  }

  #show(answer, text) {
    const { verdict } = answer.dataset;
    this.#shown = { at: performance.now(), verdict, text };
    this.dialog.replaceChildren(answer);
    this.dialog.setAttribute("aria-label", answer.querySelector(".door-result__word").textContent);
    if (!this.dialog.open) this.dialog.showModal();
    (answer.querySelector("[data-dismiss]") ?? answer).focus({ preventScroll: true });
    if (verdict === "admitted") {
      this.#timers = [setTimeout(() => this.scanner.pause?.(false), NEXT_AFTER), setTimeout(() => this.#close(), GREEN_FOR)];
    }
    document.dispatchEvent(new CustomEvent("door-answer", { detail: { verdict } }));
  }

  #close() {
    if (!this.dialog.open) return;
    const { verdict, text } = this.#shown;
    this.#clearTimers();
    // Said once more, for readers that a short green interrupted.
    this.last.textContent = verdict === "admitted" ? [...this.dialog.querySelectorAll("p")].map((line) => line.textContent).join(", ") : "";
    this.dialog.close();
    this.dialog.replaceChildren();
    if (verdict === "failed") this.scanner.forget?.(text, 0);
    else if (verdict !== "admitted") this.scanner.forget?.(text, AGAIN_AFTER);
    this.scanner.pause?.(this.#isAsking);
  }

  #clearTimers() {
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
  }

  #tap(event) {
    if (event.target.closest("form, a:not([data-dismiss])")) return;
    event.preventDefault();
    if (event.detail === 0 || performance.now() - this.#shown.at > TOO_FAST) this.#close();
  }

  // A hand-held reader types its code and presses Enter: into the field, whatever has the focus, but
  // never away over an answer that somebody has to read.
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = performance.now();
    const isTyped = event.key.length === 1;
    const isStream = now - this.#typedAt < TOO_FAST;
    if (isTyped) this.#typedAt = now;
    if (this.dialog.open && this.#shown.verdict === "admitted" && isTyped) this.#close();
    if (this.dialog.open) {
      if ((isTyped && event.key !== " ") || (event.key === "Enter" && isStream)) event.preventDefault();
    } else if (isTyped && event.key !== " " && !event.target.closest("input, select, textarea")) {
      this.input.focus();
    }
  }
});
