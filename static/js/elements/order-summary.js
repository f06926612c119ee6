// <order-summary data-form="choose" data-currency="EUR"> adds up what is chosen in the form's ticket rows.
// Without JavaScript the sum stands on the next page.

customElements.define("order-summary", class extends HTMLElement {
  connectedCallback() {
    this.form = document.getElementById(this.dataset.form);
    if (!this.form) return;
    const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: this.dataset.currency });
    this.major = 10 ** format.resolvedOptions().maximumFractionDigits;
    this.money = (minor) => format.format(minor / this.major);
    this.label = this.querySelector(".summary__label");
    this.total = this.querySelector(".summary__total strong");
    this.empty = this.querySelector(".summary__empty");
    this.nothing = [this.label.textContent, this.total.textContent];
    this.refresh = this.refresh.bind(this);
    this.form.addEventListener("input", this.refresh);
    addEventListener("pageshow", this.refresh);
    this.refresh();
  }

  disconnectedCallback() {
    this.form?.removeEventListener("input", this.refresh);
    removeEventListener("pageshow", this.refresh);
  }

  refresh() {
    const chosen = [...this.form.querySelectorAll("input[data-minor]")]
      .map((input) => this.line(input.dataset, Number(input.value) || 0))
      .filter(({ count }) => count > 0);
    const count = chosen.reduce((sum, line) => sum + line.count, 0);
    const minor = chosen.reduce((sum, line) => sum + line.minor, 0);
    this.list(chosen);
    this.empty.hidden = count > 0;
    const { one, many, free } = this.dataset;
    [this.label.textContent, this.total.textContent] = count
      ? [count === 1 ? one : many.replace("#", count), minor ? this.money(minor) : free]
      : this.nothing;
  }

  line({ name, minor, own, fixed, rate, tax }, count) {
    if (!own) return { name, count, minor: count * minor };
    // The buyer's own price, with fee and tax as the server adds them: minor units, half up.
    const share = (amount, points) => Math.floor((amount * points + 5000) / 10_000);
    const each = this.amount(document.getElementById(own).value);
    const fee = each ? Number(fixed) + share(each, rate) : 0;
    return { name, count, minor: count * (each + fee) + share(count * each, tax) };
  }

  // 12.50 and 12,50; what is no amount counts as nothing until it is sent and refused.
  amount(typed) {
    const parts = typed.replace(/[^\d.,]/g, "").split(/[.,]/);
    const cents = parts.length > 1 ? parts.pop() : "";
    return Math.round(Number(`${parts.join("")}.${cents}`) * this.major) || 0;
  }

  list(chosen) {
    this.querySelector(".price-lines")?.remove();
    if (!chosen.length) return;
    const list = document.createElement("dl");
    list.className = "price-lines";
    for (const { name, count, minor } of chosen) {
      const line = document.createElement("div");
      line.className = "price-lines__line";
      const label = document.createElement("dt");
      label.textContent = `${count} × ${name}`;
      const amount = document.createElement("dd");
      amount.textContent = this.money(minor);
      line.append(label, amount);
      list.append(line);
    }
    this.empty.before(list);
  }
});
